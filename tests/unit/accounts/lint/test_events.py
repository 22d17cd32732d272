"""Rules of lint about event types: what is mapped beside what, and who is created."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "default-dropped",
        """\
events:
  access.granted:   # here
    rules:
      - {when: {data.access.product: Bread}, add_tags: [Bread course]}
""",
        """\
events:
  user.signed_up: {}
  access.granted: {skip: true}
  subscription.started: {add_tags: [Member], remove_tags: [Cancelled]}
  subscription.canceled: {add_tags: [Cancelled], remove_tags: all}
""",
    ),
    Case(
        "default-dropped",
        """\
events:
  subscription.started:   # here
    rules:
      - {when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan], remove_tags: [Cancelled]}
  subscription.canceled: {remove_tags: [Annual Plan], add_tags: [Cancelled]}
""",
        """\
events:
  access.granted:
    rules:
      - {when: {mk_access_level: Gold}, add_tags: [Gold access]}
      - {when: {mk_access_level: Silver}, add_tags: [Silver access]}
""",
    ),
    Case(
        "default-dropped",
        """\
events:
  access.granted: {set_fields: {Has access: "yes"}}   # here
""",
        """\
events:
  access.granted: {add_tags: [], set_fields: {Has access: "yes"}}
""",
    ),
    Case(
        "opened-never-closed",
        """\
events:
  subscription.canceled: null   # here
  subscription.started: {add_tags: [Active Member]}
""",
        """\
events:
  subscription.canceled: null
  membership.ended: {closes: subscription, remove_tags: [Active Member], add_tags: [Cancelled]}
""",
    ),
    Case(
        "closed-never-opened",
        """\
events:
  subscription.started: null   # here
  subscription.canceled: {remove_tags: [Active Member]}
""",
        """\
events:
  subscription.started: null
  subscription.canceled: null
""",
    ),
    Case(
        "signup-creates-nobody",
        """\
events:
  user.signed_up:
    create: false   # here
""",
        """\
events:
  user.signed_up:
    rules: [{when: {data.test: true}, create: false}]
  order.paid: {create: false, add_tags: [Customer]}
""",
    ),
    Case(
        "nobody-is-created",
        """\
events:   # here
  user.signed_up: null
  access.granted: null
  subscription.started: {create: false, add_tags: [Active Member], remove_tags: [Cancelled]}
  subscription.canceled: {create: false, add_tags: [Cancelled], remove_tags: [Active Member]}
""",
        """\
events:
  user.signed_up: null
  access.granted: null
  subscription.started: {create: false, add_tags: [Active Member], remove_tags: [Cancelled]}
  subscription.canceled: {create: false, add_tags: [Cancelled], remove_tags: [Active Member]}
  order.paid:
    create: false
    rules: [{when: {data.order.total: {above: 100}}, create: true}]
""",
    ),
    Case(
        "state-of-nobody",
        """\
events:
  order.paid:
    create: false
    subscriber_state: inactive   # here
""",
        """\
events:
  order.paid:
    create: false
    rules: [{when: {data.order.gift: true}, create: true, subscriber_state: inactive}]
""",
    ),
    Case(
        "similar-events",
        """\
events:
  order.paid: {add_tags: [Customer]}
  orders.paid: {add_tags: [Customer]}   # here
  orderPaid: {add_tags: [Customer]}   # here
  order_paid: {add_tags: [Customer]}   # here
""",
        """\
events:
  order.paid: {add_tags: [Customer]}
  seat.paid: {add_tags: [Customer]}
  course.started: {add_tags: [In a course]}
  course.restarted: {add_tags: [In a course]}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
