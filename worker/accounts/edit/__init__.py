"""Changes an account file's text where it stands, and leaves every other byte of it alone. Pure."""
