"""The message of an event that has to come in again at its time, as the ledger keeps it until then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import structs

from worker.broker.publisher import Outgoing
from worker.broker.topology import work_queue
from worker.dead_letters.letter import with_headers
from worker.events.decode import sequence_told
from worker.events.delivery import Delivery
from worker.events.event import (
    DUE_AT,
    DUE_ID,
    EVENT_ARRIVAL,
    EVENT_TIME,
    ORIGIN,
    REPLAY_RUN,
    TAKEN_BACK,
    Due,
    Event,
    Moment,
    Origin,
)
from worker.events.values import time_text
from worker.ledger.failures import DamagedRowError
from worker.subscribers.drifted import DriftRow, told_rows
from worker.subscribers.due_effect import DueAnew, DueEffect
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.mark import event_name, timer_id
from worker.subscribers.parts import TagWish, tag_told
from worker.subscribers.subscriber import Subscriber

ALLOW_TYPE: Final = "kit-worker.allow"
"""The type of messages that let through what was held, as the history names it; no account's file maps it."""

APPLY_TYPE: Final = "kit-worker.apply"
UNDO_TYPE: Final = "kit-worker.undo"
"""Likewise, of messages by which people come under the present file, and by which that is taken back."""
REPAIR_TYPE: Final = "kit-worker.repair"
ADOPT_TYPE: Final = "kit-worker.adopt"
"""Likewise, of messages about what is otherwise in Kit: it is put right there, or taken over from there."""


class _Kept(msgspec.Struct, array_like=True):
    body: bytes
    properties: dict[str, Any]


def due_effect(item: Item) -> DueEffect | None:
    """Return what is kept of an event until it has to come in again; None where it need not."""
    event, later, subscriber = item.event, item.later, item.subscriber
    if event is None or later is None or subscriber is None:
        return None
    timer = timer_id(event, later.at)
    return DueEffect(
        id=timer,
        at=later.at.timestamp(),
        email=subscriber.record.email,
        user_id=item.user_id,
        event_type=event.type,
        event_id=event.id,
        event_time=event.time,
        what=later.what,
        message=_message(item.delivery.as_published(), event, Due(timer, later.at)),
    )


def due_anew(asked: Iterable[Item | None], subscriber: Subscriber) -> DueAnew:
    """Return what takes effect later by events of one person, in place of what did before.

    Args:
        asked: Each event once, with what it asks for.
        subscriber: The person.
    """
    heard = [structs.replace(item, subscriber=subscriber) for item in asked if item is not None]
    names = frozenset(event_name(item.event) for item in heard if item.event is not None)
    return DueAnew(names, tuple(effect for item in heard if (effect := due_effect(item)) is not None))


def due_of_others(outcome: Outcome) -> tuple[str, DueAnew] | None:
    """Return of whom events were heard anew, and what is due of them; None where none were, in the end."""
    item = outcome.item
    if item.anew is None or item.subscriber is None or outcome.kind not in {Kind.APPLIED, Kind.SUPERSEDED}:
        return None
    return item.subscriber.record.email, item.anew


def _message(delivery: Delivery, event: Event, due: Due) -> bytes:
    """Return all that an event came with, its place among the others, and its timer."""
    headers = {
        EVENT_TIME: time_text(event.time),
        EVENT_ARRIVAL: str(event.order.arrival),
        ORIGIN: Origin.DUE.value,
        DUE_AT: time_text(due.at),
        DUE_ID: due.id,
    }
    properties = with_headers(delivery, headers)
    properties["headers"].pop(REPLAY_RUN, None)  # for that run the event has ended
    return as_kept(delivery.body, properties)


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


def as_kept(body: bytes, properties: dict[str, Any]) -> bytes:
    """Return a message as its timer keeps it."""
    return msgspec.msgpack.encode(_Kept(body, properties))


def due_again(account: str, message: bytes) -> Outgoing:
    """Return the message as it is put into the account's work queue.

    Raises:
        LedgerUnavailable: What the ledger holds is no such message.
    """
    try:
        kept = msgspec.msgpack.decode(message, type=_Kept)
    except msgspec.MsgspecError as error:
        raise DamagedRowError(f"the ledger holds a timer of {account} that cannot be read") from error
    return Outgoing("", work_queue(account), kept.body, kept.properties)
