"""The way of an account's admin by the browser alone, from the API key to somebody who is tagged in Kit.

RabbitMQ, a worker and the page run as processes, as `kit-worker demo --keep` runs them; Kit is the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

from playwright.async_api import Page, expect

from tests.page.browser import Browsing
from tests.page.conftest import served
from worker.demo.process import PATIENCE
from worker.demo.stage import YOUR_APP, YOUR_KEY, Stage, page_of, stage

EMAIL = "me@example.com"
EVENT = {
    "type": "subscription.started",
    "data": {"user": {"email": EMAIL, "first_name": "Mae"}, "subscription": {"plan": "Annual"}},
}
UNTIL_DONE = PATIENCE * 1000  # milliseconds in which a worker does something, on a machine that is busy


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
    await _enter_the_key(page)
    await _map_the_event(page)
    await _map_the_value(page)
    await _test_the_connection(page)
    await _wait_until_it_is_in_force(page)

    await _publish(on)

    await _see_them_in_kit(await page.context.new_page(), on)
    await _see_why(page)


async def _enter_the_key(page: Page) -> None:
    await page.get_by_label("API key", exact=True).fill(YOUR_KEY)
    await page.get_by_role("button", name="Save the key").click()
    await expect(page.get_by_role("status")).to_contain_text("It opens 'Your Kitchen' in Kit")


async def _map_the_event(page: Page) -> None:
    """Let somebody who subscribes have a tag of ours, and those who pay for a year one more."""
    await page.get_by_role("link", name="Events").click()
    await page.get_by_role("link", name="subscription.started").click()
    await page.get_by_label("do what stands here").check()
    await page.get_by_role("group", name="Tags to add").get_by_label("Tag").first.fill("Member")
    rule = page.get_by_role("group", name="Another rule").first
    await rule.get_by_label("If").fill("mk_subscription_plan")
    await rule.get_by_label("value").fill("Annual")
    await rule.get_by_label("add the tag").fill("Annual Plan")
    await _save(page, "Saved: subscription.started.")
    await page.get_by_role("link", name="Events").click()
    row = page.get_by_role("row").filter(has_text="subscription.started")
    await expect(row).to_contain_text("adds Member")
    await expect(row).to_contain_text("adds Annual Plan if the plan is Annual")


async def _map_the_value(page: Page) -> None:
    await page.get_by_role("link", name="Fields").click()
    await page.get_by_role("link", name="plan", exact=True).click()
    await page.get_by_label("it goes to the custom field").check()
    await page.get_by_label("Custom field", exact=True).fill("Membership")
    await _save(page, "Saved: the plan.")


async def _save(page: Page, told: str) -> None:
    await page.get_by_role("button", name="See what it changes").click()
    await expect(page.get_by_role("heading", name="Before it is saved")).to_be_visible()
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text(told)


async def _test_the_connection(page: Page) -> None:
    await page.get_by_role("link", name="Connection").click()
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_role("status")).to_contain_text("It works: this is 'Your Kitchen' in Kit")


async def _wait_until_it_is_in_force(page: Page) -> None:
    """The view of versions looks again by itself."""
    await page.get_by_role("link", name="Versions").click()
    in_force = page.get_by_role("region", name="In force")
    await expect(in_force).to_contain_text("has this file in force", timeout=UNTIL_DONE)


async def _publish(on: Stage) -> None:
    """Publish an event, as the platform would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "publish", "--app", YOUR_APP, "-",
        env=on.environ, cwd=on.config_dir, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate(json.dumps(EVENT).encode())
    assert process.returncode == 0, told.decode()


async def _see_them_in_kit(page: Page, on: Stage) -> None:
    """The sandbox's page looks again by itself, too."""
    await page.goto(on.sandbox.url)
    row = page.get_by_role("row").filter(has_text=EMAIL).filter(has_text="Mae")
    await expect(row).to_contain_text("Annual Plan", timeout=UNTIL_DONE)
    await expect(row).to_contain_text("Member")
    await expect(row).to_contain_text("Annual")


async def _see_why(page: Page) -> None:
    """Each tag and field has its cause."""
    await page.get_by_role("link", name="People").click()
    await page.get_by_label("Email address").fill(EMAIL)
    await page.get_by_role("button", name="Find").click()
    for tag in ("Member", "Annual Plan", "Membership"):
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=tag, exact=True))
        await expect(row).to_contain_text("subscription.started")
