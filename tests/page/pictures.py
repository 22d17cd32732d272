"""`make pictures`: those of the main views, light, dark and on a phone, into docs/pictures/."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from scripts import chromium
from scripts.service import ServiceError
from tests.page.browser import DARK, LIGHT, PHONE, Browsing, Look, running
from tests.page.kitchen import call_some, consent_path, kitchen

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES: Final = 60_000  # of one picture: whoever clones the repository has them all
LOOKS: Final = (replace(LIGHT, width=840, height=520), replace(DARK, width=840, height=520), PHONE)


@dataclass(frozen=True, slots=True)
class View:
    """An address worth a picture, and what the picture is called."""

    name: str
    url: str


@asynccontextmanager
async def of_the_sandbox() -> AsyncIterator[Iterable[View]]:
    """The stand-in for Kit, and the page on which a creator gives access."""
    async with kitchen().running() as made:
        await call_some(made)
        yield [View("sandbox", made.url), View("consent", made.url + consent_path())]


Shown = Callable[[], AbstractAsyncContextManager[Iterable[View]]]
SHOWN: Final[tuple[Shown, ...]] = (of_the_sandbox,)
"""Each serves views as long as it lasts, with people in them that are the same each time."""


async def take(browser: Browser, folder: Path) -> list[Path]:
    """Take all pictures into a folder; returns their paths."""
    taken = []
    for shown in SHOWN:
        async with shown() as views:
            taken += [await _picture(browser, view, look, folder) for view in views for look in LOOKS]
    return taken


async def _picture(browser: Browser, view: View, look: Look, folder: Path) -> Path:
    browsing, path = Browsing(browser), folder / f"{view.name}-{look}.png"
    page = await browsing.window(look)
    await page.goto(view.url)
    await page.screenshot(path=path)
    await browsing.close()
    return path


async def main() -> int:
    """Take them into docs/pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    try:
        async with running(chromium.executable()) as browser:
            taken = await take(browser, PICTURES)
    except ServiceError as error:
        print(f"pictures: {error}", file=sys.stderr)  # noqa: T201  it speaks to the person who typed the command
        return 4
    large = [path.name for path in taken if path.stat().st_size > MOST_BYTES]
    if large:
        print(f"pictures: larger than {MOST_BYTES:,} bytes: {', '.join(large)}", file=sys.stderr)  # noqa: T201
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
