"""Which acks settle what is done. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Ack(NamedTuple):
    """One `basic.ack`.

    Attributes:
        tag: The channel's number for a message.
        multiple: Whether it is about all messages up to that one, too.
    """

    tag: int
    multiple: bool


def acks(done: Collection[int], oldest_open: int | None) -> list[Ack]:
    """Return the fewest acks that settle messages of one channel.

    RabbitMQ takes `multiple` to the letter: everything up to that number counts as done, in hand or not. So
    only what lies below the oldest message that is not done goes together; the rest goes one by one.

    Args:
        done: The numbers of those to settle.
        oldest_open: The least number of those in hand that are not done; None where there is none. Whatever
            is not in hand yet has a greater one.
    """
    together = [tag for tag in done if oldest_open is None or tag < oldest_open]
    alone = [tag for tag in done if oldest_open is not None and tag > oldest_open]
    first = [Ack(max(together), multiple=len(together) > 1)] if together else []
    return [*first, *(Ack(tag, multiple=False) for tag in sorted(alone))]
