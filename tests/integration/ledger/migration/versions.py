"""The present version of a ledger."""

from __future__ import annotations

from worker.ledger.migrations import MIGRATIONS, newest

VERSION = newest(MIGRATIONS)
