"""Accounts: an admin's YAML file becomes an `Account`, which says what an event asks for."""
