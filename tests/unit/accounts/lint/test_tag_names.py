"""Rules of lint about how tags and groups are written."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "tag-spelled-twice",
        """\
events:
  user.signed_up: {add_tags: [New Member]}
  course.started:
    add_tags: [new member]   # here
    rules:
      - when: {data.course.free: true}
        add_tags: [New-Member]   # here
""",
        """\
events:
  user.signed_up: {add_tags: [New Member]}
  course.started: {add_tags: [New Member, "{mk_access_level} Access", New Course]}
  access.granted: {add_tags: ["{mk_access_level|Basic} Access"]}
""",
    ),
    Case(
        "similar-tags",
        """\
events:
  subscription.canceled:
    remove_tags: [Active Member]
    add_tags:
      - Canceled   # here
  order.paid: {add_tags: [Likes cakes]}
  user.signed_up:
    add_tags:
      - Likes cake
      - Acitve Member   # here
      - Old custimer
      - Old customer   # here
""",
        """\
events:
  course.paid: {add_tags: [Course 1, Course 2, Plan A, Plan B, Likes baking, Likes biking, Gold, Bold]}
  friend.invited: {add_tags: [Referrer, Trainee, Angemeldet, Spende]}
  friend.joined: {add_tags: [Referred, Trainer, Abgemeldet, Spender]}
  order.paid: {add_tags: ["Bought {data.order.product}", "Bought {data.order.products}"]}
""",
    ),
    Case(
        "similar-groups",
        """\
events:
  order.paid:
    add_tags:
      - {tag: "Level {data.order.level}", replaces: level}
  course.paid:
    add_tags:
      - {tag: "Level {data.course.level}", replaces: Level}   # here
  seat.paid:
    add_tags:
      - {tag: "Level {data.seat.level}", replaces: levels}   # here
""",
        """\
events:
  order.paid:
    add_tags:
      - {tag: "Level {data.order.level}", replaces: level 1}
      - {tag: "Shop {data.order.shop}", replaces: level 2}
""",
    ),
    Case(
        "tag-in-two-groups",
        """\
events:
  order.paid:
    add_tags:
      - {tag: "Plan {mk_subscription_plan}", replaces: plan}
  plan.changed:
    add_tags:
      - {tag: "Plan {mk_subscription_plan|none}", replaces: plans}   # here
""",
        """\
events:
  order.paid: {add_tags: [{tag: "Plan {mk_subscription_plan}", replaces: plan}]}
  plan.changed:
    add_tags: [{tag: "Plan {mk_subscription_plan}", replaces: plan}, "Had {mk_subscription_plan}"]
""",
    ),
    Case(
        "group-of-one",
        """\
events:
  order.paid:
    add_tags:
      - {tag: Customer, replaces: kind}   # here
""",
        """\
events:
  order.paid: {add_tags: [{tag: Customer, replaces: kind}, {tag: "In {data.order.shop}", replaces: shop}]}
  order.refunded: {add_tags: [{tag: Refunded, replaces: kind}]}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
