"""Of thousands of rules an event looks only at those that its values name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples import NOON, order
from tests.unit.mapping.asked.an_event import rule, tags
from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Lookup
from worker.mapping import EventMapping, Occasion, Options, Owed, matching_rules, to_change


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
    for number, each in enumerate(mapping.rules, 1):
        with owed:
            if each.matches(lookup):
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
