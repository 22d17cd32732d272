"""Moved to `scripts.services.processes`."""

from scripts.services.processes import bound_to_us

__all__ = ["bound_to_us"]
