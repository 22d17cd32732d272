"""The pictures that the guides show."""

from pathlib import Path

from playwright.async_api import Browser

from tests.page.pictures import MOST_BYTES, PICTURES, take


async def test_pictures_are_taken_of_every_view_and_are_small(browser: Browser, tmp_path: Path) -> None:
    taken = await take(browser, tmp_path)

    assert {path.name: path.stat().st_size for path in taken if path.stat().st_size > MOST_BYTES} == {}
    assert sorted(path.name for path in taken) == sorted(path.name for path in PICTURES.glob("*.png")), (
        "these are not the pictures in docs/pictures: run 'make pictures', and delete what is left over"
    )


def test_those_in_the_repository_are_small() -> None:
    pictures = list(PICTURES.glob("*.png"))

    assert pictures
    assert {path.name: path.stat().st_size for path in pictures if path.stat().st_size > MOST_BYTES} == {}
