"""Ada, who has moved, and what of her still stands in a ledger."""

from __future__ import annotations

from tests.integration.ledger.harness import Contents

HOME, WORK = "ada@home.example", "ada@work.example"


def about(rows: Contents, *words: str) -> list[tuple[str, str]]:
    """Return in which tables one of these words stands, with the row."""
    return [
        (name, str(row)) for name, table in rows.items() for row in table if any(w in str(row) for w in words)
    ]
