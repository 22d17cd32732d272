"""Accounts: from an admin's YAML file to what an event asks for."""
