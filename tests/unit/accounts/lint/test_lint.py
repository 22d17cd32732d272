"""All rules of lint together: that the files we ship are clean, that each rule is explained, and comments."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from tests.pace import takes_less
from tests.unit.accounts.harness import KIT, SHIPPED, parse
from tests.unit.accounts.lint import (
    test_accounts,
    test_by_events,
    test_by_kit,
    test_by_kit_fields,
    test_conditions,
    test_events,
    test_fields,
    test_options,
    test_placeholders,
    test_tag_names,
    test_tags,
    test_times,
    test_together,
)
from tests.unit.accounts.lint.cases import at_kit, findings, last_events, paid, places
from tests.unit.accounts.lint.mutated import mutated
from tests.unit.accounts.test_cookbook import recipes
from worker.accounts.lint.facts import AccountText, Facts
from worker.accounts.lint.lint import RULES, UNKNOWN_OFF, UNUSED_OFF, lint
from worker.demo.story import YOUR_FILE, account_file
from worker.subscribers.known import KitName

ROOT: Final = Path(__file__).parents[4]
GUIDE: Final = (ROOT / "docs/lint.md").read_text(encoding="utf-8")
EXAMPLE: Final = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
KIT_LINES: Final = re.compile(r"^kit:.*\n(?: +.*\n)*", re.MULTILINE)
SECTIONS: Final = dict(re.findall(r"^### `([\w-]+)`\n(.*?)(?=^##|\Z)", GUIDE, re.MULTILINE | re.DOTALL))


def examples(document: str) -> list[str]:
    """The account files in a guide, each without what it says of the key."""
    found = EXAMPLE.findall((ROOT / document).read_text(encoding="utf-8"))
    texts = [f"events:\n{text}" if text.startswith("  ") else text for text in found]
    return [text for text in (KIT_LINES.sub("", each) for each in texts) if text.strip()]


OURS: Final = {
    "default.yaml": KIT_LINES.sub("", (SHIPPED / "accounts/default.yaml").read_text(encoding="utf-8")),
    "demo": KIT_LINES.sub("", account_file()),
    "demo, yours": KIT_LINES.sub("", YOUR_FILE.format(app="yours")),
    **{recipe.title: recipe.file for recipe in recipes()},
    **{
        f"{name} {at}": text
        for name in ("README.md", "docs/mapping.md")
        for at, text in enumerate(examples(name))
    },
}
TOLD_ELSEWHERE: Final = (test_accounts, test_by_kit, test_by_kit_fields, test_by_events)
"""Tests of rules that need more than a file to trip."""
TABLES: Final = (
    test_tags, test_tag_names, test_placeholders, test_times, test_conditions, test_together, test_events,
    test_fields, test_options,
)  # fmt: skip


@pytest.mark.parametrize("name", OURS)
def test_the_files_that_we_ship_and_teach_are_clean(name: str) -> None:
    assert [str(each) for each in findings(OURS[name])] == []


def test_each_rule_has_a_file_that_trips_it_and_one_that_nearly_does() -> None:
    shown = {case.rule for table in TABLES for case in table.CASES}

    elsewhere = {rule for module in TOLD_ELSEWHERE for rule in module.RULES}
    assert shown == RULES.keys() - {UNKNOWN_OFF, UNUSED_OFF, *elsewhere}


def test_the_guide_has_each_rule_and_no_other() -> None:
    assert list(SECTIONS) == list(RULES)


GUIDES_KIT: Final = replace(
    at_kit(
        "Newsletter",
        "Customer",
        ("Founder", 0),
        "Gold",
        fields=("Last order", *(f"More {at}" for at in range(115))),
        meant=[KitName("tags", "vip", 4, "VIP")],
    ),
    created_tags=95,
)
"""The Kit account of the guide's examples."""
GUIDES_EVENTS: Final = last_events(
    *paid(12, mk_subscription_plan="Annual"), *paid(5, mk_subscription_plan="Lifetime"), kinds=["order.sent"]
)
"""The events that came before the guide's examples."""


@pytest.mark.parametrize("rule", SECTIONS)
def test_the_example_of_the_guide_trips_its_rule(rule: str) -> None:
    example, *others = EXAMPLE.findall(SECTIONS[rule])
    kit = GUIDES_KIT if RULES[rule].needs in {"kit", "counts"} else None
    events = GUIDES_EVENTS if RULES[rule].needs == "events" else None

    assert rule in [name for name, _ in places(example, *others, kit=kit, events=events)]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_an_id_is_a_name_that_can_stand_in_a_comment(rule: object) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", getattr(rule, "id", ""))


def test_a_finding_says_where_what_and_what_to_do() -> None:
    (found,) = findings("events:\n  user.deleted: {create: false, unsubscribe: true}\n")

    assert str(found) == (
        "config/accounts/default.yaml:3:33: deleted-keeps-tags: user.deleted unsubscribes the person, who "
        "keeps every tag all the same. Add remove_tags: all."
    )


# -- comments ---------------------------------------------------------------------------------------------

DELETED = "events:\n  user.deleted: {create: false, unsubscribe: true}"


@pytest.mark.parametrize(
    "text",
    [
        f"{DELETED}   # lint: off deleted-keeps-tags\n",
        f"{DELETED}   # lint: off deleted-keeps-tags - we tell them goodbye\n",
        DELETED.replace("\n", "\n  # lint: off deleted-keeps-tags\n  # (for now)\n\n"),
    ],
    ids=["at the end of its line", "with a reason", "alone before it"],
)
def test_a_comment_turns_a_rule_off_for_its_line(text: str) -> None:
    assert places(text) == []


def test_a_comment_for_several_rules_names_each() -> None:
    text = (
        "  subscription.started: {add_tags: [Mine]}   # lint: off tag-stays-after-return, tag-never-removed\n"
    )

    assert places(f"events:\n{text}") == []


def test_a_comment_that_names_no_rule_is_a_finding_itself() -> None:
    of_rule, found = findings(f"{DELETED} # lint: off deleted-keep-tags")

    assert (of_rule.rule, found.rule) == ("deleted-keeps-tags", UNKNOWN_OFF)
    assert found.sentence == "there is no rule deleted-keep-tags. Did you mean deleted-keeps-tags?"
    assert found.spot == (3, 64)


def test_a_comment_that_turns_nothing_off_is_a_finding_itself() -> None:
    assert places("events:\n  user.deleted: null # lint: off deleted-keeps-tags\n") == [(UNUSED_OFF, 2)]
    assert places("events: {} # lint: off") == [(UNKNOWN_OFF, 1)]


# -- whatever stands in a file -----------------------------------------------------------------------------

TEXTS: Final = [*OURS.values(), *(text for table in TABLES for case in table.CASES for text in case[1:])]


@pytest.mark.parametrize("seed", range(10))
def test_no_valid_file_makes_it_fail(seed: int) -> None:
    """Given files of changed parts of others, each finding has a rule, a place in the file and a remedy."""
    for text in islice(mutated(TEXTS, seed), 50):
        lines = (KIT + text).count("\n") + 1
        for found in findings(text, kit=GUIDES_KIT, events=GUIDES_EVENTS):
            assert found.rule in RULES
            assert 1 <= found.spot.line <= lines
            assert found.text
            assert found.remedy


def test_the_same_file_is_told_the_same() -> None:
    text = "\n".join(islice(mutated(TEXTS, 1), 1))

    assert findings(text) == findings(text)


@pytest.mark.parametrize(
    "rule",
    [
        "{when: {mk_subscription_plan: Plan %d}, add_tags: [Tag %d]}",
        "{unless: {data.shop: %d}, add_tags: [Tag %d]}",
    ],
    ids=["when", "unless"],
)
def test_a_thousand_rules_take_less_than_a_second(rule: str) -> None:
    rules = "".join(f"      - {rule % (number, number)}\n" for number in range(1000))
    text = f"{KIT}events:\n  order.paid:\n    rules:\n{rules}"
    facts = Facts(AccountText(parse(text), text))

    assert takes_less(lambda: lint(facts), 1.0)
