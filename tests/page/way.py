"""The steps of an account's admin from the API key to somebody who is tagged, as docs/page.md tells them."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final

from playwright.async_api import Page, expect

from worker.demo.process import PATIENCE
from worker.demo.stage import YOUR_APP, YOUR_KEY, Stage

EMAIL: Final = "me@example.com"
UNTIL_DONE: Final = (
    PATIENCE * 1000
)  # milliseconds in which a worker does something, on a machine that is busy
_EVENT: Final = {
    "type": "subscription.started",
    "data": {"user": {"email": EMAIL, "first_name": "Mae"}, "subscription": {"plan": "Annual"}},
}


async def enter_the_key(page: Page) -> None:
    """On *Connection*."""
    await page.get_by_label("API key", exact=True).fill(YOUR_KEY)
    await page.get_by_role("button", name="Save the key").click()
    await expect(page.get_by_role("status")).to_contain_text("It opens 'Your Kitchen' in Kit")


async def fill_in_the_event(page: Page) -> None:
    """On an event's form: a tag for those who subscribe, and one more for those who pay for a year."""
    await page.get_by_label("do what stands here").check()
    await page.get_by_role("group", name="Tags to add").get_by_label("Tag").first.fill("Member")
    rule = page.get_by_role("group", name="Another rule").first
    await rule.get_by_label("If").fill("mk_subscription_plan")
    await rule.get_by_label("value").fill("Annual")
    await rule.get_by_label("add the tag").fill("Annual Plan")


async def fill_in_the_value(page: Page) -> None:
    """On a value's form: the custom field to which it goes."""
    await page.get_by_label("it goes to the custom field").check()
    await page.get_by_label("Custom field", exact=True).fill("Membership")


async def see_what_it_changes(page: Page) -> None:
    """On either form."""
    await page.get_by_role("button", name="See what it changes").click()
    await expect(page.get_by_role("heading", name="Before it is saved")).to_be_visible()


async def save(page: Page, told: str) -> None:
    """After that; `told` is what the page says."""
    await page.get_by_role("button", name="Save it").click()
    await expect(page.get_by_role("status")).to_contain_text(told)


async def try_the_connection(page: Page) -> None:
    """On *Connection*."""
    await page.get_by_role("button", name="Test connection").click()
    await expect(page.get_by_role("status")).to_contain_text("It works: this is 'Your Kitchen' in Kit")


async def wait_until_it_is_in_force(page: Page) -> None:
    """On *Versions*, which looks again by itself."""
    in_force = page.get_by_role("region", name="In force")
    await expect(in_force).to_contain_text("has this file in force", timeout=UNTIL_DONE)


async def publish_an_event(on: Stage) -> None:
    """As the platform would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "publish", "--app", YOUR_APP, "-",
        env=on.environ, cwd=on.config_dir, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate(json.dumps(_EVENT).encode())
    assert process.returncode == 0, told.decode()


async def see_them_tagged(page: Page) -> None:
    """On the sandbox's own page, which looks again by itself, too."""
    row = page.get_by_role("row").filter(has_text=EMAIL).filter(has_text="Mae")
    await expect(row).to_contain_text("Annual Plan", timeout=UNTIL_DONE)
    await expect(row).to_contain_text("Member")
    await expect(row).to_contain_text("membership: Annual")
