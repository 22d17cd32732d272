"""`make pictures`: those of the main views, light, dark and on a phone, into docs/pictures/."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Browser, Page

from scripts import chromium
from scripts.service import ServiceError
from tests.page.browser import Browsing, Look, running
from tests.page.checks import assert_nothing_beside_the_screen, assert_words_are_whole
from tests.page.demo_views import of_the_page
from tests.page.kitchen import call_some, consent_path, kitchen
from tests.page.view import View

PICTURES: Final = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES: Final = 2_000_000  # of all pictures: whoever clones the repository has them
HIGHEST: Final = 1000  # pixels; what is below that is left out
COLOURS: Final = 256


async def of_the_sandbox() -> AsyncGenerator[View, None]:
    """The stand-in for Kit, and the page on which a creator gives access."""
    async with kitchen().running() as made:
        await call_some(made)
        yield View("sandbox", made.url)
        yield View("consent", made.url + consent_path())


async def take(browser: Browser, amqp_url: str, folder: Path) -> list[Path]:
    """Take all pictures into a folder; returns their paths."""
    taken = []
    for shown in (of_the_sandbox(), of_the_page(browser, amqp_url)):
        async with aclosing(shown) as views:
            async for view in views:
                taken += [await _picture(browser, view, look, folder) for look in view.looks]
    return taken


async def _picture(browser: Browser, view: View, look: Look, folder: Path) -> Path:
    browsing, path = Browsing(browser), folder / f"{view.name}-{look}.png"
    page = await browsing.window(look)
    await page.goto(view.url)
    if view.act is not None:
        await view.act(page)
        await page.wait_for_load_state()  # a heading may be there before the style sheet is
        await page.evaluate("document.activeElement.blur()")
    await assert_nothing_beside_the_screen(page)
    await assert_words_are_whole(page)
    _write_small(await _screenshot(page, view, look), path)
    await browsing.close()
    return path


async def _screenshot(page: Page, view: View, look: Look) -> bytes:
    if view.part:
        return await page.locator(view.part).screenshot()
    high = await page.evaluate("document.documentElement.scrollHeight")
    return await page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": look.width, "height": min(high, HIGHEST)}
    )


def _write_small(png: bytes, path: Path) -> None:
    """Write a picture with few colours, as pages have: a third of the bytes. Rare ones stay, such as red."""
    image = Image.open(BytesIO(png)).convert("RGB")
    image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


async def main() -> int:
    """Take them into docs/pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    try:
        async with running(chromium.executable()) as browser:
            taken = await take(browser, os.environ["AMQP_URL"], PICTURES)
    except ServiceError as error:
        print(f"pictures: {error}", file=sys.stderr)  # noqa: T201  it speaks to the person who typed the command
        return 4
    size = sum(path.stat().st_size for path in taken)
    print(f"pictures: {len(taken)}, {size:,} of at most {MOST_BYTES:,} bytes", file=sys.stderr)  # noqa: T201
    return 1 if size > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
