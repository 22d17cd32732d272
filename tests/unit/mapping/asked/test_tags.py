"""Which tags an admin's mapping makes of one event, and what of them is owed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.mapping.asked.an_event import asked, find, made, rule, tags
from worker.errors import InvalidEvent, Reason
from worker.events.values import Found, Lookup
from worker.mapping import MAX_NAME_LENGTH, EventMapping, Owed, Rule, Template, matching_rules


def matching(mapping: EventMapping, lookup: Lookup = find) -> list[int]:
    """The numbers of the rules that match."""
    return [number for number, _ in matching_rules(mapping, lookup, Owed())][1:]


# -- tags -------------------------------------------------------------------------------------------------


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


# -- what is owed -----------------------------------------------------------------------------------------


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
