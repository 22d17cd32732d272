"""What an admin's mapping makes of one event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import NOON, order
from worker.errors import InvalidEvent, Reason
from worker.events.values import MISSING, Found, Json, Lookup, as_found
from worker.mapping import (
    MAX_NAME_LENGTH,
    Asked,
    Condition,
    EventMapping,
    FieldTarget,
    Occasion,
    Options,
    Owed,
    Rule,
    Template,
    matching_rules,
    to_change,
)
from worker.subscribers.change import Change
from worker.subscribers.parts import Part

VALUES: Mapping[str, Found] = {
    "mk_subscription_plan": "Annual",
    "mk_access_level": "Gold",
    "mk_first_name": "Ada",
    "mk_cancel_reason": None,
    "data.user.locale": "de",
    "braces": "{mk_access_level}",
    "spaced": " very \t spaced ",
}


def find(name: str) -> Found:
    if name.startswith("odd."):
        raise InvalidEvent(f"{name}: an object cannot become a tag or a field")
    return VALUES.get(name, MISSING)


def rule(*add: str, remove: tuple[str, ...] = (), **when: tuple[str, ...]) -> Rule:
    conditions = tuple(Condition(name, values) for name, values in when.items())
    return Rule(tuple(map(Template, add)), tuple(map(Template, remove)), conditions)


def asked(base: Rule = Rule(), *rules: Rule, fields: Mapping[str, str] | None = None) -> Asked:  # noqa: B008
    targets = tuple(FieldTarget(source, target) for source, target in (fields or {}).items())
    return to_change(EventMapping(base, rules), targets, Options(), Occasion(find, order(1), NOON))


def made(base: Rule = Rule(), *rules: Rule, fields: Mapping[str, str] | None = None) -> Change:  # noqa: B008
    """What an event asks for of which nothing is owed."""
    whole = asked(base, *rules, fields=fields)
    assert (whole.owed, whole.refusal) == ((), None)
    return whole.change


def matching(mapping: EventMapping, lookup: Lookup = find) -> list[int]:
    """The numbers of the rules that match."""
    return [number for number, _ in matching_rules(mapping, lookup, Owed())][1:]


def tags(change: Change) -> dict[str, bool]:
    return {part.value.name: part.value.present for part in change.tags.values()}


# -- tags ---------------------------------------------------------------------------------------------------


def test_every_rule_that_matches_adds_its_own() -> None:
    change = made(
        rule("Member", remove=("Lead",)),
        rule("Annual Plan", mk_subscription_plan=("Annual",)),
        rule("Monthly Plan", mk_subscription_plan=("Monthly",)),
        rule("Long Plan", mk_subscription_plan=("Biennial", "Annual")),
    )

    assert tags(change) == {"Lead": False, "Member": True, "Annual Plan": True, "Long Plan": True}


def test_the_later_rule_wins() -> None:
    """Given rules that disagree about a tag, then the last that matches has its way, whatever the letters."""
    on = made(rule(remove=("VIP",)), rule("vip", mk_access_level=("Gold",)))
    off = made(
        rule("VIP"), rule(remove=("vip",), mk_access_level=("Gold",)), rule("VIP", mk_access_level=("Tin",))
    )

    assert (tags(on), tags(off)) == ({"vip": True}, {"vip": False})


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({}, True),
        ({"mk_subscription_plan": ("Annual",)}, True),
        ({"mk_subscription_plan": ("annual",)}, False),
        ({"mk_subscription_plan": ("Monthly", "Annual")}, True),
        ({"mk_subscription_plan": ("Annual",), "mk_access_level": ("Tin",)}, False),
        ({"mk_subscription_plan": ("Annual",), "data.user.locale": ("de",)}, True),
        ({"mk_cancel_reason": ("",)}, False),
        ({"mk_cancel_reason": ("null",)}, False),
        ({"mk_user_id": ("",)}, False),
        ({"mk_user_id": ("MISSING",)}, False),
        ({"mk_user_id": ()}, False),
    ],
)
def test_a_rule_matches_if_every_condition_holds_to_the_letter(
    when: dict[str, tuple[str, ...]], *, holds: bool
) -> None:
    assert rule("VIP", **when).matches(find) is holds
    assert len(matching(EventMapping(rules=(rule("VIP", **when),)))) == holds


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("Active Member", "Active Member"),
        ("{mk_access_level} access", "Gold access"),
        ("{mk_subscription_plan}/{data.user.locale}", "Annual/de"),
        ("{mk_access_level}{mk_access_level}", "GoldGold"),
        ("{braces} access", "{mk_access_level} access"),
        ("is{spaced}x", "is very spaced x"),
        ("a } brace", "a } brace"),
    ],
)
def test_placeholders_become_the_events_values_once(template: str, name: str) -> None:
    assert Template(template).names(find) == (name,)


@pytest.mark.parametrize(
    ("template", "names"),
    [("plain", ()), ("{a} and {data.b.c}", ("a", "data.b.c")), ("{}", ("",))],
)
def test_a_template_knows_its_placeholders(template: str, names: tuple[str, ...]) -> None:
    assert Template(template).placeholders == names


# -- what is owed -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mk_user_id", "mk_cancel_reason", "data.user.nothing", ""])
def test_a_placeholder_without_a_value_costs_its_tag_alone(name: str) -> None:
    """Given a tag that cannot be named, the others, before and after it, and the fields are asked for."""
    base = rule("Member", f"{{{name}}} access", "VIP", remove=("Lead", f"No {{{name}}}"))

    part = asked(base, fields={"data.user.locale": "Locale"})

    assert tags(part.change) == {"Member": True, "VIP": True, "Lead": False}
    assert part.change.fields["Locale"].value == "de"
    assert part.owed == (
        f"{name}: has no value, but the tag 'No {{{name}}}' needs it",
        f"{name}: has no value, but the tag '{{{name}}} access' needs it",
    )


def test_a_value_of_the_wrong_form_costs_the_parts_that_need_it_and_is_named_once() -> None:
    part = asked(
        rule("Member", "{odd.plan} plan"),
        rule("VIP", **{"odd.plan": ("x",)}),
        rule("Annual", mk_subscription_plan=("Annual",)),
        fields={"odd.plan": "Plan", "data.user.locale": "Locale"},
    )

    assert tags(part.change) == {"Member": True, "Annual": True}
    assert part.change.fields.keys() == {"Locale"}
    assert part.owed == ("odd.plan: an object cannot become a tag or a field",)


def test_a_rule_that_cannot_match_anyway_owes_nothing() -> None:
    """Given a line that does not hold, it does not matter that another one cannot be told."""
    for names in (("odd.plan", "mk_subscription_plan"), ("mk_subscription_plan", "odd.plan")):
        assert asked(rule(), rule("VIP", **dict.fromkeys(names, ("Monthly",)))).owed == ()


def test_what_is_owed_is_told_in_one_line_as_the_reason_of_a_dead_letter() -> None:
    refusal = asked(rule("{a}", "{b}")).refusal

    assert refusal is not None
    assert refusal.reason is Reason.PARTLY_APPLIED
    assert (
        str(refusal)
        == "a: has no value, but the tag '{a}' needs it; b: has no value, but the tag '{b}' needs it"
    )


def test_a_rule_that_does_not_match_needs_no_values() -> None:
    assert tags(made(rule(), rule("{mk_user_id}", mk_subscription_plan=("Monthly",)))) == {}


def test_a_name_that_grows_too_long_is_refused() -> None:
    def long(_: str) -> Found:
        return "x" * MAX_NAME_LENGTH

    assert Template("{a}").names(long) == ("x" * MAX_NAME_LENGTH,)
    with pytest.raises(InvalidEvent, match=f"longer than {MAX_NAME_LENGTH}"):
        Template("{a}!").names(long)


def test_only_tags_out_of_placeholders_are_marked_as_such() -> None:
    """`max_created_tags` counts those that events name, not those that the admin wrote out."""
    change = made(rule("Member", "{mk_access_level} access"))

    assert {part.value.name: part.value.by_placeholder for part in change.tags.values()} == {
        "Member": False,
        "Gold access": True,
    }


rules = st.builds(
    lambda add, remove, plan: rule(*add, remove=tuple(remove), mk_subscription_plan=plan),
    st.lists(st.sampled_from(["A", "b", "C"]), max_size=2),
    st.lists(st.sampled_from(["a", "B", "c"]), max_size=2),
    st.sampled_from([("Annual",), ("Monthly",)]),
)


@given(rules, st.lists(rules, max_size=4))
@settings(max_examples=50)
def test_tags_are_as_if_the_matching_rules_were_carried_out_in_turn(base: Rule, more: list[Rule]) -> None:
    wished: dict[str, bool] = {}
    for each in [base, *[one for one in more if one.matches(find)]]:
        wished |= {template.text.lower(): False for template in each.remove_tags}
        wished |= {template.text.lower(): True for template in each.add_tags}

    assert {name.lower(): present for name, present in tags(made(base, *more)).items()} == wished


# -- fields -------------------------------------------------------------------------------------------------


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


# -- many rules ---------------------------------------------------------------------------------------------


def test_of_thousands_of_rules_an_event_looks_at_those_that_its_values_name() -> None:
    """Given a shop with a rule for each product, an event costs a look at each name, not at each rule."""
    looks: list[str] = []

    def noting(name: str) -> Found:
        looks.append(name)
        return {"status": "active", "product": "P700"}.get(name, MISSING)

    rules = [rule(f"Bought {n}", status=("active",), product=(f"P{n}", f"p{n}")) for n in range(1240)]
    part = to_change(EventMapping(rules=tuple(rules)), (), Options(), Occasion(noting, order(1), NOON))

    assert tags(part.change) == {"Bought 700": True}
    assert len(looks) <= 4


names = st.sampled_from(["plan", "level", "list", "gone"])
values = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2).map(tuple)
some_rules = st.lists(st.dictionaries(names, values, max_size=3), max_size=8)
some_values = st.dictionaries(st.sampled_from(["plan", "level"]), st.sampled_from(["a", "b", None]))


def by_looking(mapping: EventMapping, lookup: Lookup) -> tuple[list[int], list[str]]:
    """Which rules match, and what is owed, by a look at each rule."""
    found, owed = [], Owed()
    for number, rule in enumerate(mapping.rules, 1):
        with owed:
            if rule.matches(lookup):
                found.append(number)
    return found, owed


@given(conditions=some_rules, known=some_values, lists=st.booleans())
def test_the_index_finds_what_a_look_at_each_rule_finds(
    conditions: list[dict[str, tuple[str, ...]]], known: dict[str, Found], *, lists: bool
) -> None:
    """Also where a value is of the wrong form, which is owed only if a rule could match but for it."""

    def lookup(name: str) -> Found:
        if lists and name == "list":
            raise InvalidEvent("data.list: an object")
        return known.get(name, MISSING)

    mapping, owed = EventMapping(rules=tuple(rule("T", **when) for when in conditions)), Owed()
    found = [number for number, _ in matching_rules(mapping, lookup, owed)][1:]
    assert (found, owed) == by_looking(mapping, lookup)


# -- skipped, later, created ------------------------------------------------------------------------------

PLAIN = Options()
WHEN = (Condition("mk_subscription_plan", ("Annual",)),)
AHEAD, PASSED = NOON + timedelta(days=1), NOON - timedelta(days=1)
TIMES: Mapping[str, Found] = {
    "ahead": AHEAD.isoformat(),
    "passed": PASSED.isoformat(),
    "soon": "soon",
    "null": None,
}


def at(
    mapping: EventMapping,
    now: datetime = NOON,
    options: Options = PLAIN,
    **fields: str,
) -> Asked:
    """What an event asks for at a moment."""
    targets = tuple(FieldTarget(source, target) for source, target in fields.items())
    occasion = Occasion(lambda name: TIMES.get(name, find(name)), order(1), now)
    return to_change(mapping, targets, options, occasion)


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
