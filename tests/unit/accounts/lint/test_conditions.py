"""Rules of lint about the conditions of one rule."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "rule-never-matches",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {above: 100, below: 50}}   # here
        add_tags: [VIP]
      - when: {data.order.currency: EUR}   # here
        unless: {data.order.currency: [EUR, USD]}
        add_tags: [Europe]
      - when: {data.order.coupon: {present: false, like: "VIP*"}}   # here
        add_tags: [Coupon]
      - when: {data.user.email: {present: false}}   # here
        add_tags: [Nobody]
""",
        """\
events:
  order.paid:
    rules:
      - when: {data.order.total: {above: 50, at_most: 51}}
        add_tags: [VIP]
      - when: {data.order.currency: [EUR, USD]}
        unless: {data.order.currency: [EUR, GBP]}
        add_tags: [Dollars]
      - when: {data.order.coupon: {like: "VIP*", not: VIP1}}
        add_tags: [Coupon]
""",
    ),
    Case(
        "unless-never-holds",
        """\
events:
  order.paid:
    rules:
      - unless: {data.order.total: {below: 10, above: 40}}   # here
        add_tags: [From 10 to 40]
""",
        """\
events:
  order.paid:
    rules:
      - unless: {data.order.total: {above: 10, below: 40}}
        add_tags: [Small or big]
      - when: {data.order.total: {above: 10, below: 20}}
        add_tags: [From 10 to 20]
""",
    ),
    Case(
        "condition-always-holds",
        """\
events:
  user.signed_up:
    rules:
      - when: {data.user.email: {present: true}}   # here
        add_tags: [New Member]
      - when: {data.user.locale: {like: "*"}}   # here
        add_tags: [Has a language]
""",
        """\
events:
  user.signed_up:
    rules:
      - when: {data.user.email: {like: "*@example.com"}}
        add_tags: [Ours]
      - when: {data.user.locale: {present: true}}
        add_tags: [Has a language]
""",
    ),
    Case(
        "value-spelled-twice",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.plan: Half Year}, add_tags: [Half]}
      - {when: {data.order.plan: half-year}, add_tags: [Discount]}   # here
""",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.plan: [Half Year, half-year]}, add_tags: [Half]}
      - {when: {data.order.plan: half-year}, add_tags: [Discount]}
      - {when: {data.order.shop: half-year}, add_tags: [Shop]}
""",
    ),
    Case(
        "compared-as-number-and-text",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.level: {above: 3}}, add_tags: [High]}   # here
      - {when: {data.order.level: Gold}, add_tags: [Gold]}
""",
        """\
events:
  order.paid:
    rules:
      - {when: {data.order.level: {above: 3}}, add_tags: [High]}
      - {when: {data.order.level: [2, "3"]}, add_tags: [Low]}
      - {when: {data.order.shop: Gold}, add_tags: [Gold]}
  poll.answered:
    rules:
      - {when: {data.poll.question: budget, data.poll.answer: {above: 1000}}, add_tags: [Has budget]}
      - {when: {data.poll.question: role, data.poll.answer: founder}, add_tags: [Decides]}
""",
    ),
    Case(
        "time-compared",
        """\
events:
  user.signed_up:
    rules:
      - {when: {mk_signed_up_at: {above: 2026}}, add_tags: [New]}   # here
      - {when: {mk_signed_up_at: "2026-12-24"}, add_tags: [Christmas]}   # here
""",
        """\
events:
  user.signed_up:
    rules:
      - {when: {mk_signed_up_at: {like: "2026-12-24*"}}, add_tags: [Christmas]}
      - {when: {data.user.year: {above: 2026}}, add_tags: [New]}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
