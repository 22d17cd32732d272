"""The page's main views after the demo's events, and on the way of the admin of its other account."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator

from playwright.async_api import Browser, Page

from tests.page import way
from tests.page.browser import Browsing
from tests.page.view import WIDE, View
from worker.clock import Clock
from worker.demo.play import play
from worker.demo.stage import Stage, page_of, stage
from worker.ledger.counts import QUARTER
from worker.ledger.schema import counts

DAY = "section[aria-label='The last 24 hours']"
STEP = (WIDE,)  # the guide's, which shows what one does
TRIED = "kind=subscription.started&email=ben%40example.com&value%20mk_subscription_plan=Annual"


async def of_the_page(browser: Browser, amqp_url: str) -> AsyncGenerator[View, None]:
    """Play the demo, and go that way; yields what is to be seen after each step."""
    async with stage(amqp_url) as on:
        async for _ in play(on):
            pass
        await _fill_the_day(on)
        async with page_of(on):
            browsing = Browsing(browser)
            async for view in _on_the_way(on, await browsing.window()):
                yield view
            await browsing.close()
            for view in _afterwards(on, f"{on.page_url}/accounts/{on.account}"):
                yield view


async def _on_the_way(on: Stage, page: Page) -> AsyncGenerator[View, None]:
    yours = f"{on.page_url}/accounts/{on.yours}"
    yield View("key", yours, STEP)
    await page.goto(yours)
    await way.enter_the_key(page)
    event = f"{yours}/events/edit?event=subscription.started"
    yield View("event-form", event, act=way.fill_in_the_event)
    yield View("review", event, act=_review_the_event)
    await page.goto(event)
    await _review_the_event(page)
    await way.save(page, "Saved")
    value = f"{yours}/fields/edit?field=mk_subscription_plan"
    yield View("field-form", value, STEP, act=way.fill_in_the_value)
    await page.goto(value)
    await way.fill_in_the_value(page)
    await way.see_what_it_changes(page)
    await way.save(page, "Saved")
    yield View("tested", yours, STEP, act=way.try_the_connection)
    await page.goto(f"{yours}/versions")
    await way.wait_until_it_is_in_force(page)
    await way.publish_an_event(on)
    await page.goto(on.sandbox.url)
    await way.see_them_tagged(page)
    yield View("tagged", on.sandbox.url, STEP, part="section:has(h2:text('Your Kitchen'))")


async def _review_the_event(page: Page) -> None:
    await way.fill_in_the_event(page)
    await way.see_what_it_changes(page)


def _afterwards(on: Stage, account: str) -> list[View]:
    return [
        View("accounts", on.page_url),
        View("connection", account),
        View("day", account, part=DAY),
        View("events", f"{account}/events"),
        View("fields", f"{account}/fields"),
        View("person", f"{account}/people/ada%40example.com"),
        View("try", f"{account}/try?{TRIED}"),
        View("dead-letters", f"{account}/dead-letters"),
        View("journal", f"{on.page_url}/journal"),
    ]


async def _fill_the_day(on: Stage) -> None:
    """Let more have happened than a demo does: a day of a platform's, with its morning and its evening."""
    last = int(Clock().time()) // QUARTER - 2
    rows = [{"at": (last - back) * QUARTER, "account": on.account, **_quarter(back)} for back in range(93)]
    async with on.ledger.write() as connection:
        await connection.execute(counts.insert(), rows)


def _quarter(back: int) -> dict[str, float]:
    busy = 1 + math.cos(back / 93 * 4 * math.pi) + 0.4 * math.sin(back * 1.7)
    applied = round(12 + 30 * max(busy, 0))
    superseded, dead = round(applied * 0.07), 1 if back % 31 == 7 else 0
    slow = 40 if 50 < back < 55 else 1
    return {
        "applied": applied, "superseded": superseded, "dead": dead, "calls": round(applied * 1.4),
        "age": applied * 1.2 * slow, "aged": applied,
    }  # fmt: skip
