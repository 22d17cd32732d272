"""What is being done for one person, and what of it Kit refuses."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from worker.errors import EventError
from worker.kit.lists import NEWEST
from worker.kit.plan import Step
from worker.kit.refused import RefusedPart, refused
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.subscriber import Subscriber


class SubscriberGone(Exception):
    """The subscriber was deleted in Kit while we worked on it, or another one has its address."""


class NobodyThere(Exception):
    """Kit has nobody of the address, and nobody is to be created: what was asked is owed from now on."""


class Job(Struct, eq=False):
    """What is being done for one person.

    Attributes:
        created: True once a step has created the subscriber, who has no tags yet.
        alone: True once nothing more is done together with others.
        since: When the newest of the events came that ask for it, by `Clock.monotonic`.
        refused: The parts that cannot be applied; all others are.
        held: By `tag_key`, the tags that are not put on before somebody allows it; they are owed.
    """

    subscriber: Subscriber
    change: Change
    steps: Sequence[Step]
    created: bool = False
    alone: bool = False
    since: float = NEWEST
    refused: list[RefusedPart] = field(default_factory=list)
    held: dict[str, Part[TagWish]] = field(default_factory=dict)

    def refuse(self, parts: Change, error: EventError, *, whatever: bool = False) -> None:
        """Leave these parts undone, perhaps whatever their values, and go on with the others."""
        self.refused += refused(parts, error, whatever=whatever)


def id_of(subscriber: Subscriber) -> int:
    """Return Kit's id of a subscriber of whom an earlier step has made sure."""
    if subscriber.record.kit_id is None:
        raise AssertionError("the steps for an unknown subscriber begin with an upsert")
    return subscriber.record.kit_id
