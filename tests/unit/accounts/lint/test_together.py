"""Rules of lint about the rules of one event together."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "rule-hidden-by-skip",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {above: 100}, data.order.test: true}   # here
        add_tags: [VIP]
      - {when: {data.order.test: true}, skip: true}
""",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {above: 100}, data.order.test: false}
        add_tags: [VIP]
      - {when: {data.order.test: true}, skip: true}
      - {when: {data.order.currency: JPY, data.order.total: 0}, skip: true}
""",
    ),
    Case(
        "rule-overridden",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {at_least: 100}}   # here
        add_tags: [{tag: Gold, replaces: level}]
      - when: {data.order.total: {at_least: 50}}   # here
        add_tags: [{tag: Silver, replaces: level}]
      - when: {data.order.total: {at_least: 10}}
        add_tags: [{tag: Bronze, replaces: level}]
  seat.paid:
    rules:
      - when: {data.seat.kind: 1}   # here
        add_tags: [Seat]
      - when: {data.seat.kind: {present: true}}
        remove_tags: all
  course.paid:
    rules:
      - when: {data.course.free: true}   # here
        set_fields: {Last course: free}
      - when: {data.course.free: {present: true}}
        set_fields: {last-course: paid}
""",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {at_least: 50}}
        add_tags: [{tag: Silver, replaces: level}]
      - when: {data.order.total: {at_least: 100}}
        add_tags: [{tag: Gold, replaces: level}]
""",
    ),
    Case(
        "rules-fight",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {above: 100}}
        add_tags: [VIP]
      - when: {data.user.locale: de}   # here
        remove_tags: [VIP]
""",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.total: {above: 100}}, unless: {data.user.locale: de}, add_tags: [VIP]}
      - {when: {data.user.locale: [de]}, remove_tags: [VIP]}
      - {when: {data.order.products: tea}, add_tags: [Tea]}
      - {unless: {data.order.products: tea}, remove_tags: [Tea]}
      - {when: {data.order.shop: 7}, add_tags: [Shop 7]}
      - {when: {data.order.shop: 7, data.order.test: true}, remove_tags: [Shop 7]}
""",
    ),
    Case(
        "duplicate-rule",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.shop: 7, data.order.test: true}, add_tags: [Shop 7]}
      - {when: {data.order.test: true, data.order.shop: 7}, add_tags: [Shop 7]}   # here
""",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.shop: 7, data.order.test: true}, add_tags: [Shop 7]}
      - {when: {data.order.test: true, data.order.shop: 7}, add_tags: [Test]}
""",
    ),
    Case(
        "rules-cover-everything",
        """\
events:
  user.signed_up:
    rules:
      - {when: {data.user.locale: {not: de}}, add_tags: [English]}
      - {when: {data.user.locale: {not: at}}, add_tags: [English]}   # here
""",
        """\
events:
  user.signed_up:
    rules:
      - {when: {data.user.locale: {not: [de, at]}}, add_tags: [English]}
      - {when: {data.user.locale: [de, at]}, add_tags: [Deutsch]}
      - {when: {data.user.country: us}, add_tags: [English]}
""",
    ),
    Case(
        "rule-repeats-event",
        """\
events:
  order.paid:
    add_tags: [Customer, Paid]
    rules:
      - when: {data.order.total: {above: 100}}   # here
        add_tags: [Customer]
""",
        """\
events:
  order.paid:
    add_tags: [Customer]
    rules:
      - {when: {data.order.gift: true}, remove_tags: [Customer]}
      - {when: {data.order.gift: true, data.order.total: {above: 100}}, add_tags: [Customer]}
  trial.started:
    add_tags: [{tag: Trial, until: data.trial.ends_at}]
    rules: [{when: {data.trial.for_good: true}, add_tags: [Trial]}]
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
