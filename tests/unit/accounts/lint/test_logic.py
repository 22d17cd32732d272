"""Which conditions hold together, held against what events really match."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest

from worker.accounts.lint.logic import (
    Terms,
    Values,
    always_also,
    excludes,
    implies,
    never_both,
    terms_of,
    turned,
)
from worker.events.values import MISSING, Found, Number
from worker.mapping import Condition, Operator, Rule

NAME: Final = "data.order.level"
VALUES: Final[list[Found]] = [
    MISSING, "Gold", "Golden", "Silver", "gold", *map(Number, ("9", "10", "10.5", "11", "12"))
]  # fmt: skip
CONDITIONS: Final = [
    *(Condition(NAME, values) for values in (("Gold",), ("Gold", "Silver"), (Number("10"),), ("10", "Gold"))),
    *(Condition(NAME, values, Operator.NOT) for values in (("Gold",), ("Silver", "Gold"), (Number("10"),))),
    *(Condition(NAME, (text,), Operator.LIKE) for text in ("Gold*", "S*", "*old*")),
    Condition(NAME, ("Gold*", "S*"), Operator.LIKE),
    *(Condition(NAME, (answer,), Operator.PRESENT) for answer in ("true", "false")),
    *(
        Condition(NAME, (Number(limit),), operator)
        for limit in ("10", "11")
        for operator in (Operator.ABOVE, Operator.AT_LEAST, Operator.BELOW, Operator.AT_MOST)
    ),
]
PAIRS: Final = list(product(CONDITIONS, repeat=2))


def holds(condition: Condition, value: Found) -> bool:
    return condition.holds(lambda _: value)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_what_implies_another_condition_never_holds_without_it(one: Condition, other: Condition) -> None:
    if implies(one, other):
        assert [value for value in VALUES if holds(one, value) and not holds(other, value)] == []
    if excludes(one, other):
        assert [value for value in VALUES if holds(one, value) and holds(other, value)] == []


def test_most_of_what_is_so_is_seen() -> None:
    """Given all pairs, it is told of most that are so for these values; more would be guessing."""
    implied = [
        pair for pair in PAIRS if all(holds(pair[1], value) or not holds(pair[0], value) for value in VALUES)
    ]
    excluded = [
        pair for pair in PAIRS if not any(holds(pair[1], value) and holds(pair[0], value) for value in VALUES)
    ]

    assert sum(implies(*pair) for pair in implied) > 0.8 * len(implied)
    assert sum(excludes(*pair) for pair in excluded) > 0.6 * len(excluded)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_that_is_turned_holds_where_it_did_not(condition: Condition) -> None:
    other = turned(condition)
    if other is not None:
        assert [value for value in VALUES if holds(condition, value) is holds(other, value)] == []


def matches(rule: Rule, value: Found) -> bool:
    return rule.matches(lambda _: value)


@pytest.mark.parametrize("unless", CONDITIONS)
@pytest.mark.parametrize("when", CONDITIONS[::3])
def test_rules_are_held_against_each_other_in_the_same_way(when: Condition, unless: Condition) -> None:
    """Given rules with `when` and `unless`, what is said of two of them is so for every value."""
    one = Rule(when=(when,), unless=(unless,))
    for each in CONDITIONS:
        check_both(one, Rule(when=(each,)))


@pytest.mark.parametrize("first", CONDITIONS[::2])
def test_a_line_of_several_comparisons_is_held_against_others_as_one(first: Condition) -> None:
    """Given a line of `unless` that says two things of a value, what is said of its rule is so."""
    for second in CONDITIONS:
        ranged = Rule(unless=(first, second))
        for each in CONDITIONS[::2]:
            for other in (Rule(when=(each,)), Rule(when=(each,), unless=(first, second))):
                check_both(ranged, other)
                check_both(other, ranged)


def check_both(one: Rule, other: Rule) -> None:
    """Fail where something is said of two rules that is not so for some value."""
    here, there = ([value for value in VALUES if matches(rule, value)] for rule in (one, other))
    both = [value for value in here if value in there]
    assert not never_both(terms_of(one), terms_of(other)) or both == []
    if always_also(terms_of(one), terms_of(other)):
        assert both == here


def test_another_value_says_nothing() -> None:
    shop = Condition("data.order.shop", ("Gold",))

    assert not implies(shop, Condition(NAME, ("Gold",)))
    assert not excludes(shop, Condition(NAME, ("Silver",)))
    assert excludes(
        Condition("mk_subscription_plan", ("A",)), Condition("data.subscription.plan", ("B",))
    )  # two names of one value


def test_rules_are_told_apart_at_a_glance_only_where_they_never_match_together() -> None:
    gold, silver, ten = (Condition(NAME, (value,)) for value in ("Gold", "Silver", Number("10")))
    like = Condition(NAME, ("*",), Operator.LIKE)
    rules = [Terms((each,)) for each in (gold, silver, like, ten, Condition(NAME, ("10.0", "Gold")))]

    values = Values(rules)

    apart = [(one, other) for one in range(5) for other in range(5) if not values.may_meet(one, other)]
    assert apart == [(0, 1), (0, 3), (1, 0), (1, 3), (1, 4), (3, 0), (3, 1), (4, 1)]
