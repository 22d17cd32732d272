"""Rules of lint about what stands in braces, and about values that an event does not have."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "placeholder-without-default",
        """\
events:
  user.signed_up:
    add_tags: ["Speaks {data.user.locale}"]   # here
  subscription.canceled:
    remove_tags: [Active Member]
    add_tags:
      - Cancelled
      - "Left: {mk_cancel_reason}"   # here
""",
        """\
events:
  user.signed_up:
    add_tags: ["Speaks {data.user.locale|English}"]
    rules:
      - when: {data.user.city: {present: true}}
        add_tags: ["From {data.user.city}"]
      - unless: {data.user.country: {not: [at, de]}}
        add_tags: ["From {data.user.country}"]
  order.paid: {add_tags: ["Bought {data.order.product}"]}
""",
    ),
    Case(
        "value-of-other-event",
        """\
events:
  user.signed_up:
    rules:
      - when: {mk_subscription_plan: Annual}   # here
        add_tags: [Annual]
  access.granted:
    at: mk_subscription_started_at   # here
    add_tags:
      - {tag: "{mk_access_level} access", until: mk_subscription_ends_at}   # here
      - "Plan {data.subscription.plan|Basic}"   # here
""",
        """\
events:
  user.signed_up:
    rules:
      - when: {data.order.plan: Annual}
        add_tags: [Annual]
  trial.started: {add_tags: ["Plan {mk_subscription_plan}", "Level {mk_access_level}"]}
  access.granted: {add_tags: [{tag: "{mk_access_level} access", until: mk_access_expires_at}]}
""",
    ),
    Case(
        "tag-for-each-person",
        """\
events:
  order.paid:
    add_tags:
      - "Order {data.order.id}"   # here
      - "Member {mk_user_id}"   # here
      - "Spent {data.order.total}"   # here
      - "Paid on {data.order.paid_at}"   # here
""",
        """\
events:
  order.paid: {add_tags: ["Bought {data.order.product}", "Course {data.course.id}"]}
  survey.answered: {add_tags: [{tag: "Would recommend: {data.survey.score}", replaces: survey}]}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
