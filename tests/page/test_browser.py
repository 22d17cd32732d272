"""The fixtures and checks of this folder: each finds what it is there to find."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.page.browser import PHONE, Browsing
from tests.page.checks import (
    assert_axe_finds_nothing,
    assert_nothing_beside_the_screen,
    assert_words_are_whole,
    tab_to,
)

ROOT = Path(__file__).parents[2]
HEAD = (
    '<!DOCTYPE html><html lang="en"><title>A page</title><meta name="viewport" content="width=device-width">'
)
FAILING = """
async def test_that_fails(page):
    await page.set_content("<h1>As it was</h1>")
    assert False
"""
ELSEWHERE = """
async def test_that_reaches_out(page):
    await page.set_content('<img src="https://elsewhere.example.com/pixel.png" alt="">')
"""


async def test_axe_says_what_is_wrong_and_where(page: Page) -> None:
    await page.set_content(f'{HEAD}<main><h1>Page</h1><input id="nameless"></main>')

    with pytest.raises(
        AssertionError, match=r"Form elements must have labels \(label, critical\)\n    #nameless"
    ):
        await assert_axe_finds_nothing(page)


async def test_axe_finds_nothing_where_nothing_is_wrong_under_a_strict_policy_too(page: Page) -> None:
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'self\'">'
    await page.set_content(f"{HEAD}{policy}<main><h1>Page</h1><p>Text</p></main>")

    await assert_axe_finds_nothing(page)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('<p style="width: 500px">Wide</p>', r"reaches beyond the screen: <p > Wide"),
        ('<div style="overflow-x: auto"><pre>' + "wide " * 40 + "</pre></div>", "scrolls sideways: <div >"),
    ],
)
async def test_what_is_wider_than_a_phone_is_found(browsing: Browsing, body: str, found: str) -> None:
    page = await browsing.window(PHONE)
    await page.set_content(HEAD + body)

    with pytest.raises(AssertionError, match=found):
        await assert_nothing_beside_the_screen(page)


async def test_a_word_that_is_broken_is_found_and_a_line_that_ends_after_a_sign_is_not(page: Page) -> None:
    style = '<p style="width: 9rem; overflow-wrap: anywhere; font: 1rem monospace">'
    await page.set_content(f"{HEAD}{style}wilhelmina@example.com</p>")
    with pytest.raises(AssertionError, match=r"example, in: wilhelmina@example\.com"):
        await assert_words_are_whole(page)

    await page.set_content(f"{HEAD}{style}wilhelmina@<wbr>example.com</p>")
    await assert_words_are_whole(page)


async def test_what_cannot_be_reached_by_keyboard_or_shows_no_focus_is_found(page: Page) -> None:
    await page.set_content(
        f'{HEAD}<style>b:focus {{ outline: none }}</style><b tabindex="0">One</b><i>Two</i>'
    )

    with pytest.raises(AssertionError, match="nothing shows that 'One' has the focus"):
        await tab_to(page, page.locator("b"))
    with pytest.raises(AssertionError, match="is not reached"):
        await tab_to(page, page.locator("i"))


def run(tmp_path: Path, test: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a test of its own with this folder's fixtures."""
    (tmp_path / "test_it.py").write_text(test)
    options = [
        "-p",
        "tests.page.conftest",
        "-p",
        "no:cacheprovider",
        "-c",
        "pyproject.toml",
        f"--rootdir={ROOT}",
    ]
    return subprocess.run(  # noqa: S603  our own test
        [sys.executable, "-m", "pytest", *options, str(tmp_path / "test_it.py")],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_test_that_fails_leaves_a_picture_and_says_where(tmp_path: Path) -> None:
    done = run(tmp_path, FAILING)

    told = re.search(r"the window as the test left it: (.*\.png)", done.stdout)
    assert told, done.stdout
    picture = Path(told[1])
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.unlink()


def test_a_page_that_loads_something_from_elsewhere_fails_its_test(tmp_path: Path) -> None:
    done = run(tmp_path, ELSEWHERE)

    assert "something was asked of elsewhere: https://elsewhere.example.com/pixel.png" in done.stdout


def test_without_a_browser_tests_fail_with_what_to_install(tmp_path: Path) -> None:
    """Given a machine without Chromium, and without apt-get to install it by."""
    done = run(tmp_path, FAILING, PATH=str(tmp_path))

    assert done.returncode == 1
    assert "sudo apt-get install chromium" in done.stdout
