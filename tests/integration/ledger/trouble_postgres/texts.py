"""What an error says of a ledger in PostgreSQL."""

from __future__ import annotations

import re

from worker.ledger.store import Ledger


def check_text(said: str, ledger: Ledger) -> None:
    """Fail unless a text names the ledger, says more than that, and is no secret's end."""
    password = ledger.database.url.password
    assert password
    assert password not in said
    assert re.fullmatch(
        rf"the ledger {re.escape(ledger.database.name)} "
        r"(cannot be used: .{10,200}|did not answer within \d+ s)",
        said,
    )
