"""Rules of lint about moments, and about dates in fields."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "not-a-time",
        """\
events:
  subscription.canceled:
    at: mk_subscription_status   # here
    remove_tags: [Active Member]
    add_tags: [Cancelled]
  access.granted:
    add_tags:
      - {tag: "{mk_access_level} access", until: mk_access_level}   # here
fields:
  mk_subscription_plan: {field: Plan, format: date}   # here
options: {timezone: UTC}
""",
        """\
events:
  subscription.canceled:
    at: mk_subscription_ends_at
    remove_tags: [Active Member]
    add_tags: [Cancelled, {tag: Win back, until: data.subscription.offer_until}]
  subscription.started: {add_tags: [Active Member], remove_tags: [Cancelled, Win back]}
fields:
  data.user.birthday: {field: Birthday, format: date}
options: {timezone: UTC}
""",
    ),
    Case(
        "moment-already-past",
        """\
events:
  subscription.canceled:
    at: mk_subscription_canceled_at   # here
    remove_tags: [Active Member]
    add_tags: [Cancelled]
  access.granted:
    add_tags:
      - {tag: "{mk_access_level} access", until: mk_access_granted_at}   # here
""",
        """\
events:
  subscription.canceled:
    at: mk_subscription_ends_at
    remove_tags: [Active Member]
    add_tags: [Cancelled]
  access.granted: {add_tags: [{tag: "{mk_access_level} access", until: mk_access_expires_at}]}
""",
    ),
    Case(
        "at-without-closes",
        """\
events:
  membership.ended:
    at: mk_subscription_ends_at   # here
    remove_tags: [Active Member]
""",
        """\
events:
  membership.ended:
    closes: subscription
    at: mk_subscription_ends_at
    remove_tags: [Active Member]
  plan.changed: {opens: subscription, at: mk_subscription_ends_at}
  course.announced: {at: data.course.starts_at, add_tags: ["In {data.course.name}"]}
""",
    ),
    Case(
        "dates-in-utc",
        """\
fields:
  mk_subscription_ends_at: {field: Ends, format: date}   # here
""",
        """\
fields:
  mk_subscription_ends_at: {field: Ends, format: date}
options: {timezone: UTC}
""",
    ),
    Case(
        "date-without-format",
        """\
fields:
  mk_subscription_ends_at: Renewal date   # here
  mk_subscription_canceled_at: Left on   # here
kit_fields:
  Cancelled on: mk_subscription_canceled_at   # here
""",
        """\
fields:
  mk_subscription_ends_at: Ends
  mk_signed_up_at: Season
  mk_subscription_canceled_at: {field: Cancelled on, format: date}
options: {timezone: UTC}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
