"""What of an event takes effect later, and what it will do then. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from worker.accounts.account import Account
from worker.accounts.interpret import interpret
from worker.events.event import Event
from worker.kit.told import told
from worker.mapping import Asked
from worker.subscribers.change import Change
from worker.subscribers.item import Later
from worker.subscribers.parts import tag_told


def later_of(event: Event, account: Account, asked: Asked) -> Later | None:
    """Return what of an event takes effect later; None where nothing does.

    Args:
        event: What happened.
        account: Under whose mapping.
        asked: What that asks for now.

    Raises:
        EventError: As `interpret` says.
    """
    if asked.again is None:
        return None
    then = interpret(event, account, asked.again)
    before = set(_parts(asked.change))
    after = () if then is None else _parts(then.change)
    what = ", ".join(dict.fromkeys(part for part in after if part not in before))
    return Later(asked.again, what, alone=not asked.change)


def _parts(change: Change) -> Iterator[str]:
    """Yield what a change asks for, for people."""
    yield from (tag_told(part.value) for part in change.tags.values())
    yield from (told(name, part.value) for name, part in change.fields.items())
    if change.first_name is not None:
        yield told("first name", change.first_name.value)
    flags = {"all tags off": change.tags_off, "all fields cleared": change.fields_off}
    yield from (said for said, part in {**flags, "unsubscribed": change.unsubscribe}.items() if part)
