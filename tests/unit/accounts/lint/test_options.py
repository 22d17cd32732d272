"""Rules of lint about an account's options."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import Case, places

CASES = (
    Case(
        "first-name-without-source",
        """\
fields: {mk_first_name: null}
options:
  first_name: always   # here
""",
        """\
fields: {mk_first_name: null, data.user.nick: first_name}
options: {first_name: always}
""",
    ),
    Case(
        "option-without-effect",
        """\
events: {user.updated: {}}
options:
  identity: email
  address_changes: [user.updated]   # here
  create_missing: false
  max_created_tags: 10   # here
""",
        """\
events: {user.updated: {}}
options: {identity: email, address_changes: never, create_missing: true, max_created_tags: 10}
""",
    ),
    Case(
        "address-change-not-mapped",
        """\
events: {user.updated: {}}
options:
  address_changes:
    - user.updated
    - user.moved   # here
""",
        """\
events: {user.email_changed: {}}
options: {address_changes: [user.updated, user.email_changed]}
""",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_each_rule_finds_what_it_is_for_and_not_what_nearly_is(case: Case) -> None:
    """Given a file with marked lines, its rule finds just those; in its neighbour no rule finds anything."""
    assert case.found == case.marked
    assert places(case.nearly) == []
