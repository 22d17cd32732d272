"""Which fields an admin's mapping sets by one event, and to which text."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.examples import NOON, order
from tests.unit.mapping.asked.an_event import WHEN, at, made, rule, tags
from worker.events.values import MISSING, Found, Json, as_found
from worker.mapping import EventMapping, FieldTarget, Occasion, Options, Rule, Template, to_change
from worker.subscribers.change import Change
from worker.subscribers.parts import Part


def test_values_go_to_the_fields_that_the_admin_named() -> None:
    change = made(fields={"mk_subscription_plan": "Subscription plan", "data.user.locale": "Locale"})

    assert {name: part.value for name, part in change.fields.items()} == {
        "Subscription plan": "Annual",
        "Locale": "de",
    }
    assert change.first_name is None


def test_missing_values_are_never_sent_and_a_null_clears() -> None:
    change = made(fields={"mk_user_id": "User", "mk_cancel_reason": "Reason"})

    assert {name: part.value for name, part in change.fields.items()} == {"Reason": None}


def test_the_first_name_is_kits_own_and_never_cleared() -> None:
    assert (named := made(fields={"mk_first_name": "first_name"}).first_name) is not None
    assert named.value == "Ada"
    for source in ("mk_cancel_reason", "mk_user_id"):
        change = made(fields={source: "first_name"})
        assert change.first_name is None
        assert change.fields == {}


def test_even_an_event_that_says_nothing_makes_sure_of_the_subscriber() -> None:
    change = made()

    assert change == Change(ensure=Part(value=True, order=order(1)), creates=Part("active", order(1)))


def test_all_parts_carry_the_order_of_their_event() -> None:
    change = made(
        rule("A", remove=("B",)), fields={"mk_first_name": "first_name", "data.user.locale": "Locale"}
    )

    parts = [*change.tags.values(), *change.fields.values(), change.first_name, change.ensure]
    assert [part.order for part in parts if part is not None] == [order(1)] * 5


def test_fields_are_set_to_what_the_last_rule_says_whatever_the_event_says() -> None:
    base = Rule(set_fields={"Source": "app", "Plan": "none", "Locale": None})
    later = Rule(when=WHEN, set_fields={"Plan": "yearly", "first_name": "Friend"})

    asked = at(EventMapping(base, (later,)), mk_subscription_plan="Plan", mk_first_name="first_name")

    assert {name: part.value for name, part in asked.change.fields.items()} == {
        "Source": "app",
        "Plan": "yearly",
        "Locale": None,
    }
    assert asked.change.first_name == Part("Friend", order(1))
    assert asked.sets == {"Source": "app", "Plan": "yearly", "Locale": None, "first_name": "Friend"}


def test_an_event_that_ends_all_takes_all_off_and_sends_nothing_of_its_own() -> None:
    """Given the deletion of a person, the fields of the event itself do not come back with it."""
    base = Rule(tags_off=True, fields_off=True, unsubscribe=True, set_fields={"Deleted": "yes"})

    change = at(EventMapping(base), mk_first_name="first_name", mk_subscription_plan="Plan").change

    key = Part(value=True, order=order(1))
    assert change == Change(
        fields={"Deleted": Part("yes", order(1))}, tags_off=key, fields_off=key, unsubscribe=key
    )


def test_a_later_rule_that_clears_all_takes_back_what_was_set_before() -> None:
    first, then = Rule(set_fields={"A": "1"}), Rule(when=WHEN, fields_off=True, set_fields={"B": "2"})

    assert at(EventMapping(first, (then,))).change.fields.keys() == {"B"}


@pytest.mark.parametrize("value", [5, 5.5, [5], [5, "x"], True, "x"])
def test_whatever_was_found_what_is_asked_for_is_plain_text(value: Json) -> None:
    """What is kept of it in the ledger knows no kinds of text."""
    occasion = Occasion(lambda _: as_found(value, ""), order(1), NOON)
    fields = (FieldTarget("a", "A"), FieldTarget("b", "first_name"))
    rule = Rule((Template("{a}"), Template("{a} x")), (Template("{a} y"),))

    change = to_change(EventMapping(rule), fields, Options(), occasion).change

    assert change.first_name is not None
    texts = [
        change.first_name.value,
        change.fields["A"].value,
        *(part.value.name for part in change.tags.values()),
    ]
    assert {type(text) for text in texts} == {str}


def test_numbers_and_lists_are_written_as_people_write_them() -> None:
    values: Mapping[str, Found] = {
        "total": as_found(0.1 + 0.2, ""),
        "interests": as_found(["tea", "cake"], ""),
    }
    occasion = Occasion(lambda name: values.get(name, MISSING), order(1), NOON)
    fields = (FieldTarget("total", "Total"), FieldTarget("interests", "Interests"))
    rule = Rule((Template("Likes {interests}"), Template("Paid {total}")))

    change = to_change(EventMapping(rule), fields, Options(), occasion).change

    assert tags(change) == {"Likes tea": True, "Likes cake": True, "Paid 0.3": True}
    assert {name: part.value for name, part in change.fields.items()} == {
        "Total": "0.3",
        "Interests": "tea, cake",
    }
