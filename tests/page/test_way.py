"""The way of an account's admin by the browser alone, from the API key to somebody who is tagged in Kit.

RabbitMQ, a worker and the page run as processes, as `kit-worker demo --keep` runs them; Kit is the sandbox.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from playwright.async_api import Page, expect

from tests.page import way
from tests.page.browser import Browsing
from tests.page.conftest import served
from worker.demo.stage import Stage, page_of, stage


@served
async def on(amqp_url: str) -> AsyncIterator[Stage]:
    """The demo's processes, and its account whose key nobody has entered yet."""
    async with stage(amqp_url) as made, page_of(made):
        yield made


async def test_from_the_key_to_somebody_who_is_tagged(browsing: Browsing, on: Stage) -> None:
    """Key, mapping of an event, a field, Test connection; then an event comes, and its person is tagged."""
    page = await browsing.window()
    await page.goto(on.page_url)
    await page.get_by_role("link", name=on.yours).click()
    await expect(page.get_by_text("No API key has been entered yet")).to_be_visible()
    await way.enter_the_key(page)
    await _map_the_event(page)
    await _map_the_value(page)
    await page.get_by_role("link", name="Connection").click()
    await way.try_the_connection(page)
    await page.get_by_role("link", name="Versions").click()
    await way.wait_until_it_is_in_force(page)

    await way.publish_an_event(on)

    in_kit = await page.context.new_page()
    await in_kit.goto(on.sandbox.url)
    await way.see_them_tagged(in_kit)
    await _see_why(page)


async def _map_the_event(page: Page) -> None:
    await page.get_by_role("link", name="Events").click()
    await page.get_by_role("link", name="subscription.started").click()
    await way.fill_in_the_event(page)
    await way.see_what_it_changes(page)
    await way.save(page, "Saved: subscription.started.")
    await page.get_by_role("link", name="Events").click()
    row = page.get_by_role("row").filter(has_text="subscription.started")
    await expect(row).to_contain_text("adds Member")
    await expect(row).to_contain_text("adds Annual Plan if the plan is Annual")


async def _map_the_value(page: Page) -> None:
    await page.get_by_role("link", name="Fields").click()
    await page.get_by_role("link", name="plan", exact=True).click()
    await way.fill_in_the_value(page)
    await way.see_what_it_changes(page)
    await way.save(page, "Saved: the plan.")


async def _see_why(page: Page) -> None:
    """Each tag and field has its cause."""
    await page.get_by_role("link", name="People").click()
    await page.get_by_label("Email address").fill(way.EMAIL)
    await page.get_by_role("button", name="Find").click()
    for name in ("Member", "Annual Plan", "Membership"):
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name, exact=True))
        await expect(row).to_contain_text("subscription.started")
