"""A dry run judges letters one by one, a worker many at once: both tell alike whose each of them is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import NOON
from worker.accounts.whom import naming_whom
from worker.consumer.interpreting import interpreted
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.ops.in_kit import SeenInKit
from worker.ops.rehearsal import Rehearsal
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import Known
from worker.subscribers.whose import named_by

ACCOUNT = parse(
    f"{KIT}events:\n  user.updated: {{add_tags: [Updated]}}\n  order.paid: {{add_tags: [Paid]}}\n"
)


class Sent(NamedTuple):
    """An event: its type, whose, and when, in seconds; a user is empty where it names none."""

    kind: str
    user: str
    email: str
    at: int
    previous: str = ""

    def item(self, number: int) -> Item:
        """Return it as it came, as the one of that number."""
        user = {"email": self.email, "id": self.user or None, "previous_email": self.previous or None}
        given = {name: value for name, value in user.items() if value is not None}
        time = (NOON + timedelta(seconds=self.at)).isoformat()
        body = {"id": f"e-{number}", "type": self.kind, "time": time, "data": {"user": given}}
        received = NOON + timedelta(hours=1)
        delivery = Delivery(json.dumps(body).encode(), self.kind, received_at=received, exchange="events")
        event = decode(delivery, arrival=number)
        item = interpreted(naming_whom(Item(delivery, event), event, ACCOUNT.options, ""), ACCOUNT)
        assert isinstance(item, Item)
        return item


class Hands:
    """Events in hand, some of which are done and some are not."""

    def __init__(self) -> None:
        self.in_hand = InHand()
        self.conflicts: set[int] = set()
        self._waiting: list[Item] = []

    def takes(self, number: int, item: Item) -> bool:
        """Take an event in; False where it has to wait for others' work."""
        taken = self.in_hand.take_in(item, NOON.timestamp())
        if isinstance(taken, Outcome):
            self.in_hand.let_go(taken.item)
            self.conflicts |= {number} if taken.error is not None else set()
        elif taken is not None:
            self._waiting.append(taken)
        return taken is not None

    def named(self, item: Item) -> set[str]:
        """Return whom an event names, once it is known who that is."""
        while any(unknown := self.in_hand.directory.unknown([item])):
            self.in_hand.directory.learn(*unknown, Known({}, {}, {}))
        return named_by(self.in_hand.directory, item)

    def does_all(self) -> None:
        """Do what waits."""
        for item in self._waiting:
            then = Rehearsal(ACCOUNT, self.in_hand, 0.0).carry_out(item, SeenInKit(), NOON.timestamp())
            then.record.kit_id = then.record.kit_id or 7
            self.in_hand.applied(item)
            self.in_hand.let_go(item)
        self._waiting = []


def one_by_one(items: Sequence[Item]) -> set[int]:
    """Return which events are conflicts, each judged once those before it are done."""
    hands = Hands()
    for number, item in enumerate(items):
        hands.named(item)
        assert hands.takes(number, item)
        hands.does_all()
    return hands.conflicts


def together(items: Sequence[Item]) -> set[int]:
    """Return which are conflicts where all are taken in as far as that can be; see `consumer.intake`."""
    hands, left = Hands(), list(enumerate(items))
    while left:
        parked, waited_for = list[tuple[int, Item]](), set[str]()
        for number, item in left:
            named = hands.named(item)
            if named & waited_for or not hands.takes(number, item):
                parked.append((number, item))
                waited_for |= named
        hands.does_all()
        assert len(parked) < len(left)
        left = parked
    return hands.conflicts


X, Y = "x@example.com", "y@example.com"


@pytest.mark.parametrize(
    "sent",
    [
        # Of an event of which nothing else is news it is known all the same whose it is.
        [Sent("order.paid", "b", X, 2), Sent("order.paid", "a", X, 1), Sent("user.updated", "a", Y, 4, X)],
        [Sent("order.paid", "b", X, 2), Sent("order.paid", "a", X, 1), Sent("order.paid", "a", Y, 3)],
        # What comes after one that waits for somebody else's work waits behind it.
        [
            Sent("user.updated", "", X, 1), Sent("order.paid", "b", Y, 0), Sent("user.updated", "b", X, 3),
            Sent("user.updated", "a", Y, 2),
        ],
        [
            Sent("user.updated", "", X, 2), Sent("order.paid", "a", X, 4), Sent("user.updated", "", Y, 0),
            Sent("user.updated", "a", Y, 1), Sent("order.paid", "b", X, 3),
        ],
    ],
)  # fmt: skip
def test_what_is_in_hand_changes_nothing_about_whose_an_event_is(sent: list[Sent]) -> None:
    items = [each.item(number) for number, each in enumerate(sent, 1)]
    assert together(items) == one_by_one(items)


users, emails = st.sampled_from(["a", "b", ""]), st.sampled_from([X, Y])
plain = st.builds(
    Sent, st.sampled_from(["order.paid", "user.updated"]), users, emails, st.integers(0, 6), st.just("")
)
moving = st.builds(
    lambda user, way, at: Sent("user.updated", user, way[0], at, way[1]),
    st.sampled_from(["a", "b"]), st.sampled_from([(X, Y), (Y, X)]), st.integers(0, 6),
)  # fmt: skip


@settings(max_examples=500)
@given(st.permutations(range(5)), st.lists(plain, max_size=5), plain | moving, st.integers(0, 5))
def test_one_by_one_or_together_the_same_events_are_conflicts(
    times: list[int], sent: list[Sent], moves: Sent, place: int
) -> None:
    """Given any events, of which one may say that somebody has another address; see `letters.dry_run`."""
    paid = [each._replace(kind="order.paid", at=2 * at) for at, each in zip(times, sent, strict=False)]
    mixed = [*paid[:place], moves._replace(at=2 * moves.at + 1), *paid[place:]]
    items = [each.item(number) for number, each in enumerate(mixed, 1)]
    assert together(items) == one_by_one(items)
