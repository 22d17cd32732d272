"""Runs an admin's own examples through the worker's own functions, and says where they do not hold."""
