"""Where events and rules stand in an account's file."""

from __future__ import annotations

import pytest

from tests.unit.accounts.test_cookbook import recipes
from worker.accounts.file.lines import rule_lines

FILE = """\
kit: {api_key_env: KIT_API_KEY}
events:
  # new members
  user.signed_up:
    add_tags: [New]
  subscription.started:
    add_tags: [Active Member]
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Annual Plan]
      - {when: {data.rules: x}, add_tags: [X]}
  access.granted:
fields:
  mk_user_id: null
"""


def test_each_event_and_each_rule_has_its_line() -> None:
    assert rule_lines(FILE) == {
        ("user.signed_up", 0): 4,
        ("subscription.started", 0): 6,
        ("subscription.started", 1): 9,
        ("subscription.started", 2): 11,
        ("access.granted", 0): 12,
    }


@pytest.mark.parametrize("text", ["", "events:", "events: x", "- a", "events: {", "events: [a]"])
def test_a_text_that_is_no_accounts_file_has_none(text: str) -> None:
    assert rule_lines(text) == {}


@pytest.mark.parametrize("recipe", [pytest.param(each, id=each.title) for each in recipes()])
def test_what_a_line_says_begins_there(recipe: object) -> None:
    """Given any recipe, the line of an event begins with its type, and that of a rule with a dash."""
    text: str = recipe.file  # type: ignore[attr-defined]
    lines = text.splitlines()
    for (kind, rule), line in rule_lines(text).items():
        assert lines[line - 1].lstrip().startswith(f"{kind}:" if rule == 0 else ("-", "rules: ["))
