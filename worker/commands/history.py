"""`kit-worker history`: what each event did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from textwrap import TextWrapper
from typing import Annotated, Any, Final

import typer

from worker.commands.common import begin, opened_ledger, run_async
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show_json
from worker.commands.whose import ByUser, OfApp, whose_address
from worker.events.values import time_text
from worker.ledger.due import Timer, find_due
from worker.ledger.history import Line, addresses, find_history
from worker.settings import Settings

FILE: Final = (
    "file: the account's file at that time, by the beginning of its SHA-256.\n"
    "That of the present one: sha256sum config/accounts/ACCOUNT.yaml"
)
_WRAPPED: Final = TextWrapper(
    width=80,
    initial_indent=" " * 6,
    subsequent_indent=" " * 8,
    break_long_words=False,
    break_on_hyphens=False,
)
MOST: Final = 100_000
"""Lines at once: they are read as a whole."""


def history(  # noqa: PLR0913  # one for each option
    *,
    email: Annotated[str | None, typer.Option("--email", help="Of this person, under any address.")] = None,
    user: ByUser = None,
    app: OfApp = None,
    event: Annotated[str | None, typer.Option("--event", help="Of the event with this id.")] = None,
    account: Annotated[str | None, typer.Option("--account", help="Of this account only.")] = None,
    tag: Annotated[
        str | None, typer.Option("--tag", help="Only events that put this tag on, or took it off.")
    ] = None,
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=MOST)] = 200,
    as_json: AsJson = False,
) -> None:
    """Tell what each event did, to answer: why does she have this tag? The oldest comes first.

    What takes effect later comes last, as `due`, with the moment when it does.
    Each tag and field is told with the event that set it, as events of one person are applied together.
    "file" is the version of the account's file that was in force: the beginning of the file's SHA-256.
    """
    if all(each is None for each in (email, user, event, account, tag)):
        raise UsageError("say what is looked for: --email, --user, --event, --account or --tag")
    settings = begin()
    address = None if email is user is None else whose_address(settings, email, user, app)
    lines, timers = run_async(_find(settings, address, limit, event_id=event, account=account, tag=tag))
    if as_json:
        show_json([{**asdict(line), "at": _when(line.at)} for line in (*lines, *map(_as_line, timers))])
    elif lines or timers:
        for line in (*lines, *map(_as_line, timers)):
            say(*_told(line))
        say("", FILE)
        if len(lines) == limit:
            say(f"These are the newest {limit}; --limit shows more.")
    else:
        say(
            f"Nothing is known of that. Lines are kept for {settings.history_days} days; kit-worker "
            "dead-letters list also shows what RabbitMQ itself dead-lettered."
        )


async def _find(
    settings: Settings, email: str | None, limit: int, **looked_for: str | None
) -> tuple[list[Line], list[Timer]]:
    async with opened_ledger(settings) as ledger:
        emails = None if email is None else await addresses(ledger.database, email)
        return (
            await find_history(ledger.database, emails=emails, limit=limit, **looked_for),
            await find_due(ledger.database, emails=emails, limit=limit, **looked_for),
        )


def _as_line(timer: Timer) -> Line:
    """Return what is due as a line of the history that is still to come."""
    return Line(
        account=timer.account,
        email=timer.email,
        event_id=timer.event_id,
        event_type=timer.event_type,
        event_time=timer.event_time,
        at=timer.at,
        outcome="due",
        detail=timer.what,
        calls=(),
        version="",
        worker="",
    )


def _when(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC).replace(microsecond=0))


def _told(line: Line) -> list[str]:
    """Return what is said of one event: when and how it ended, what it was, and what it did."""
    file = f", file {line.version}" if line.version else ""
    event = f"{line.event_type} {line.event_id or ''} of {line.event_time}"
    did = [*map(_call, line.calls), *([line.detail] if line.detail else [])]
    did = did or [_NOTHING.get(line.outcome, "")]
    return [
        f"{_when(line.at)}  {line.account}: {line.outcome}{file}",
        f"    {' '.join(event.split())}",
        *(line for each in did for line in _WRAPPED.wrap(each)),
    ]


def _call(call: Mapping[str, Any]) -> str:
    """Return one call in words, with the rule that asked for it."""
    rules = [f"rule {number}" for number in call["rules"] if number]
    return f"{call['what']}{f' ({rules[0]})' if rules else ''}"


_NOTHING = {
    "applied": "nothing: Kit had it so already, or a newer event in hand decided",
    "superseded": "nothing: newer events had been applied",
    "duplicate": "nothing: this event had been applied",
    "due": "nothing, by the mapping of when it was scheduled",
    "ignored": "nothing: the account's file does not map it",
}
