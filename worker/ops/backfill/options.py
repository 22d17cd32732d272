"""How a file of existing members is read and taken, and the name of the run that does it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from worker.errors import InvalidEvent
from worker.events.event import Imported
from worker.events.times import parse_time

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


def options_of(
    columns: Iterable[str], event_type: str, app: str, as_of: str, imported: Imported
) -> BackfillOptions:
    """Return options as somebody writes them; see `BackfillOptions`.

    Args:
        columns: Each as `COLUMN=PATH`.
        event_type: Likewise.
        app: Likewise.
        as_of: A time; empty for none.
        imported: Likewise.

    Raises:
        MembersFileError: One of them cannot be so; the text names it as the command does.
    """
    if imported.known and imported.marker:
        raise MembersFileError("--known calls Kit for nothing, so that nobody can get a --marker-tag by it")
    try:
        time = parse_time("--as-of", as_of) if as_of else None
    except InvalidEvent as error:
        raise MembersFileError(str(error)) from error
    return BackfillOptions(tuple(map(_column, columns)), event_type.strip(), app, time, imported)


def _column(text: str) -> tuple[str, str]:
    name, equals, path = text.rpartition("=")
    if not equals or not path.strip():
        raise MembersFileError(f"--map {text}: should be COLUMN=PATH, such as Plan=mk_subscription_plan")
    return name.strip(), path.strip()


def run_of(account: str, digest: str, options: BackfillOptions) -> str:
    """Return the name of a run: the same for the same account, file and options.

    Args:
        account: Its name.
        digest: Of the file's bytes.
        options: How it is read and taken.
    """
    told = msgspec.json.encode([account, digest, options])
    return RUN + hashlib.sha256(told).hexdigest()[:16]
