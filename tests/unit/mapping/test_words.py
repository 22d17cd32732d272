"""What an event's mapping does, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import Condition, EventMapping, Operator, Rule, Template
from worker.mapping.words import NAMES, in_words, text_of


def said(mapping: EventMapping) -> list[str]:
    return [text_of(sentence) for sentence in in_words(mapping)]


def rule(*conditions: Condition, unless: tuple[Condition, ...] = (), **effects: object) -> list[str]:
    """Return what is said of a rule."""
    return said(EventMapping(rules=(Rule(when=conditions, unless=unless, **effects),)))[1:]  # type: ignore[arg-type]


def test_every_field_of_the_platform_has_a_name_for_people() -> None:
    assert set(NAMES) == set(PLATFORM_FIELDS)


def test_what_the_defaults_do() -> None:
    found = {kind: said(handler.default) for kind, handler in HANDLERS.items() if handler.default}
    assert found == {
        "user.signed_up": ["creates or updates the person"],
        "subscription.started": ["adds Active Member, takes off Cancelled, opens a subscription"],
        "subscription.canceled": ["adds Cancelled, takes off Active Member, closes a subscription"],
        "access.granted": ["adds [access level] access"],
    }


def test_tags_and_fields_are_told_apart_from_the_words() -> None:
    base = Rule(add_tags=(Template("VIP"),), set_fields={"Plan": "Gold", "Gone": None})
    (sentence,) = in_words(EventMapping(base))
    assert [piece for piece in sentence if piece.kind != "text"] == [
        ("VIP", "tag"),
        ("Plan", "field"),
        ("Gone", "field"),
    ]
    assert text_of(sentence) == "adds VIP, sets Plan to Gold, clears Gone"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (Template("Plan {mk_subscription_plan}", replaces="plan"),
         "adds Plan [plan] in place of others of the group plan"),
        (Template("{mk_access_level|Basic} access", until="mk_access_expires_at"),
         "adds [access level, or Basic] access until the end of access"),
        (Template("{data.order.product}", replaces=True),
         "adds [order product] in place of the one that it gave before"),
    ],
)  # fmt: skip
def test_how_a_tag_is_added(template: Template, words: str) -> None:
    assert said(EventMapping(Rule(add_tags=(template,)))) == [words]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Condition("mk_subscription_plan", ("Annual",)), "the plan is Annual"),
        (Condition("mk_subscription_plan", ("A", "B")), "the plan is A or B"),
        (Condition("data.user.locale", ("de", "fr"), Operator.NOT), "the user locale is not de nor fr"),
        (Condition("data.order.total", ("40",), Operator.ABOVE), "the order total is above 40"),
        (Condition("data.order.total", ("40",), Operator.AT_LEAST), "the order total is at least 40"),
        (Condition("data.order.total", ("40",), Operator.BELOW), "the order total is below 40"),
        (Condition("data.order.total", ("40",), Operator.AT_MOST), "the order total is at most 40"),
        (
            Condition("mk_cancel_reason", ("*price*",), Operator.LIKE),
            "the reason for canceling is like *price*",
        ),
        (Condition("mk_cancel_reason", ("true",), Operator.PRESENT), "the reason for canceling is given"),
        (
            Condition("mk_cancel_reason", ("false",), Operator.PRESENT),
            "the reason for canceling is not given",
        ),
    ],
)
def test_when_a_rule_matches(condition: Condition, words: str) -> None:
    assert rule(condition, add_tags=(Template("X"),)) == [f"adds X if {words}"]
    assert rule(unless=(condition,), add_tags=(Template("X"),)) == [f"adds X unless {words}"]


def test_several_conditions_are_all_told() -> None:
    one, other = Condition("data.a", ("1",)), Condition("data.b", ("2",))
    assert rule(one, other, unless=(one, other), skip=True) == [
        "nothing of the event is done if the a is 1 and the b is 2 unless the a is 1 or the b is 2"
    ]


def test_what_else_a_rule_does() -> None:
    everything = Rule(
        tags_off=True, fields_off=True, remove_groups=("plan",), unsubscribe=True, create=False,
        subscriber_state="inactive",
    )  # fmt: skip
    assert said(EventMapping(everything))[0].split(", ") == [
        "takes off all tags that were given before",
        "clears all custom fields that were set before",
        "takes off whatever the group plan gave",
        "unsubscribes the person from all mail",
        "creates nobody",
        "creates people as inactive",
    ]


def test_an_event_that_takes_effect_later_says_so() -> None:
    mapping = EventMapping(Rule(add_tags=(Template("Cancelled"),)), at="mk_subscription_ends_at")
    assert said(mapping) == ["adds Cancelled", "all of it takes effect at the subscription's end"]


names = st.text("abcXYZ äß-", min_size=1, max_size=8)
templates = st.builds(
    Template, names, st.sampled_from([False, True, "group"]), st.sampled_from(["", "data.x"])
)
operators = st.sampled_from([each for each in Operator if each is not Operator.PRESENT])
conditions = st.builds(Condition, names, st.tuples(names), operators)
rules = st.builds(
    Rule,
    add_tags=st.lists(templates, max_size=2).map(tuple),
    remove_tags=st.lists(templates, max_size=2).map(tuple),
    when=st.lists(conditions, max_size=2).map(tuple),
    unless=st.lists(conditions, max_size=2).map(tuple),
    set_fields=st.dictionaries(names, st.none() | names, max_size=2),
    tags_off=st.booleans(),
    unsubscribe=st.booleans(),
    create=st.sampled_from([None, True, False]),
)


@given(rules, st.lists(rules, max_size=2).map(tuple))
def test_every_tag_and_field_that_is_named_is_in_the_words(base: Rule, others: tuple[Rule, ...]) -> None:
    base = replace(base, when=(), unless=())
    sentences = in_words(EventMapping(base, others))
    assert len(sentences) == 1 + len(others)
    for one, sentence in zip((base, *others), sentences, strict=True):
        shown = {piece.text for piece in sentence if piece.kind != "text"}
        assert shown == {each.text for each in (*one.add_tags, *one.remove_tags)} | set(one.set_fields)
        assert all(condition.values[0] in text_of(sentence) for condition in (*one.when, *one.unless))
