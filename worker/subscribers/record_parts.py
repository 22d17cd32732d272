"""What a record is made of: parts as Kit has them, tags that are held, and where somebody went. Pure."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.parts import Part

T = TypeVar("T")

UNKNOWN: Final = 0.0
"""In place of the time of an answer: nobody knows what Kit has."""


class KnownPart(Struct, Generic[T], frozen=True, array_like=True, gc=False):
    """One part as Kit has it.

    Attributes:
        at: When Kit last answered for it, in seconds since 1970; `UNKNOWN` where a call for it has no answer.
            Less than that, with the time behind the minus, where another worker may have done more since.
        kit_id: Of the tag or the custom field; 0 where there is none or it is not known. A tag that was
            deleted in Kit and created anew has another one, and nobody has it yet.
    """

    part: Part[T]
    at: float
    kit_id: int = 0

    @property
    def is_sure(self) -> bool:
        """Whether Kit has answered the last call for it that may have been made."""
        return self.at > UNKNOWN

    @property
    def answered_at(self) -> float:
        """When Kit last answered for it, whoever may have done more since; `UNKNOWN` where it has not."""
        return abs(self.at)

    def outdated(self) -> KnownPart[T]:
        """Return it as it is known once another worker may have done more, which could not say so."""
        return replace(self, at=-self.answered_at)


def doubted(known: KnownPart[T] | None, sent: Part[T]) -> KnownPart[T]:
    """Return a part of which a call is about to be sent: until it is answered, nobody knows what Kit has."""
    if known is None:
        return KnownPart(Part(sent.value, FIRST), UNKNOWN)
    return KnownPart(known.part, UNKNOWN, known.kit_id)


class Moved(NamedTuple):
    """Where the person of an address went.

    Attributes:
        order: The event by which the person left. Once somebody else has the address, the oldest event of
            that one: older ones that know the person by nothing else follow.
    """

    to: str
    order: OrderKey


class HeldTag(Struct, frozen=True, array_like=True, gc=False):
    """A tag that is not put on before somebody allows it; that it should be there is owed.

    Attributes:
        name: As the admin wrote it.
        order: Of the newest event that asks for it.
        since: When it was first held, in seconds since 1970.
        event_type: Of that event; empty where it is not known any more.
    """

    name: str
    order: OrderKey
    since: float
    event_type: str = ""
