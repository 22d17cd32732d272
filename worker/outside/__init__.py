"""What comes from outside, and is not trusted: texts, URLs, and why something was not reached."""
