"""Which rules match an event, by the index or by a look at each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Lookup, Number
from worker.mapping.condition import Condition, Operator
from worker.mapping.owed import Owed
from worker.mapping.rule import EventMapping, Rule, matching_rules

PLAN = Condition("plan", ("Annual",))
TEST = Condition("test", ("true",))


def finds(**values: Found) -> Lookup:
    def find(name: str) -> Found:
        if name == "odd":
            raise InvalidEvent("data.odd: an object")
        return values.get(name, MISSING)

    return find


@pytest.mark.parametrize(
    ("values", "matches"),
    [
        ({"plan": "Annual"}, True),
        ({"plan": "Annual", "test": "false"}, True),
        ({"plan": "Annual", "test": "true"}, False),
        ({"plan": "Annual", "gift": "true"}, False),
        ({"plan": "Monthly"}, False),
    ],
)
def test_all_of_when_holds_and_none_of_unless(values: dict[str, Found], *, matches: bool) -> None:
    rule = Rule(when=(PLAN,), unless=(TEST, Condition("gift", ("true",))))

    assert rule.matches(finds(**values)) is matches


@pytest.mark.parametrize(("total", "matches"), [("10", True), ("11", False), ("39", False), ("40", True)])
def test_a_range_in_unless_leaves_out_what_lies_within(total: str, *, matches: bool) -> None:
    """Given several comparisons of one value, all of them hold, or the line does not."""
    within = (Condition("total", ("10",), Operator.ABOVE), Condition("total", ("40",), Operator.BELOW))
    assert Rule(unless=(TEST, *within)).matches(finds(total=total)) is matches
    assert not Rule(unless=(TEST, *within)).matches(finds(total=total, test="true"))
    assert Rule(unless=within).matches(finds())


def test_a_rule_may_have_unless_alone() -> None:
    assert Rule(unless=(TEST,)).matches(finds())
    assert not Rule(unless=(TEST,)).matches(finds(test="true"))


@pytest.mark.parametrize("place", ["when", "unless"])
def test_a_line_that_cannot_be_told_matters_only_if_all_else_holds(place: str) -> None:
    odd = Condition("odd", ("x",))
    rule = Rule(when=(odd, PLAN)) if place == "when" else Rule(when=(PLAN,), unless=(odd,))

    assert not rule.matches(finds(plan="Monthly"))
    with pytest.raises(InvalidEvent, match=r"data\.odd"):
        rule.matches(finds(plan="Annual"))


def test_an_event_of_which_nobody_can_tell_whether_it_is_to_be_skipped_is_no_event_to_apply() -> None:
    odd = Condition("odd", ("x",))
    tags, skips = Rule(when=(odd,)), Rule(when=(odd,), skip=True)
    owed = Owed()

    assert matching_rules(EventMapping(rules=(tags,)), finds(), owed) == ((0, Rule()),)
    assert owed == ["data.odd: an object"]
    with pytest.raises(InvalidEvent, match=r"data\.odd"):
        matching_rules(EventMapping(rules=(skips,)), finds(), owed)


texts = st.sampled_from(["a", "A", "49", "49.0", "50", "true"])
numbers = st.sampled_from(["49", "50", "49.5"]).map(Number)
wanted = st.lists(texts | numbers, min_size=1, max_size=3).map(tuple)
names = st.sampled_from(["plan", "total", "odd"])
conditions = (
    st.builds(Condition, names, wanted)
    | st.builds(Condition, names, wanted, st.just(Operator.NOT))
    | st.builds(
        Condition, names, numbers.map(lambda one: (one,)), st.sampled_from([Operator.ABOVE, Operator.AT_MOST])
    )
    | st.builds(Condition, names, st.sampled_from([("true",), ("false",)]), st.just(Operator.PRESENT))
    | st.builds(Condition, names, st.sampled_from([("a*",), ("*",)]), st.just(Operator.LIKE))
)
lines = st.lists(conditions, max_size=3).map(tuple)
rules = st.lists(st.builds(lambda when, unless: Rule(when=when, unless=unless), lines, lines), max_size=8)
found = (
    st.none()
    | st.just(MISSING)
    | texts
    | numbers
    | st.lists(texts | numbers, min_size=1, max_size=3).map(tuple)
)


@given(rules, st.dictionaries(st.sampled_from(["plan", "total"]), found))
def test_the_index_finds_what_a_look_at_each_rule_finds(some: list[Rule], values: dict[str, Found]) -> None:
    """Also with lists, numbers, every operator, and a value of the wrong form."""
    owed, looked, lookup = Owed(), Owed(), finds(**values)
    expected = []
    for number, rule in enumerate(some, 1):
        with looked:
            if rule.matches(lookup):
                expected.append(number)

    matching = matching_rules(EventMapping(rules=tuple(some)), lookup, owed)

    assert ([number for number, _ in matching][1:], owed) == (expected, looked)


def test_of_thousands_of_rules_with_numbers_an_event_looks_at_those_that_it_names() -> None:
    looks: list[str] = []

    def find(name: str) -> Found:
        looks.append(name)
        known: dict[str, Found] = {"product": (Number("700"), "x"), "total": Number("50")}
        return known.get(name, MISSING)

    size = Condition("total", (Number("40"),), Operator.ABOVE)
    many = tuple(Rule(when=(size, Condition("product", (Number(str(n)),)))) for n in range(3000))
    matching = matching_rules(EventMapping(rules=many), find, Owed())

    assert [number for number, _ in matching] == [0, 701]
    assert len(looks) <= 5
