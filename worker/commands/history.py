"""`kit-worker history`: what each event did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from worker.commands.common import an_address, begin, opened_ledger, run_async
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show, show_json, table
from worker.events.values import time_text
from worker.ledger.history import Line, addresses, find_history
from worker.settings import Settings

MOST: Final = 100_000
"""Lines at once: they are read as a whole."""


def history(
    *,
    email: Annotated[str | None, typer.Option("--email", help="Of this person, under any address.")] = None,
    event: Annotated[str | None, typer.Option("--event", help="Of the event with this id.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Of this account only.")] = None,
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=MOST)] = 200,
    as_json: AsJson = False,
) -> None:
    """Tell what each event did, to answer: why does she have this tag? The oldest comes first."""
    if email is None and event is None and account is None:
        raise UsageError("say what is looked for: --email, --event or --account")
    settings = begin()
    address = None if email is None else an_address(email)
    lines = run_async(_find(settings, address, event, account, limit))
    if as_json:
        show_json([{**asdict(line), "at": _when(line.at)} for line in lines])
    elif lines:
        headings = ("When", "Account", "Event", "Outcome", "What it did", "File")
        show(table(headings, [_row(line) for line in lines], whole=1))
        if len(lines) == limit:
            say(f"These are the newest {limit}; --limit shows more.")
    else:
        say(
            f"Nothing is known of that. Lines are kept for {settings.history_days} days; dead letters that "
            "could not be read at all are shown by kit-worker dead-letters list."
        )


async def _find(
    settings: Settings, email: str | None, event: str | None, account: str | None, limit: int
) -> list[Line]:
    async with opened_ledger(settings) as ledger:
        emails = None if email is None else await addresses(ledger.database, email)
        return await find_history(
            ledger.database, emails=emails, event_id=event, account=account, limit=limit
        )


def _when(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC).replace(microsecond=0))


def _row(line: Line) -> tuple[str, ...]:
    event = f"{line.event_type} {line.event_id or ''} of {line.event_time}"
    did = "; ".join(map(_call, line.calls)) or line.detail or _NOTHING.get(line.outcome, "")
    return _when(line.at), line.account, " ".join(event.split()), line.outcome, did, line.version


def _call(call: Mapping[str, Any]) -> str:
    """Return one call in words, with the rule that asked for it."""
    rules = [f"rule {number}" for number in call["rules"] if number]
    return f"{call['what']}{f' ({rules[0]})' if rules else ''}"


_NOTHING = {
    "applied": "nothing: Kit had it so already, or a newer event in hand decided",
    "superseded": "nothing: newer events had been applied",
    "duplicate": "nothing: this event had been applied",
    "ignored": "nothing: the account's file does not map it",
}
