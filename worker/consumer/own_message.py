"""The messages of the worker's own, by which what people ask for comes in through an account's queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

import msgspec

from worker.consumer.due_message import as_kept
from worker.events.decode import sequence_told
from worker.events.event import (
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    ORIGIN,
    TAKEN_BACK,
    Moment,
    Origin,
)
from worker.events.values import time_text
from worker.subscribers.drifted import DriftRow, told_rows
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.parts import TagWish, tag_told

ALLOW_TYPE: Final = "kit-worker.allow"
"""The type of messages that let through what was held, as the history names it; no account's file maps it."""

APPLY_TYPE: Final = "kit-worker.apply"
UNDO_TYPE: Final = "kit-worker.undo"
"""Likewise, of messages by which people come under the present file, and by which that is taken back."""
REPAIR_TYPE: Final = "kit-worker.repair"
ADOPT_TYPE: Final = "kit-worker.adopt"
"""Likewise, of messages about what is otherwise in Kit: it is put right there, or taken over from there."""


def anew_effect(email: str, run: str, number: int, version: str, at: float) -> DueEffect:
    """Return the timer of the message by which a person's events are heard anew.

    Args:
        email: The address that the person has now.
        run: Of which run it is a part, as people call it.
        number: Its number in that.
        version: Of the account's file for which that was planned.
        at: Now, by the ledger's clock, in seconds since 1970.
    """
    what = "what the events that are kept ask for by the present file"
    data = {"user": {"email": email}, "version": version}
    return _own(_event(f"{run}-{number:07}", APPLY_TYPE, at, data), Origin.ANEW, at, what)


def undoing(  # noqa: PLR0913  # what is taken back, and beside what it stands
    email: str,
    run: str,
    number: int,
    tags: Sequence[str],
    after: Moment,
    part: int = 0,
    *,
    until_anew: bool = False,
) -> DueEffect:
    """Return the timer of the message that takes off what a run put on; see `anew_effect`.

    Args:
        email: Likewise.
        run: Likewise.
        number: Likewise.
        tags: The names of the tags.
        after: The moment after which they are off: what asks for them since stands.
        part: Which of several that have one number, from 0.
        until_anew: Whether that stands only until the person's events are heard anew; see `TAKEN_BACK`.
    """
    data = {"user": {"email": email}, "tags": list(tags)}
    what = f"taken back: {', '.join(tag_told(TagWish(tag, present=True)) for tag in tags)}"
    (sequence, time), name = after, f"undo-{run}-{number:07}"
    at = time.timestamp()
    event = _event(f"{name}-{part}" if part else name, UNDO_TYPE, at, data, sequence)
    return _own(event, Origin.UNDO, at, what, {EVENT_ARRIVAL: str(TAKEN_BACK)} if until_anew else {})


def allowing(account: str, email: str, tags: Sequence[str], at: float) -> DueEffect:
    """Return the timer of the message that lets tags of a person through, which were held.

    Args:
        account: Its name.
        email: The address that the person has now.
        tags: Their names.
        at: Now, by the ledger's clock.
    """
    text = "\0".join((account, email, *sorted(tags), time_text(datetime.fromtimestamp(at, UTC))))
    timer = blake2b(text.encode(), digest_size=16).hexdigest()
    data = {"user": {"email": email}, "tags": list(tags)}
    told = ", ".join(tag_told(TagWish(tag, present=True)) for tag in tags)
    event = _event(timer, ALLOW_TYPE, at, data)
    return _own(event, Origin.ALLOW, at, f"put on, as somebody allows: {told}")


def repairing(
    email: str, run: str, number: int, rows: Sequence[DriftRow], planned: float, at: float
) -> DueEffect:
    """Return the timer of the message by which Kit has again what it was given.

    Args:
        email: The address that the person has, as the record has it.
        run: Of which run it is a part, as people call it.
        number: Its number in that.
        rows: What is otherwise in Kit, and to be put right.
        planned: When Kit was asked for that, by the ledger's clock, in seconds since 1970.
        at: Now, by the same.
    """
    event = _event(f"{run}-{number:07}", REPAIR_TYPE, planned, _differing(rows, email))
    return _own(event, Origin.REPAIR, at, f"put right in Kit: {told_rows(rows)}")


def adopting(
    email: str, run: str, number: int, rows: Sequence[DriftRow], planned: float, at: float
) -> DueEffect:
    """Return the timer of the message by which the ledger takes Kit's word; see `repairing`.

    It is of another run than that: a plan may be repaired, and what is left of it be taken over.
    """
    event = _event(f"{run}-{number:07}", ADOPT_TYPE, planned, _differing(rows, email))
    return _own(event, Origin.ADOPT, at, f"taken over from Kit: {told_rows(rows)}")


def _differing(rows: Sequence[DriftRow], email: str) -> Mapping[str, Any]:
    return {"user": {"email": email}, "differences": msgspec.to_builtins(rows)}


def _event(id_: str, kind: str, at: float, data: Mapping[str, Any], sequence: str = "") -> Mapping[str, Any]:
    """Return what somebody has asked for, and no event, as it is published.

    What happened, or was asked for, after `at` it does not override.
    """
    event = {"id": id_, "type": kind, "time": time_text(datetime.fromtimestamp(at, UTC)), "data": data}
    if sequence:
        event |= {"specversion": "1.0", "source": "kit-worker", "sequence": sequence_told(sequence)}
    return event


def _own(
    event: Mapping[str, Any],
    origin: Origin,
    at: float,
    what: str,
    more: Mapping[str, str] = MappingProxyType({}),
) -> DueEffect:
    """Return the timer of a message that somebody has asked for; it is due at once."""
    id_, time = event["id"], time_text(datetime.fromtimestamp(at, UTC))
    headers = {ORIGIN: origin.value, DUE_AT: time, DUE_ID: id_, **more}
    properties = {"content_type": "application/json", "delivery_mode": 2, "headers": headers}
    return DueEffect(
        id=id_,
        at=at,
        email=event["data"]["user"]["email"],
        user_id=None,
        event_type=event["type"],
        event_id=id_,
        event_time=datetime.fromisoformat(event["time"]),
        what=what,
        message=as_kept(msgspec.json.encode(event), properties),
    )
