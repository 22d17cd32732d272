"""How an account is let into Kit, in a real browser: by a key that is entered, and by OAuth."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from pydantic import SecretStr

from tests.page.browser import LOOKS, PHONE, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made, tab_to
from tests.page.conftest import served
from tests.unit.page.serve import BY_OAUTH, SECRET, STORED_KEY, Client, admin
from tests.unit.page.serve import served as serving
from worker.ledger.sealing import new_key
from worker.page.rights import Signer
from worker.sandbox import Sandbox

KEY, WRONG = "kit_0123456789abcdef0123456789abcdef", "kit_fedcba9876543210fedcba9876543210"
SUNNY = "Sunny Kitchen"


@served
async def kit() -> AsyncIterator[Sandbox]:
    """Kit, with one account, and an app that its creator may let in."""
    box = Sandbox(keys={KEY: SUNNY})
    box.oauth.client("the-client")
    async with box.running() as running:
        yield running


@served
async def by_key(tmp_path: Path, kit: Sandbox) -> AsyncIterator[Client]:
    """A page over an account whose key is to be entered."""
    sealing: dict[str, Any] = {"kit_base_url": kit.url, "ledger_key": SecretStr(new_key())}
    async with serving(tmp_path, ("sunny",), STORED_KEY, **sealing) as client:
        yield client


@served
async def by_oauth(tmp_path: Path, kit: Sandbox) -> AsyncIterator[Client]:
    """A page over an account that is to be connected, where Kit is another site than the page."""
    elsewhere = kit.url.replace("127.0.0.1", "localhost")
    sealing: dict[str, Any] = {"kit_base_url": elsewhere, "ledger_key": SecretStr(new_key())}
    async with serving(tmp_path, ("sunny",), BY_OAUTH, **sealing) as client:
        yield client


async def come_in(page: Page, site: Client) -> None:
    """Come as the account's admin does, by a link."""
    await page.goto(f"{site.root}/link/{Signer(SECRET).write_visitor('link', admin())}")
    await page.get_by_role("button", name="Open it").click()
    await expect(page.get_by_role("heading", name="Connection")).to_be_visible()


async def enter(page: Page, key: str) -> None:
    await page.get_by_label("API key", exact=False).fill(key)
    await page.get_by_role("button", name="Save the key").click()


@pytest.mark.parametrize("look", [*LOOKS, WITHOUT_SCRIPTS], ids=str)
async def test_a_key_is_entered_and_tested(browsing: Browsing, by_key: Client, look: Look) -> None:
    """Given an account without a key, its admin enters a wrong one, the right one, and tests it."""
    page = await browsing.window(look)
    await come_in(page, by_key)
    await expect(page.get_by_text("No API key has been entered yet")).to_be_visible()
    if look.scripts:
        await assert_well_made(page)

    await enter(page, WRONG)
    await expect(page.get_by_role("status")).to_contain_text("Kit refuses this key, so it was not saved.")
    await enter(page, KEY)
    await expect(page.get_by_role("status")).to_contain_text("The key is saved.")
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_role("status")).to_contain_text(f"It works: this is '{SUNNY}' in Kit")
    await expect(page.get_by_text(f"{SUNNY}, plan creator")).to_be_visible()

    if look.scripts:
        await assert_well_made(page)
    assert KEY not in await page.content()
    await page.go_back()
    assert KEY not in await page.content()


async def test_by_keyboard_alone_a_key_is_entered_and_forgotten(browsing: Browsing, by_key: Client) -> None:
    page = await browsing.window()
    await come_in(page, by_key)
    await tab_to(page, page.get_by_label("API key"))
    await page.keyboard.type(KEY)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("The key is saved.")
    await tab_to(page, page.get_by_label("Yes, forget its key"))
    await page.keyboard.press("Space")
    await tab_to(page, page.get_by_role("button", name="Forget the key"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("The key is forgotten")


@pytest.mark.parametrize("look", [PHONE, WITHOUT_SCRIPTS], ids=str)
async def test_an_account_is_connected_by_its_creator(
    browsing: Browsing, by_oauth: Client, look: Look
) -> None:
    """Given a Kit that is another site, the browser comes back from it into its session, and is connected."""
    page = await browsing.window(look)
    await come_in(page, by_oauth)
    await page.get_by_role("button", name="Connect with Kit").click()
    await expect(page.get_by_text(f"{by_oauth.root}/connected")).to_be_visible()
    if look.scripts:
        await assert_well_made(page)
    await page.get_by_role("link", name="Go on to Kit").click()
    await page.get_by_role("link", name=f"Allow for {SUNNY}").click()
    await expect(page.get_by_role("status")).to_contain_text(f"The account is connected with '{SUNNY}'")
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_role("status")).to_contain_text("It works: this is")
    if look.scripts:
        await assert_well_made(page)
    await page.get_by_label("Yes, end its access to Kit").check()
    await page.get_by_role("button", name="Disconnect").click()
    await expect(page.get_by_role("status")).to_contain_text("The account is disconnected")
