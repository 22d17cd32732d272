"""The platform's contract in words, and one event of each type. Invented people only."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from worker.events.body import MAX_BODY_BYTES
from worker.events.decode import MAX_AHEAD
from worker.events.json_body import MAX_DEPTH
from worker.handlers.base import Handler

Json: TypeAlias = dict[str, Any]

RULES: Final = f"""\
Keeps each creator's Kit account in step with what happens on the membership platform.

**Where to.** The durable topic exchange named below. The routing key is the event's type, or the type, a
dot and the app whose event it is: `user.signed_up`, `user.signed_up.sunny-kitchen`. An event whose
routing key names an app that is not the account's becomes a dead letter. Until a worker has started once
and bound its queues, events go nowhere: start it first, or give the exchange an alternate one, and
publish with the flag `mandatory`.

**Form.** JSON in UTF-8, plain or as gzip: as a plain object, or as a CloudEvent 1.0, structured, or binary
with its attributes in headers that begin with `cloudEvents:`, `cloudEvents_` or `ce-`, as the official SDKs
write them. A plain event's `id`, `type` and `time` may instead come from the AMQP properties `message_id`,
`type` and `timestamp` (in seconds); a missing type is taken from the routing key, and a missing time is the
time of receipt. `time` may also be called `occurred_at`. No label is needed, and plain JSON is refused for
none. A batch is refused: send each event as a message of its own.

**Size.** At most {MAX_BODY_BYTES // 1024} KiB, packed and unpacked, and {MAX_DEPTH} levels of nesting; no NaN
and no infinite numbers.

**Time.** ISO 8601 with an offset; in headers also an AMQP timestamp, or whole milliseconds since 1970. One
that lies more than {MAX_AHEAD.seconds // 60} minutes ahead of the worker's clock makes the event invalid,
since it would outrank everything that happens until then.

**Order.** Within one person: the CloudEvents attribute `sequence` where there is one, then time, then
arrival. So take the times of one person from one clock, and give all of a person's events a `sequence`, or
none. Events may be sent again, and late: one with the id, type and time of another is a duplicate, and only
ids that you give mark them.

**Properties.** Persistent (`delivery_mode` 2), and without a priority, which would let a message
overtake.

**People.** Known by `data.user.id` where an event has one, within its app; else by `data.user.email`, which
every event must have: trimmed, composed (NFC), in lower case, its domain as IDNA writes it. Ids that are none
count as none, in any case: 0, -1, empty, `null`, `none`, `guest`, `anonymous`, `undefined`, `unknown`.
A newer address of a known id is taken from `user.updated`, `user.email_changed` and the types that an account
names besides, or from any event whose `data.user.previous_email` is the one known; others with another
address than the id's are dead-lettered (`identity_conflict`).

**Other types.** Any other event type, such as `user.updated` or `order.paid`, works in the same form
once an account's file maps it. Objects may hold further keys, which accounts reach by path
(`data.user.locale`).

**Try it.** `kit-worker publish --dry-run EVENT.json` tells of each event whether it would be taken, and
needs no broker.
"""

_USER: Final[Json] = {
    "id": "u-1024",
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
}


def plain_example(handler: Handler) -> Json:
    """Return a plain event of a handler's type."""
    data = {"user": _USER, **handler.example}
    data["user"] = {**_USER, **data["user"]}
    return {"id": "evt-1", "type": handler.type, "time": "2026-07-01T10:00:00Z", "data": data}


def cloud_event_example(handler: Handler) -> Json:
    """Return a structured CloudEvent of a handler's type."""
    attributes = {"specversion": "1.0", "source": "https://platform.example/members", "sequence": "17"}
    return {**attributes, **plain_example(handler)}


def binary_example(handler: Handler, prefix: str) -> Json:
    """Return the headers and the payload of a binary CloudEvent, its attributes under a prefix."""
    event = cloud_event_example(handler)
    data = event.pop("data")
    return {"headers": {f"{prefix}{name}": value for name, value in event.items()}, "payload": data}
