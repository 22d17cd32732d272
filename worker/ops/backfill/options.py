"""How a file of existing members is read and taken, and the name of the run that does it. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from worker.events.event import Imported

RUN: Final = "backfill-"
"""How the name of each run begins."""


class MembersFileError(ValueError):
    """The file cannot be read as one of members, or not as it was asked for; the text says why."""


class BackfillOptions(msgspec.Struct, frozen=True):
    """How a file is read and taken.

    Attributes:
        columns: Of a table, by the name of a column, what its cells are: a path, or a platform field.
        event_type: Of rows that do not name theirs; empty for none.
        app: Whose events they are; empty where the account takes those of one, or of none.
        as_of: When that happened which does not say so itself; None where each row has to.
        imported: How each event is taken.
    """

    columns: tuple[tuple[str, str], ...] = ()
    event_type: str = ""
    app: str = ""
    as_of: datetime | None = None
    imported: Imported = Imported()


def run_of(account: str, digest: str, options: BackfillOptions) -> str:
    """Return the name of a run: the same for the same account, file and options.

    Args:
        account: Its name.
        digest: Of the file's bytes.
        options: How it is read and taken.
    """
    told = msgspec.json.encode([account, digest, options])
    return RUN + hashlib.sha256(told).hexdigest()[:16]
