"""The pictures that the guides show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.page.pictures import MOST_BYTES, PICTURES, take

ROOT = PICTURES.parents[1]
GUIDES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


async def test_pictures_are_taken_of_every_view(browser: Browser, amqp_url: str, tmp_path: Path) -> None:
    taken = await take(browser, amqp_url, tmp_path)

    assert sum(path.stat().st_size for path in taken) < MOST_BYTES
    assert sorted(path.name for path in taken) == sorted(path.name for path in PICTURES.glob("*.png")), (
        "these are not the pictures in docs/pictures: run 'make pictures', and delete what is left over"
    )


def test_those_in_the_repository_are_small() -> None:
    pictures = list(PICTURES.glob("*.png"))

    assert pictures
    assert sum(path.stat().st_size for path in pictures) < MOST_BYTES


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_picture_that_a_guide_shows_is_there_and_is_described(guide: Path) -> None:
    shown = re.findall(r"!\[([^]]*)\]\(([^)\s]+)\)", guide.read_text(encoding="utf-8"))

    assert [name for _, name in shown if not (guide.parent / name).is_file()] == []
    assert [name for told, name in shown if not told.strip()] == []
