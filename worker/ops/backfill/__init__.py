"""Existing members, from a file: read, held against what is known, and handed to the workers."""
