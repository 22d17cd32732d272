"""What a closing gives in a slot is its own, also where it came before the opening of its second."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.unit.accounts.harness import KIT, parse
from tests.unit.consumer.anew.renewed import Renewed, happened, has
from worker.events.event import Event

EVENTS = f"{KIT}\nevents:\n  subscription.started: {{add_tags: [{{tag: Gold, replaces: plan}}]}}\n"
FILE = f"{EVENTS}  subscription.canceled: {{add_tags: [{{tag: Lapsed, replaces: plan}}]}}\n"
OTHERS = {
    "the closing says nothing": f"{EVENTS}  subscription.canceled: null\n",
    "it gives a tag outside": f"{EVENTS}  subscription.canceled: {{add_tags: [Lapsed]}}\n",
    "no slot": FILE.replace("{tag: Gold, replaces: plan}", "Gold").replace(
        "{tag: Lapsed, replaces: plan}", ""
    ),
}
S1 = {"subscription": {"id": "s1"}}


def both(*, closing_first: bool, second: int = 0) -> list[Event]:
    """Return an opening and a closing of one subscription, as they come in."""
    opening = happened("subscription.started", 9 if closing_first else 1, 0, S1)
    closing = happened("subscription.canceled", 1 if closing_first else 9, second, S1)
    return sorted((opening, closing), key=lambda each: each.order.arrival)


@pytest.mark.parametrize("closing_first", [False, True])
@pytest.mark.parametrize("second", [0, 5])
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_under_another_file_it_is_as_if_that_had_been_there(
    other: str, second: int, *, closing_first: bool
) -> None:
    came = both(closing_first=closing_first, second=second)
    life, should = Renewed(parse(FILE)), Renewed(parse(other))
    life.hears(*came)
    life.comes_under(parse(other))
    should.hears(*came)
    assert has(life) == has(should)


@pytest.mark.parametrize("arrival", [0, 2, 8, 10, 11])
def test_the_next_message_is_no_part_of_it(arrival: int) -> None:
    """Given another event just before or behind one of the two, what it gives counts, in any order."""
    file = f"{FILE}  access.granted: {{add_tags: [VIP, Gold]}}\n"
    granted = happened("access.granted", arrival, 0, {})
    ends = []
    for came in permutations((*both(closing_first=True), granted)):
        life = Renewed(parse(file))
        life.hears(*came)
        ends.append(has(life)[0])
    assert ends == [ends[0]] * len(ends)
    assert ends[0] == {"VIP", "Lapsed"} | ({"Gold"} if arrival > 1 else set())
