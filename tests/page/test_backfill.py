"""A file of members at a browser: uploaded, taken in and taken back, by everybody and by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made, tab_to
from tests.page.conftest import served
from tests.page.test_editing import come_in
from tests.page.test_people_look import FILE, LONG
from tests.unit.page.planning import until_due
from tests.unit.page.serve import Client
from tests.unit.page.serve import served as serving
from tests.unit.page.views.backfill.members import table, workers_take_in
from worker.page import backfilling, behind

NEW = FILE.replace("Buyer", LONG).replace("app}", "shop}")


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path, texts={"sunny": NEW}) as client:
        yield client


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (backfilling, behind):
        monkeypatch.setattr(module, "WITHIN", 30.0)


async def go_there(page: Page, site: Client) -> None:
    await come_in(page, site)
    await page.get_by_role("link", name="Backfill", exact=True).click()
    await expect(page.get_by_label("The file")).to_be_visible()


async def upload(page: Page, wrong: bytes = b"") -> Locator:
    """Have a file planned; return the part of the view that is followed."""
    file = FilePayload(name=f"{LONG}.csv", mimeType="text/csv", buffer=table(40) + wrong)
    await page.get_by_label("The file").set_input_files(files=file)
    await tab_to(page, page.get_by_label("Type of rows"))
    await page.keyboard.type("order.paid")
    await page.get_by_label("When that happened").fill("2024-01-01T00:00:00Z")
    await tab_to(page, page.get_by_role("button", name="Make a plan"))
    await page.keyboard.press("Enter")
    part = page.get_by_role("region", name="Files of members")
    await expect(part).to_contain_text("40 rows are taken in")
    return part


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_it_is_readable_for_everybody_from_the_file_to_its_end(
    browsing: Browsing, site: Client, look: Look, tmp_path: Path
) -> None:
    """Given a run that goes on, the view follows it without anybody doing anything."""
    page = await browsing.window(look)
    await go_there(page, site)
    await assert_well_made(page)
    part = await upload(page, wrong=b"\r\nnobody,1\r\na@example.com,1,1")
    await expect(part).to_contain_text("Line 42")
    await assert_well_made(page)
    await upload(page)
    await expect(part).not_to_contain_text("Line 42")
    await assert_well_made(page)
    await page.get_by_label("How many new taggings").fill("40")
    await page.get_by_role("button", name="Take 40 rows in").click()
    await expect(page.get_by_role("status")).to_contain_text("It is begun: 40 rows, 40 new taggings.")
    await until_due(tmp_path, 40)
    await expect(part).to_contain_text("0 of 40 rows are done")
    await workers_take_in(tmp_path, 3)
    await expect(part).to_contain_text("3 of 40 rows are done; it takes about")
    await expect(part.get_by_role("progressbar")).to_be_visible()
    await assert_well_made(page)
    await workers_take_in(tmp_path)
    await expect(part).to_contain_text("Done: 40 of 40 rows")
    await assert_well_made(page)


async def test_by_keyboard_and_without_scripts_it_is_begun_stopped_and_taken_back(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    page = await browsing.window(WITHOUT_SCRIPTS)
    await go_there(page, site)
    part = await upload(page)
    for typed, said in (
        ("39", "Nothing was begun: the plan has 40 new taggings"),
        ("40", "It is begun: 40 rows"),
    ):
        await tab_to(page, page.get_by_label("How many new taggings"))
        await page.keyboard.type(typed)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text(said)
    await until_due(tmp_path, 40)
    await workers_take_in(tmp_path, 10)
    await page.get_by_role("link", name="Look again").click()
    await tab_to(page, page.get_by_role("button", name="Stop it"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is stopped: 30 rows are not taken in.")
    again = part.get_by_role("link", name="Look again")
    while await again.count():
        await again.click()
    await expect(part).to_contain_text("Done: 10 of 40 rows")
    await tab_to(page, part.get_by_role("checkbox"))
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("What it newly put on is being taken back.")
