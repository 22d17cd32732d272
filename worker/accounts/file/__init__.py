"""One account file: its text with places, its model, and what is wrong with it, in sentences."""
