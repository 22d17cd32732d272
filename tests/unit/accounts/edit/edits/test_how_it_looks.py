"""How a file looks after an edit: as if somebody had made it by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.accounts.edit.edits.checked import check
from tests.unit.accounts.harness import KIT
from worker.accounts.edit.edits import Edit, SetEntry, SetSection, UnsetEntry, edited
from worker.errors import CannotEdit

FILE = """\
# The shop's file
kit: {api_key_env: KIT_API_KEY}   # not the key

events:
  # Who signs up
  user.signed_up: {}              # nothing yet
    # add_tags: [New]

  subscription.started:
    # the good ones
    add_tags: ['Active Member', "VIP"]   # two
    rules:
      # by plan
      - when: {mk_subscription_plan: Annual}
        add_tags:
          - Annual   # first
          # and then
          - Yearly
      # by country
      - when: {data.user.country: "no"}
        add_tags: [Norway]
    # the end of it
  order.paid: null

fields:
  mk_user_id: null
"""
ANNUAL = {"when": {"mk_subscription_plan": "Annual"}, "add_tags": ["Annual", "Yearly"]}
STARTED: dict[str, Any] = {
    "add_tags": ["Active Member", "VIP"],
    "rules": [
        ANNUAL,
        {"when": {"data.user.country": "no"}, "add_tags": ["Norway"]},
    ],
}


def started(**other: object) -> SetEntry:
    return SetEntry("events", "subscription.started", {**STARTED, **other})


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (SetEntry("events", "user.signed_up", {"add_tags": ["New"]}), "{} ", "{add_tags: [New]} "),
        (started(add_tags=["Active Member"]), ', "VIP"]', "]"),
        (started(add_tags=["It's new", "VIP"]), "'Active Member'", "'It''s new'"),
        (started(add_tags=["Active Member", "VIP", "{x}"]), '"VIP"]', '"VIP", "{x}"]'),
        (started(remove_tags=["Old"]), "    # the end", "    remove_tags: [Old]\n    # the end"),
        (
            started(rules=STARTED["rules"][1:]),
            FILE[FILE.index("      - when: {mk_s") : FILE.index("      # by country")],
            "",
        ),
        (
            started(rules=[{**ANNUAL, "add_tags": ["Annual", "Mine", "Yearly"]}, STARTED["rules"][1]]),
            "- Annual   # first\n",
            "- Annual   # first\n          - Mine\n",
        ),
        (
            started(rules=[*STARTED["rules"], {"unless": {"data.a": 1}, "add_tags": ["Z"]}]),
            "        add_tags: [Norway]\n",
            "        add_tags: [Norway]\n      - unless: {data.a: 1}\n        add_tags: [Z]\n",
        ),
        (SetEntry("events", "order.paid", {"add_tags": ["A"]}), "paid: null\n", "paid:\n    add_tags: [A]\n"),
        (
            SetEntry("events", "order.sent", {"add_tags": ["A"]}),
            "  order.paid: null\n",
            "  order.paid: null\n  order.sent:\n    add_tags: [A]\n",
        ),
        (SetEntry("fields", "mk_user_id", "User's id"), "mk_user_id: null", "mk_user_id: \"User's id\""),
        (SetEntry("options", "timezone", "UTC"), "_id: null\n", "_id: null\noptions:\n  timezone: UTC\n"),
        (UnsetEntry("fields", "mk_user_id"), "fields:\n  mk_user_id: null\n", "fields:\n"),
        (UnsetEntry("events", "user.signed_up"), "  user.signed_up: {}              # nothing yet\n", ""),
        (UnsetEntry("events", "order.paid"), "  order.paid: null\n", ""),
        (UnsetEntry("events", "never.heard"), "kit", "kit"),
    ],
)  # fmt: skip
def test_only_the_lines_of_an_edit_differ(edit: Edit, old: str, new: str) -> None:
    """Given a file with comments, then each edit is as small as one would make it by hand."""
    assert FILE.count(old) >= 1
    assert check(FILE, edit) == FILE.replace(old, new, 1)


@pytest.mark.parametrize("others", ["  a.b: {}\n", "", "  # note\n"])
def test_a_blank_line_above_the_last_entry_goes_with_it(others: str) -> None:
    """Given an entry that is set apart, what stands below its section is as far from it as before."""
    text = f"{KIT}events:\n{others}\n\n  order.paid: null\nfields:\n"

    assert check(text, UnsetEntry("events", "order.paid")) == f"{KIT}events:\n{others}fields:\n"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_line_ends_and_a_missing_last_one_stay(newline: str, end: str) -> None:
    text = f"\ufeffkit: {{api_key_env: KIT_API_KEY}}{newline}events:{newline}    order.paid: null"

    new = check(text + end.replace("\n", newline), SetEntry("events", "order.sent", {"skip": True}))

    added = f"{newline}    order.sent:{newline}        skip: true"
    assert new == text + added + end.replace("\n", newline)


def test_a_section_as_text_takes_the_files_line_ends() -> None:
    """Given what a browser's form sends, which ends lines as Windows does, the file's own stay."""
    new = edited(FILE, SetSection("fields", "fields:\r\n  # mine\r\n  data.a: B\r\n"))

    assert new == FILE.replace("  mk_user_id: null", "  # mine\n  data.a: B")


def test_anchors_and_aliases_elsewhere_stay() -> None:
    text = "kit: {api_key_env: KIT_API_KEY}\nevents:\n  a.b: &one\n  - x\n  c.d: *one\n  e.f: !!str 1\n"

    assert edited(text, SetEntry("events", "g.h", None)) == f"{text}  g.h: null\n"
    with pytest.raises(CannotEdit, match=r"\*one stands for what is not there"):
        edited(text, UnsetEntry("events", "a.b"))


@pytest.mark.parametrize(
    ("text", "edit", "said"),
    [
        ("", SetEntry("events", "a.b", None), "the file is empty"),
        ("- a\n", SetEntry("events", "a.b", None), "no sections"),
        ("kit: {\n", SetEntry("events", "a.b", None), "line 2: the file ends before a bracket is closed"),
        ("kit: x\n---\nkit: y\n", SetEntry("events", "a.b", None), "line 2: a second document"),
        ("events: {}\nevents: {}\n", SetEntry("events", "a.b", None), "events stands there twice"),
        ("events:\n  a.b: 1\n  a.b: 2\n", SetEntry("events", "a.b", None), "a.b stands there twice"),
        ("events: [a]\n", SetEntry("events", "a.b", None), "events is no list of entries"),
        (FILE, SetEntry("events", "a.b", {"x": object()}), "object is nothing that an account file can hold"),
        (FILE, SetSection("fields", "fields:\n  a: b\napp: mine\n"), "only fields: and what belongs to it"),
        (FILE, SetSection("fields", "events:\n  a: b\n"), "only fields: and what belongs to it"),
        (FILE, SetSection("fields", "fields: {\n"), "is closed"),
        (FILE, SetSection("events", 'events:\n  a: "b\n'), "closed"),
        (FILE, SetSection("events", "events: {}\n...\n"), "line 7: this is not valid YAML"),
        ("kit: x\n? events\n: a.b: 1\n", UnsetEntry("events", "a.b"), "edit"),
    ],
)
def test_what_cannot_be_edited_is_said_and_nothing_changes(text: str, edit: Edit, said: str) -> None:
    with pytest.raises(CannotEdit, match=said):
        edited(text, edit)


def test_a_new_event_stands_below_the_comments_of_the_one_above() -> None:
    """Given a comment that is indented below the last event, it stays that event's."""
    text = f"{KIT}events:\n  a.b: {{}}\n    # add_tags: [New]\n"

    assert check(text, SetEntry("events", "c.d", None)) == f"{text}  c.d: null\n"


def test_a_comment_on_the_next_key_stays_where_the_first_one_of_a_rule_goes() -> None:
    text = f"{KIT}events:\n  a.b:\n    rules:\n      - skip: true\n        # why\n        add_tags: [A]\n"

    new = check(text, SetEntry("events", "a.b", {"rules": [{"add_tags": ["A"]}]}))

    assert new == text.replace("skip: true", "")


@pytest.mark.parametrize("wrong", ["more: 1\nfields: {data.a: B}", "fields: {}"])
def test_an_edit_that_would_change_anything_else_is_refused(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given that the text comes out wrong, in another part or in this one, nobody gets it."""
    monkeypatch.setattr("worker.accounts.edit.splices.Splices.result", lambda _: f"{KIT}{wrong}\n")

    with pytest.raises(CannotEdit, match=r"change more|only a person can edit"):
        edited(f"{KIT}fields: {{}}\n", SetEntry("fields", "data.a", "B"))
