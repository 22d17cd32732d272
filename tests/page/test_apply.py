"""A plan at a browser: made, carried out and taken back, by everybody and by keyboard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made, tab_to
from tests.page.conftest import served
from tests.page.test_editing import come_in
from tests.page.test_people_look import FILE, LONG, PEOPLE, bought
from tests.unit.kept_people import apply_events
from tests.unit.page.planning import opened, until_due, workers_do_it
from tests.unit.page.serve import Client
from tests.unit.page.serve import served as serving
from worker.accounts.load import load_accounts
from worker.page import applying

NEW = FILE.replace("Buyer", LONG).replace("app}", "shop}")


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    """40 people have what an earlier file gave them."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE)
    account = load_accounts(tmp_path, {"KIT_API_KEY_SUNNY": "k"}).accounts["sunny"]
    async with opened(tmp_path) as ledger:
        await apply_events(ledger, account, bought())
    async with serving(tmp_path, texts={"sunny": NEW}) as client:
        yield client


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "WITHIN", 30.0)
    monkeypatch.setattr(applying, "EVERY", 0.1)


async def plan(page: Page, site: Client) -> Locator:
    """Have a plan made; return the part of the view that is followed."""
    await come_in(page, site)
    await page.get_by_role("link", name="Apply", exact=True).click()
    await page.get_by_role("button", name="Make a plan").click()
    part = page.get_by_role("region", name="Plans")
    await expect(part).to_contain_text("40 of 40 people would be treated otherwise.")
    return part


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_it_is_readable_for_everybody_from_the_plan_to_its_end(
    browsing: Browsing, site: Client, look: Look, tmp_path: Path
) -> None:
    """Given a run that goes on, the view follows it without anybody doing anything."""
    page = await browsing.window(look)
    part = await plan(page, site)
    await assert_well_made(page)
    await page.get_by_label("How many new taggings").fill("40")
    await page.get_by_role("button", name="Put 40 tags on").click()
    await expect(page.get_by_role("status")).to_contain_text("It is begun: 40 people, 40 new taggings.")
    await until_due(tmp_path, PEOPLE)
    await expect(part).to_contain_text("0 of 40 people are done")
    await workers_do_it(tmp_path, "dead_lettered", some=3)
    await expect(part).to_contain_text("3 of 40 people are done; it takes about")
    await expect(part.get_by_role("progressbar")).to_be_visible()
    await assert_well_made(page)
    await workers_do_it(tmp_path)
    await expect(part).to_contain_text("Done: 37 of 40 people.")
    await assert_well_made(page)


async def test_by_keyboard_and_without_scripts_it_is_begun_stopped_and_taken_back(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    page = await browsing.window(WITHOUT_SCRIPTS)
    part = await plan(page, site)
    await tab_to(page, page.get_by_label("How many new taggings"))
    await page.keyboard.type("39")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text(
        "Nothing was begun: the plan has 40 new taggings"
    )
    await tab_to(page, page.get_by_label("How many new taggings"))
    await page.keyboard.type("40")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is begun: 40 people")
    await until_due(tmp_path, PEOPLE)
    await workers_do_it(tmp_path, some=10)
    await page.get_by_role("link", name="Look again").click()
    await tab_to(page, page.get_by_role("button", name="Stop it"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is stopped: 30 people stay as they were.")
    again = part.get_by_role("link", name="Look again")
    while await again.count():
        await again.click()
    await expect(part).to_contain_text("Done: 10 of 40 people.")
    await tab_to(page, page.get_by_role("checkbox"))
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("What it put on is being taken back.")
