"""What a record learns: its facts stay bounded, and mean what they meant."""

from __future__ import annotations

from random import Random

import pytest

from tests.unit.subscribers.test_any_order import Chance, Wish, Worker, in_order
from worker.subscribers.learning import MAX_FACTS

ALL = ("A", "B", "C", "D")


def a_long_life(seed: int) -> list[Wish]:
    """Openings and closings of three subscriptions, five times as many as are kept, in any order."""
    random = Random(seed)  # noqa: S311  # no secret
    wishes = []
    for _ in range(MAX_FACTS * 5):
        add = tuple(tag for tag in ALL if random.random() < 0.5)
        remove = tuple(tag for tag in ALL if tag not in add and random.random() < 0.5)
        fields = (("x", str(random.randint(1, 9))),)
        which = random.choice(["s", "t", ""])
        opens = random.random() < 0.5
        wishes.append(
            Wish(add, remove, fields, opens=which if opens else None, closes=None if opens else which)
        )
    return wishes


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_openings_and_closings_mean_what_they_mean_one_by_one(seed: int) -> None:
    wishes = a_long_life(seed)
    worker = Worker(wishes, list(range(len(wishes))), Chance(iter(())))
    assert worker.run() == in_order(wishes)
    assert worker.kept_facts <= MAX_FACTS
