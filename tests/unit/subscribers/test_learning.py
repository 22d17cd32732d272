"""What a record learns: its facts stay bounded, and mean what they meant."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from tests.unit.subscribers.any_order import Chance, Worker
from tests.unit.subscribers.in_order import Wish, in_order
from worker.subscribers.change import Change
from worker.subscribers.desired import desired, is_news, left
from worker.subscribers.fact import Fact
from worker.subscribers.learning import MAX_FACTS, learn, owe, take_for_done
from worker.subscribers.parts import Part, TagWish, slot_key
from worker.subscribers.record import Record

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


def test_that_all_goes_off_is_remembered_beyond_the_facts() -> None:
    """Given a closing that took all off, and many openings since, what is older gives nothing."""
    record = Record(EMAIL, 7)
    learn(record, Change(facts=(Fact(order(5), opens=False, subscription="s", tags_off=True),)))
    for number in range(6, 6 + 2 * MAX_FACTS):
        learn(record, Change(facts=(Fact(order(number), opens=True, subscription="s"),)))
    assert len(record.facts) <= MAX_FACTS
    assert not any(part.value.present for part in desired(record, change(3, add=("VIP",))).tags.values())
    assert desired(record, change(7, add=("VIP",))).tags["vip"].value.present


@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_openings_and_closings_mean_what_they_mean_one_by_one(seed: int) -> None:
    wishes = a_long_life(seed)
    worker = Worker(wishes, list(range(len(wishes))), Chance(iter(())))
    assert worker.run() == in_order(wishes)
    assert worker.kept_facts <= MAX_FACTS


def test_what_is_owed_to_nobody_yet_comes_with_the_event_that_creates_the_person() -> None:
    record = Record(EMAIL)
    off = Part(value=True, order=order(3))
    asked = change(1, add=("A",), fields={"Plan": "x"}, ensure=False).merge(Change(unsubscribe=off))
    opened = Fact(order(2), opens=True, tags={"b": TagWish("B", present=True)})

    owe(record, asked.merge(Change(facts=(opened,), address=Part("new@example.com", order(2)))))

    assert (record.owed.ensure, record.owed.creates, record.owed.address, record.owed.facts) == (
        None,
        None,
        None,
        (),
    )
    then = left(record, change(4, add=("C",)))
    assert then.tags.keys() == {"a", "b", "c"}
    assert then.fields.keys() == {"Plan"}
    assert then.unsubscribe == off


def test_of_two_gifts_that_are_owed_the_older_is_none_any_more() -> None:
    record = Record(EMAIL)
    for number, tag in ((1, "Gold"), (2, "Silver")):
        tags = change(number, add=(tag,)).tags
        asked = Change(tags=tags, gave={slot_key("plan", tag): tags[tag.lower()]})
        owe(record, asked)
        assert not is_news(record, asked)
    given = {key: part.value.present for key, part in left(record, change(3)).tags.items()}
    assert given == {"gold": False, "silver": True}


def test_what_kit_has_already_is_noted_and_what_others_ask_for_is_left() -> None:
    """Given a change of which one event is known to be so, Kit is told of the other one alone."""
    record = Record(EMAIL)
    asked = change(1, add=("A", "B"), fields={"Plan": "Gold"}, first_name="Ada").merge(change(2, add=("B",)))
    asked = replace(asked, known=frozenset({order(1)}))
    rest = take_for_done(record, left(record, asked), asked, 5.0)
    assert (set(rest.tags), rest.fields, rest.first_name) == ({"b"}, {}, None)
    assert {key: (tag.part.order, tag.at) for key, tag in record.tags.items()} == {"a": (order(1), 5.0)}
    assert record.fields["Plan"].part.value == "Gold"


def test_what_another_event_of_the_same_time_asks_for_is_left() -> None:
    """Given an event that happened at the very time of one that is known to be so."""
    record, later = Record(EMAIL), order(1)._replace(arrival=9)
    happened = Change(tags={"c": Part(TagWish("C", present=True), later)})
    asked = replace(change(1, add=("A",)), known=frozenset({order(1)})).merge(happened)
    assert take_for_done(record, left(record, asked), asked, 5.0).tags.keys() == {"c"}


def test_what_follows_from_what_is_known_is_so_too_but_not_what_is_owed() -> None:
    """Given known events alone, what an earlier one of them takes off is off, and what is owed is left."""
    record = Record(EMAIL, owed=change(9, add=("C",)))
    gone = Change(tags_off=Part(value=True, order=order(5)), known=frozenset({order(5)}))
    assert take_for_done(record, left(record, gone), gone, 5.0).tags.keys() == {"c"}
    learn(record, gone)
    older = replace(change(1, add=("A",)), known=frozenset({order(1)}))
    rest = take_for_done(record, left(record, older), older, 5.0)
    assert rest.tags.keys() == {"c"}
    assert not record.tags["a"].part.value.present


def test_who_is_known_to_get_no_mail_gets_none() -> None:
    record, said = Record(EMAIL), Part(value=True, order=order(3))
    asked = Change(unsubscribe=said, ensure=said, known=frozenset({order(3)}))
    rest = take_for_done(record, left(record, asked), asked, 5.0)
    assert (rest.tells_kit, record.unsubscribed) == (False, said)
