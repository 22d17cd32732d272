"""Whom a change would treat otherwise, at a browser, while it is looked for and once it is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made
from tests.page.conftest import served
from tests.page.test_editing import come_in, see_what_it_changes
from tests.unit.kept_people import Sent, apply_events
from tests.unit.page.serve import Client
from tests.unit.page.serve import served as serving
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page import people_looks
from worker.page.people_looks import PeopleLook, PeopleLooks

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
events:
  order.paid:
    add_tags: [Buyer, "Bought {data.order.product}"]
    set_fields: {Source of this person in our shop: app}
"""
LONG = "Everything-that-the-platform-sells-together-in-one-very-long-name-without-a-blank"
PEOPLE = 40


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE)
    account = load_accounts(tmp_path, {"KIT_API_KEY_SUNNY": "k"}).accounts["sunny"]
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        await apply_events(ledger, account, bought())
    async with serving(tmp_path, texts={"sunny": FILE}) as client:
        yield client


def bought() -> Iterator[Sent]:
    for number in range(PEOPLE):
        user = {"email": f"wilhelmina.featherstonehaugh+{number}@international-cookery-school.example.com"}
        yield Sent("order.paid", {"user": user, "order": {"product": f"Tea {number}"}}, number, "sunny")


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Every look stops half-way until this is set."""
    goes_on, carry_out = asyncio.Event(), PeopleLooks._carry_out

    async def half_way(self: PeopleLooks, look: PeopleLook) -> None:
        look.begun_at, look.expected, look.seen = self._clock.monotonic(), PEOPLE, PEOPLE // 2
        await goes_on.wait()
        look.seen = 0
        await carry_out(self, look)

    monkeypatch.setattr(PeopleLooks, "_carry_out", half_way)
    monkeypatch.setattr(people_looks, "WITHIN", 0.0)
    return goes_on


async def change(page: Page, site: Client) -> None:
    await come_in(page, site)
    await page.goto(f"{site.root}/accounts/sunny/text")
    events = page.get_by_label("Events")
    text = (await events.input_value()).replace("Buyer", LONG).replace("Bought", "Has bought")
    await events.fill(text.replace("app}", "shop}"))
    await see_what_it_changes(page)


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_it_is_readable_for_everybody_and_filled_in_as_it_is_found(
    browsing: Browsing, site: Client, look: Look, turn: asyncio.Event
) -> None:
    page = await browsing.window(look)
    await change(page, site)
    part = page.get_by_role("region", name="For the people who are there")
    await expect(part).to_contain_text("20 of 40 people looked at so far")
    await expect(part.get_by_role("progressbar")).to_be_visible()
    await assert_well_made(page)

    turn.set()

    await expect(part).to_contain_text("40 of 40 people would be treated otherwise.")
    await assert_well_made(page)
    await part.get_by_role("link").first.click()
    await expect(page.get_by_role("heading", name="wilhelmina.featherstonehaugh+0@")).to_be_visible()


async def test_without_scripts_a_button_looks_again(
    browsing: Browsing, site: Client, turn: asyncio.Event
) -> None:
    page = await browsing.window(WITHOUT_SCRIPTS)
    await change(page, site)
    part = page.get_by_role("region", name="For the people who are there")
    await part.get_by_role("button", name="Look again").click()
    await expect(part).to_contain_text("20 of 40 people looked at so far")
    turn.set()
    again = part.get_by_role("button", name="Look again")
    while await again.count():
        await again.click()
    await expect(part).to_contain_text("40 of 40 people would be treated otherwise.")
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved: events.")
