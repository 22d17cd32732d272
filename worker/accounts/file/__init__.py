"""One account file: its text, its form, its errors in sentences."""
