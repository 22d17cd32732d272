"""An account's file changed at a browser: with and without scripts, by keyboard, and by two at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_axe_finds_nothing, assert_well_made, tab_to
from tests.page.conftest import served
from tests.unit.page.serve import SECRET, Client, admin
from tests.unit.page.serve import served as serving
from worker.page.rights import Signer

FILE = """\
# Sunny's own
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}

events:
  # who buys something
  order.paid:
    add_tags: [Buyer, {tag: "{mk_access_level}", replaces: true}]   # both
    set_fields: {Source: app}
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Yearly]   # by plan
      - when: {data.a: 1, data.b: 2}
        skip: true
"""
LONG = "Everything-that-the-platform-sells-together-in-one-very-long-name-without-a-blank"
EXAMPLES = f"""\
tests:
  - name: who buys is a buyer
    events: [{{at: 2027-01-01, type: order.paid, mk_access_level: Gold}}]
    then: {{has_tags: [Buyer]}}
  - name: who buys has it all
    events: [{{at: 2027-01-01, type: order.paid}}]
    then: {{tags: [{LONG}]}}
"""


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(tmp_path, texts={"sunny": FILE}) as client:
        yield client


async def come_in(page: Page, site: Client) -> None:
    """Follow the link of the account's admin."""
    await page.goto(f"{site.root}/link/{Signer(SECRET).write_visitor('link', admin())}")
    await page.get_by_role("button", name="Open it").click()
    await expect(page.get_by_role("heading", name="Connection")).to_be_visible()


async def see_what_it_changes(page: Page) -> None:
    await page.get_by_role("button", name="See what it changes").click()
    await expect(page.get_by_role("heading", name="Before it is saved")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_form_is_readable_for_everybody(
    browsing: Browsing, site: Client, look: Look, tmp_path: Path
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "sunny.yaml").write_text(EXAMPLES, encoding="utf-8")
    page = await browsing.window(look)
    await come_in(page, site)
    for view in (
        "events/edit?event=order.paid",
        "events/edit",
        "fields/edit?field=mk_user_id",
        "text",
        "tests",
        "versions",
    ):
        await page.goto(f"{site.root}/accounts/sunny/{view}")
        await assert_well_made(page)
    await page.goto(f"{site.root}/accounts/sunny/events/edit?event=order.paid")
    await page.get_by_label("Tag", exact=True).nth(1).fill(LONG)
    await see_what_it_changes(page)
    await assert_well_made(page)
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved: order.paid.")
    await page.get_by_role("link", name="1", exact=True).click()
    await assert_well_made(page)
    await page.goto(f"{site.root}/accounts/sunny/text")
    await page.get_by_label("Options").fill("options:\n  timezon: UTC\n")
    await page.get_by_role("button", name="See what it changes").click()
    await expect(page.get_by_role("alert")).to_contain_text("did you mean timezone")
    await assert_well_made(page)


async def test_without_scripts_an_event_is_changed_and_changed_back(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    """From the list of events to the file, and by the versions back to what it was, byte for byte."""
    file = tmp_path / "accounts" / "sunny.yaml"
    page = await browsing.window(WITHOUT_SCRIPTS)
    await come_in(page, site)
    await page.get_by_role("link", name="Events").click()
    await page.get_by_role("link", name="order.paid").click()
    await page.get_by_label("Tag", exact=True).nth(1).fill("VIP")
    await page.get_by_role("button", name="More rows").click()
    rule = page.get_by_role("group", name="Another rule").first
    await rule.get_by_label("If").fill("data.order.total")
    await rule.get_by_label("compared").select_option("is above")
    await rule.get_by_label("value").fill("40")
    await rule.get_by_label("add the tag").fill("Big spender")
    await see_what_it_changes(page)
    await expect(page.get_by_role("listitem").filter(has_text="Big spender if")).to_be_visible()
    assert file.read_text() == FILE
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved: order.paid.")
    assert file.read_text() == FILE.replace("replaces: true}]", "replaces: true}, VIP]") + (
        "      - when: {data.order.total: {above: 40}}\n        add_tags: [Big spender]\n"
    )
    await page.get_by_role("link", name="1", exact=True).click()
    await page.get_by_role("button", name="See what restoring it changes").click()
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text("Saved: version 1, restored.")
    assert file.read_text() == FILE
    await page.get_by_role("link", name="Journal").click()
    await expect(page.get_by_role("row").filter(has_text="admin of sunny")).to_have_count(2)


async def test_two_people_at_once_and_the_second_loses_nothing(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    windows = [await browsing.window(), await browsing.window()]
    for page, plan in zip(windows, ("Monthly", "Weekly"), strict=True):
        await come_in(page, site)
        await page.goto(f"{site.root}/accounts/sunny/text")
        events = page.get_by_label("Events")
        text = await events.input_value()
        await events.fill(text.replace("Annual", plan))
        await see_what_it_changes(page)
    first, second = windows
    await first.get_by_role("button", name="Save it").click()
    await expect(first.get_by_role("status")).to_contain_text("Saved: events.")
    await second.get_by_role("button", name="Save it").click()
    await expect(second.get_by_role("alert")).to_contain_text(
        "Somebody else has saved this file since you opened it"
    )
    await assert_axe_finds_nothing(second)
    await second.get_by_role("button", name="Go on editing").click()
    assert "Weekly" in await second.get_by_label("Events").input_value()
    assert "Monthly" in (tmp_path / "accounts" / "sunny.yaml").read_text()


async def test_by_keyboard_alone_a_value_is_sent_elsewhere(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    page = await browsing.window()
    await come_in(page, site)
    await page.goto(f"{site.root}/accounts/sunny/fields/edit?field=mk_subscription_plan")
    await tab_to(page, page.get_by_label("as usual"))
    await page.keyboard.press("ArrowUp")
    await tab_to(page, page.get_by_label("Custom field", exact=True))
    await page.keyboard.press("Control+A")
    await page.keyboard.type("Plan")
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_role("button", name="Save it"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Saved: the plan.")
    assert (
        tmp_path / "accounts" / "sunny.yaml"
    ).read_text() == f"{FILE}fields:\n  mk_subscription_plan: Plan\n"
