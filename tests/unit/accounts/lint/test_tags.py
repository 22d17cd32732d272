"""Rules of lint about tags: who takes them off again, and who gives them to everybody."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "tag-never-removed",
        """\
events:
  subscription.started:
    add_tags:
      - Active Member
      - {tag: "Plan {mk_subscription_plan}", replaces: plan}   # here
    remove_tags: [Cancelled]
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Annual Plan]   # here
      - when: {data.user.locale: de, mk_subscription_plan: Annual}
        add_tags: [Jahresabo]   # here
""",
        """\
events:
  subscription.started:
    add_tags:
      - Active Member
      - {tag: "Plan {mk_subscription_plan}", replaces: plan}
      - {tag: On trial, until: data.subscription.trial_ends_at}
    remove_tags: [Cancelled]
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Annual Plan]
      - when: {data.user.locale: [de, at]}
        add_tags: [Deutsch, "Speaks {data.user.locale}"]
  subscription.canceled:
    remove_tags: [Active Member, {group: plan}, "{mk_subscription_plan} Plan"]
    add_tags: [Cancelled]
  user.signed_up: {add_tags: [New Member]}
""",
    ),
    Case(
        "tag-never-removed",
        """\
events:
  subscription.canceled:   # here
    add_tags: [Cancelled]
""",
        """\
events:
  subscription.canceled:
    add_tags: [Cancelled]
    remove_tags: all
""",
    ),
    Case(
        "tag-never-removed",
        """\
events:
  subscription.started:
    add_tags: [Active Member, Gold]   # here
    remove_tags: [Cancelled]
  user.deleted: {create: false, remove_tags: all, clear_fields: all, unsubscribe: true}
""",
        """\
events:
  subscription.started:
    add_tags: [Active Member, Gold]
    remove_tags: [Cancelled]
  subscription.canceled:
    remove_tags: [Active Member, Gold]
    add_tags: [Cancelled]
  user.deleted: {create: false, remove_tags: all, clear_fields: all, unsubscribe: true}
""",
    ),
    Case(
        "tag-never-removed",
        """\
events:
  subscription.started:
    add_tags:
      - Active Member
      - {tag: Gold, replaces: level}   # here
    remove_tags: [Cancelled]
  order.paid: {add_tags: [{tag: Customer, replaces: level}]}
""",
        """\
events:
  subscription.started:
    add_tags: [Active Member, {tag: Gold, replaces: level}]
    remove_tags: [Cancelled]
  subscription.canceled:
    remove_tags: [Active Member]
    add_tags: [Cancelled, {tag: Customer, replaces: level}]
""",
    ),
    Case(
        "tag-stays-after-return",
        """\
events:
  subscription.started:   # here
    add_tags: [Active Member]
""",
        """\
events:
  subscription.started:
    add_tags: [{tag: Active Member, replaces: state}]
  subscription.canceled:
    add_tags: [{tag: Cancelled, replaces: state}]
""",
    ),
    Case(
        "tag-of-start-and-end",
        """\
events:
  subscription.started: {add_tags: [Active Member, Member], remove_tags: [Cancelled]}
  subscription.canceled:
    add_tags: [Cancelled, member]   # here
    remove_tags: [Active Member]
""",
        """\
events:
  subscription.started: {add_tags: [Active Member, Member], remove_tags: [Cancelled]}
  subscription.canceled:
    add_tags: [Cancelled]
    remove_tags: [Active Member, Member]
""",
    ),
    Case(
        "removed-tag-never-given",
        """\
events:
  order.paid: {add_tags: ["Bought {data.order.product}"]}
  order.refunded:
    remove_tags: ["Bought {data.order.item}"]   # here
""",
        """\
events:
  order.paid: {add_tags: ["Bought {data.order.product|something}"]}
  order.refunded:
    remove_tags: ["Bought {data.order.product}", Given by hand]
  box.paid: {add_tags: ["Has {data.box.things}"]}
  box.opened: {remove_tags: ["Has {data.box.thing}"]}
  course.started: {add_tags: [Doing Bread]}
  course.finished: {remove_tags: ["Doing {data.course.name}"]}
""",
    ),
    Case(
        "tags-everybody",
        """\
events:
  user.updated:
    add_tags: [New Member]   # here
""",
        """\
events:
  user.updated:
    add_tags: ["Speaks {data.user.locale|English}"]
    rules:
      - {when: {data.user.interests: cake}, add_tags: [Likes cake]}
  user.signed_up: {add_tags: [New Member]}
  order.paid: {add_tags: [Customer]}
options: {address_changes: [user.updated, order.paid]}
""",
    ),
    Case(
        "tags-everybody",
        """\
events:
  profile.updated:
    add_tags: [New Member]   # here
  user.updated:
    add_tags: [New Member]   # here
options: {address_changes: [profile.updated]}
""",
        """\
events:
  plan.updated: {add_tags: [Plan changed]}
options: {address_changes: any}
""",
    ),
    Case(
        "deleted-keeps-tags",
        """\
events:
  user.deleted:
    create: false
    unsubscribe: true   # here
""",
        """\
events:
  user.deleted: {create: false, remove_tags: all, clear_fields: all, unsubscribe: true}
  consent.withdrawn: {create: false, unsubscribe: true}
  newsletter.removed: {create: false, unsubscribe: true}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
