"""Where in a file the tags stand that its account adds and removes."""

from __future__ import annotations

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.lint.facts import AccountText, same_tag

FILE = f"""\
{KIT}events:
  order.paid:
    remove_tags:
      - {{group: plan}}
      - Lead
      - {{group: level}}
      - "No {{data.order.item}}"
    rules:
      - when: {{data.order.gift: true}}
        add_tags: [Gift, {{tag: "Plan {{mk_subscription_plan|Basic}}", replaces: plan}}]
  access.granted: {{add_tags: [{{tag: Level, replaces: level}}]}}
"""


def test_each_tag_has_its_place_also_beside_groups() -> None:
    file = AccountText(parse(FILE), FILE)

    removed = {tag.template.text: file.line(tag.path) for tag in file.removed if file.is_listed(tag.path)}
    added = {tag.template.text: file.source.spot(tag.path) for tag in file.added if tag.block.number}
    assert removed == {"Lead": 6, "No {data.order.item}": 8}
    assert added == {"Gift": (11, 20), "Plan {mk_subscription_plan|Basic}": (11, 26)}


def test_what_is_so_by_default_stands_nowhere() -> None:
    file = AccountText(parse(FILE), FILE)

    assert {tag.template.text for tag in file.removed if not file.is_listed(tag.path)} == {
        "Active Member", "Cancelled",
    }  # fmt: skip


def test_tags_are_one_whatever_their_case_and_defaults() -> None:
    assert same_tag("PLAN {mk_subscription_plan}") == same_tag("Plan {data.subscription.plan|Basic}")
    assert same_tag("Plan {data.user.Plan}") != same_tag("Plan {data.user.plan}")
