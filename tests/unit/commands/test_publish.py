"""What `publish` says before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "event.json:1: not JSON"),
        ("", "event.json: is empty"),
        ('{"type": "a"}\nnonsense\n', "event.json:2: not JSON"),
        ('{"data": {}}', "event.json: the event names no type"),
        ('{"type": "' + "x" * 300 + '"}', "longer than 255 bytes"),
    ],
)
def test_what_cannot_be_published_is_refused_as_a_whole(
    kit_worker: Command, config_dir: Path, text: str, says: str
) -> None:
    (config_dir / "event.json").write_text(text, encoding="utf-8")

    ended = kit_worker("publish", "event.json")

    assert ended.code == 2
    assert says in ended.err


def line(**more: object) -> str:
    event = {"id": "e-1", "type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}
    return json.dumps({**event, **more})


def test_a_dry_run_gives_each_line_its_verdict_and_needs_no_broker(
    kit_worker: Command, config_dir: Path
) -> None:
    """Given a file of lines of which some are wrong, then each is named with its reason; the exit is 2."""
    lines = [
        line(),
        line(data={"user": {"email": "ada at example.com"}}),
        "{",
        "",
        line(type=5),
        line(type=True),
    ]
    (config_dir / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")

    ended = kit_worker("publish", "--dry-run", "events.jsonl", "--app", "sunny")

    assert ended.code == 2
    assert ended.out.splitlines()[:2] == [
        "events.jsonl:1: good: user.signed_up.sunny",
        "events.jsonl:2: refused (invalid_event): data.user.email: not an email address",
    ]
    assert ended.out.splitlines()[2].startswith("events.jsonl:3: refused (undecodable): body: not JSON")
    assert ended.out.splitlines()[3:] == [
        "events.jsonl:5: good: 5.sunny",
        "events.jsonl:6: refused (invalid_event): type: must be text",
        "5 checked, 3 refused; nothing was sent.",
    ]
    assert ended.err == ""


def test_a_dry_run_of_good_events_ends_with_0(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "events.json").write_text(f"[{line()}, {line(specversion='1.0')}]", encoding="utf-8")
    (config_dir / "untyped.json").write_text('{"data": {"user": {"email": "a@b.co"}}}', encoding="utf-8")

    ended = kit_worker("publish", "--dry-run", "events.json", "untyped.json", "--type", "order.paid")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[1:] == [
        "events.json, number 2: good: user.signed_up",
        "untyped.json: good: order.paid",
        "3 checked, 0 refused; nothing was sent.",
    ]


def test_a_dry_run_for_programs_is_json(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "events.jsonl").write_text(f"{line()}\n{{\n", encoding="utf-8")

    ended = kit_worker("publish", "--dry-run", "--json", "events.jsonl")

    good, bad = json.loads(ended.out)
    assert ended.code == 2
    assert good == {
        "where": "events.jsonl:1", "id": "e-1", "type": "user.signed_up", "routing_key": "user.signed_up",
        "good": True, "reason": None, "problem": None,
    }  # fmt: skip
    assert (bad["good"], bad["reason"], bad["routing_key"]) == (False, "undecodable", None)


@pytest.mark.parametrize(("words", "says"), [(["gone.json"], "cannot be read"), (["empty.json"], "is empty")])
def test_a_dry_run_of_nothing_is_an_error(
    kit_worker: Command, config_dir: Path, words: list[str], says: str
) -> None:
    (config_dir / "empty.json").write_text("\n", encoding="utf-8")

    ended = kit_worker("publish", "--dry-run", *words)

    assert ended.code == 2
    assert says in ended.err
