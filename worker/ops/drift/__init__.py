"""Drift: what this worker gave, compared with what Kit has, and what is done about it."""
