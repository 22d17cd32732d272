"""Rules of lint about custom fields."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

ELEVEN = ", ".join(f"Field {number}: {number}" for number in range(11))
MANY = "\n".join(f"  data.order.value{number}: Value {number}" for number in range(130))
CASES = (
    Case(
        "too-many-fields",
        f"""\
events:
  order.paid:
    set_fields: {{{ELEVEN}}}   # here
""",
        f"""\
events:
  order.paid:
    set_fields: {{{ELEVEN.partition(", ")[2]}}}
    rules: [{{when: {{data.order.gift: true}}, set_fields: {{Gift: 1}}}}]
""",
    ),
    Case(
        "too-many-fields",
        f"fields:   # here\n{MANY}\n",
        f"fields:\n{MANY}\n  mk_user_id: null\n  mk_last_name: null\n  mk_cancel_reason: null\n",
    ),
    Case(
        "set-field-hides-value",
        """\
events:
  subscription.canceled:
    add_tags: [Cancelled]
    remove_tags: [Active Member]
    set_fields:
      Plan: Gold   # here
fields: {mk_subscription_plan: Plan}
""",
        """\
events:
  subscription.canceled:
    add_tags: [Cancelled]
    remove_tags: [Active Member]
    set_fields: {Plan: null, Source: app, mk_access_level: none}
    rules: [{when: {data.subscription.free: true}, set_fields: {Plan: Free}}]
fields: {mk_subscription_plan: Plan}
""",
    ),
    Case(
        "field-never-filled",
        """\
events:
  access.granted: null
fields:
  mk_access_level: Level   # here
kit_fields:
  Access until: {from: [mk_access_expires_at]}   # here
  Ends: [mk_access_expires_at, mk_subscription_ends_at]
""",
        """\
events:
  access.granted: null
  order.paid: {add_tags: [Customer]}
fields: {mk_access_level: Level}
""",
    ),
    Case(
        "similar-fields",
        """\
events:
  order.paid:
    set_fields:
      Last orders: web   # here
fields:
  data.order.total: Last order
  data.order.shop: LastOrder   # here
""",
        """\
events:
  order.paid: {set_fields: {last_order: web}}
fields:
  data.order.total: Last order
  data.order.shop: Last order 2
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
