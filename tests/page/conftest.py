"""A real browser for the tests that ask for one.

All tests of a process share one Chromium, and each has windows of its own, without cookies. Tests with a
browser run on one event loop, the session's, as the browser does. Their servers have to run there as well, so
a fixture that starts one is `@served` here, instead of `@pytest.fixture`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from functools import cache, partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from scripts import chromium
from scripts.service import ServiceError
from tests.page.browser import Browsing, running

SCREENSHOTS = Path(__file__).parents[2] / ".pytest_cache" / "screenshots"
FAILED = pytest.StashKey[bool]()

served = partial(pytest_asyncio.fixture, loop_scope="session")


def uses_a_browser(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each test with a browser on the browser's event loop."""
    for item in filter(uses_a_browser, items):
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Install the browser, if need be, before the time of any test runs."""
    if any(map(uses_a_browser, session.items)) and not session.config.option.collectonly:
        _chromium()


@cache
def _chromium() -> Path | ServiceError:
    try:
        return chromium.executable()
    except ServiceError as error:
        return error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, for its windows."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; without one a test fails, it is never skipped."""
    found = _chromium()
    if isinstance(found, ServiceError):
        pytest.fail(str(found), pytrace=False)
    async with running(found) as chrome:
        yield chrome


@served
async def browsing(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Browsing]:
    """The test's windows: `await browsing.window(PHONE)`. A test that fails leaves pictures of them."""
    windows = Browsing(browser)
    yield windows
    if request.node.stash.get(FAILED, False):
        for path in await windows.take_pictures(SCREENSHOTS, request.node.name):
            print(f"the window as the test left it: {path}")  # noqa: T201  pytest shows it below the failure
    await windows.close()
    assert not windows.wrong, "\n".join(windows.wrong)


@served
async def page(browsing: Browsing) -> Page:
    """One window, light, of a desktop's size."""
    return await browsing.window()
