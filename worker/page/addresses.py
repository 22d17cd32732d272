"""Addresses of the page: names of accounts and people are parts of them, whatever signs they hold."""

from __future__ import annotations

from urllib.parse import quote


def part(text: str) -> str:
    """Return a text as a part of an address; a person's address may hold a `/`."""
    return quote(text, safe="")


def view_of(account: str, *parts: str) -> str:
    """Return the address of an account, or of a view of it."""
    return "/".join(("/accounts", *map(part, (account, *parts))))
