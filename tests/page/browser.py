"""A real browser: how people look at a page, and windows in which they do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

ARGUMENTS: Final = (
    # Nothing that a page names, nor the browser itself, reaches another machine.
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
PATIENCE: Final = 15_000.0  # milliseconds that one step may take on a machine that is busy
OURS: Final = frozenset({"127.0.0.1", "localhost", None})


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at a page."""

    name: str
    dark: bool = False
    width: int = 1100
    height: int = 800
    scripts: bool = True

    def __str__(self) -> str:
        return self.name


LIGHT: Final = Look("light")
DARK: Final = Look("dark", dark=True)
PHONE: Final = Look("phone", width=360, height=740)
DARK_PHONE: Final = Look("dark-phone", dark=True, width=360, height=740)
WITHOUT_SCRIPTS: Final = Look("without-scripts", scripts=False)
LOOKS: Final = (LIGHT, DARK, PHONE, DARK_PHONE)


@dataclass
class Browsing:
    """The windows of one test, each a browser profile of its own, and what went wrong in them.

    Attributes:
        wrong: What pages asked of elsewhere, errors of their scripts, and what their policy (CSP) refused.
    """

    browser: Browser
    wrong: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def window(self, look: Look = LIGHT) -> Page:
        """Open an empty window without cookies; whoever shares them opens another page in its context."""
        context = await self.browser.new_context(
            color_scheme="dark" if look.dark else "light",
            viewport={"width": look.width, "height": look.height},
            java_script_enabled=look.scripts,
            locale="en-GB",
            timezone_id="UTC",
            reduced_motion="reduce",  # what moves is never looked at half-way
        )
        context.set_default_timeout(PATIENCE)
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.wrong.append(f"a script failed: {error.error}"))
        self.contexts.append(context)
        return await context.new_page()

    async def take_pictures(self, folder: Path, name: str) -> list[Path]:
        """Take a picture of every window as it is now."""
        folder.mkdir(parents=True, exist_ok=True)
        pages = [page for context in self.contexts for page in context.pages]
        paths = [folder / f"{_as_file(name)}-{number}.png" for number in range(1, len(pages) + 1)]
        for page, path in zip(pages, paths, strict=True):
            await page.screenshot(path=path, full_page=True)
        return paths

    async def close(self) -> None:
        """Close all windows."""
        for context in self.contexts:
            await context.close()

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in OURS:
            self.wrong.append(f"something was asked of elsewhere: {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        # That an answer was a refusal is for the test to judge.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"the browser complains: {message.text}")


@asynccontextmanager
async def running(executable: Path) -> AsyncIterator[Browser]:
    """Run Chromium; it ends with us, even if we are killed."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        await browser.close()


def _as_file(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")[:120]
