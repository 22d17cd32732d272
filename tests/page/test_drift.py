"""What Kit has otherwise, at a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.browser import LOOKS, Browsing, Look
from tests.page.checks import assert_well_made, tab_to
from tests.page.conftest import served
from tests.page.test_editing import come_in
from tests.page.test_people_look import LONG
from tests.unit.page.planning import workers_do_it
from tests.unit.page.serve import Client
from tests.unit.page.serve import served as serving
from tests.unit.page.views.test_drift import compare, missing
from worker.ledger.drift import FoundPerson
from worker.subscribers.drifted import DriftKind, DriftRow


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path) as client:
        yield client


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_it_is_readable_for_everybody_and_followed_to_its_end(
    browsing: Browsing, site: Client, look: Look, tmp_path: Path
) -> None:
    page = await browsing.window(look)
    await come_in(page, site)
    await page.get_by_role("link", name="Drift", exact=True).click()
    await page.get_by_role("button", name="Compare with Kit").click()
    part = page.get_by_role("region", name="The last comparison")
    await expect(part).to_contain_text("It waits for the worker that has the account.")
    await assert_well_made(page)
    row = DriftRow(DriftKind.FIELD, LONG, LONG)
    await compare(tmp_path, missing(1), FoundPerson("ada@example.com", (row,)))
    await expect(part).to_contain_text("Something is otherwise in Kit")
    await assert_well_made(page)
    await tab_to(page, page.get_by_label("How many tags are missing"))
    await page.keyboard.type("1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("It is begun: 2 people.")
    await expect(part).to_contain_text("0 of 2 people are done.")
    await assert_well_made(page)
    await workers_do_it(tmp_path)
    await page.reload()
    await expect(part).to_contain_text("Done: 2 of 2 people.")
    await assert_well_made(page)
