"""What `publish` says before anything is sent."""

from __future__ import annotations

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
