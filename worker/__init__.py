"""Keeps each creator's Kit account in step with a membership platform's events."""
