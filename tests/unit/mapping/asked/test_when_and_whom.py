"""Whether an event asks for anything, when, and whether it creates people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from tests.unit.examples import NOON, order
from tests.unit.mapping.asked.an_event import AHEAD, TIMES, WHEN, at, tags
from worker.errors import InvalidEvent
from worker.events.values import MISSING
from worker.mapping import Condition, EventMapping, Occasion, Options, Rule, Template, to_change
from worker.subscribers.change import Change
from worker.subscribers.parts import Part


def test_an_event_that_any_rule_skips_asks_for_nothing_and_says_which_rule() -> None:
    tags = Rule((Template("Member"), Template("{data.nothing}")))

    asked = at(EventMapping(tags, (Rule(when=WHEN, skip=True), Rule((Template("VIP"),), when=WHEN))))
    assert (asked.change, asked.owed, asked.skipped) == (Change(), (), "rule 1")
    assert at(EventMapping(Rule(skip=True))).skipped == "always"
    other = (Condition("mk_subscription_plan", ("Monthly",)),)
    assert at(EventMapping(tags, (Rule(when=other, skip=True),))).skipped == ""


def test_an_event_that_takes_effect_later_asks_for_nothing_until_then() -> None:
    mapping = EventMapping(Rule((Template("Cancelled"), Template("{data.nothing}"))), at="ahead")

    before, then = at(mapping), at(mapping, AHEAD)

    assert (before.change, before.owed) == (Change(), ())
    assert (before.again, before.due, before.phase) == (AHEAD, AHEAD, 0)
    assert tags(then.change) == {"Cancelled": True}
    assert (then.again, then.due, then.phase, len(then.owed)) == (None, AHEAD, 1, 1)


@pytest.mark.parametrize("name", ["null", "nothing"])
def test_an_event_without_a_time_of_its_effect_takes_effect_at_once(name: str) -> None:
    asked = at(EventMapping(Rule((Template("Cancelled"),)), at=name))

    assert tags(asked.change) == {"Cancelled": True}
    assert (asked.again, asked.due, asked.phase) == (None, None, 0)


@pytest.mark.parametrize("name", ["soon", "odd.time"])
def test_an_event_of_which_nobody_can_tell_when_it_takes_effect_is_invalid(name: str) -> None:
    """Neither now nor later would surely be right: it becomes a dead letter before anything is done."""
    with pytest.raises(InvalidEvent, match=name.replace(".", r"\.")):
        at(EventMapping(Rule((Template("Cancelled"),)), at=name))


def test_a_skipped_event_is_not_asked_about_again() -> None:
    assert at(EventMapping(rules=(Rule(when=WHEN, skip=True),), at="ahead")).again is None
    assert at(EventMapping(rules=(Rule(when=WHEN, skip=True),), at="soon")).skipped == "rule 1"


def test_an_event_with_tags_that_end_is_asked_about_again_at_the_next_end() -> None:
    later = (AHEAD + timedelta(days=1)).isoformat()
    rule = Rule(
        (Template("Gold", until="ahead"), Template("Silver", until="later"), Template("Tin", until="passed"))
    )
    occasion = Occasion(lambda name: {**TIMES, "later": later}.get(name, MISSING), order(1), NOON)

    asked = to_change(EventMapping(rule), (), Options(), occasion)

    assert tags(asked.change) == {"Gold": True, "Silver": True, "Tin": False}
    assert (asked.again, asked.due, asked.phase) == (AHEAD, None, 1)


def test_times_without_an_offset_are_those_of_the_account() -> None:
    berlin = Options(timezone=timezone(timedelta(hours=2)))
    occasion = Occasion(lambda _: "2026-07-01T14:00:01", order(1), NOON)

    assert to_change(EventMapping(at="x"), (), berlin, occasion).again == NOON + timedelta(seconds=1)
    assert to_change(EventMapping(at="x"), (), Options(), occasion).again == NOON + timedelta(
        hours=2, seconds=1
    )


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ((), "inactive"),
        ((Rule(create=False),), None),
        ((Rule(create=False), Rule(create=True)), "inactive"),
        ((Rule(create=True), Rule(create=False)), None),
        ((Rule(subscriber_state="active"),), "active"),
        ((Rule(subscriber_state="active"), Rule(subscriber_state="inactive")), "inactive"),
        ((Rule(unsubscribe=True),), None),
        ((Rule(unsubscribe=True), Rule(create=True)), "inactive"),
    ],
)
def test_the_last_rule_says_whether_and_how_people_are_created(
    rules: tuple[Rule, ...], state: str | None
) -> None:
    """Nobody is created only to be unsubscribed."""
    matching = tuple(replace(rule, when=WHEN) for rule in rules)
    change = at(EventMapping(rules=matching), options=Options("inactive")).change

    assert change.creates == (Part(state, order(1)) if state else None)
    assert (change.ensure is not None) is (state is not None)
