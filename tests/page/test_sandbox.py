"""The sandbox's own page, and the one on which a creator gives access, seen in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.page.browser import DARK, LIGHT, LOOKS, PHONE, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made, tab_to
from tests.page.conftest import served
from tests.page.kitchen import KEY, add_what_is_long, call_some, consent_path, kitchen
from worker.sandbox import Sandbox


@served
async def sandbox() -> AsyncIterator[Sandbox]:
    """The stand-in for Kit, with people in it, and calls that were made."""
    async with kitchen().running() as made:
        await call_some(made)
        yield made


def asking(sandbox: Sandbox) -> str:
    """Where an app sends a creator that has its callback on this machine."""
    return sandbox.url + consent_path(redirect_uri=f"{sandbox.url}/callback")


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize("long", [False, True], ids=["as-usual", "long"])
async def test_the_page_is_well_made(browsing: Browsing, sandbox: Sandbox, look: Look, long: bool) -> None:
    """Given names, addresses and tags of any length, too."""
    if long:
        add_what_is_long(sandbox)
    page = await browsing.window(look)
    await page.goto(sandbox.url)

    await assert_well_made(page)


@pytest.mark.parametrize("look", LOOKS, ids=str)
@pytest.mark.parametrize(
    "path", [consent_path(), consent_path(client_id="nobody")], ids=["asked", "not-asked"]
)
async def test_the_consent_page_is_well_made(
    browsing: Browsing, sandbox: Sandbox, look: Look, path: str
) -> None:
    page = await browsing.window(look)
    await page.goto(sandbox.url + path)

    await assert_well_made(page)


async def test_people_and_calls_are_told_by_name(page: Page, sandbox: Sandbox) -> None:
    """Given calls whose paths hold ids, the page tells the tag and the person."""
    await page.goto(sandbox.url)

    ada = row(page, "ada.lovelace@example.com").first
    await expect(ada.get_by_role("listitem")).to_have_text(
        ["Active Member", "Annual Plan", "member_since: 2026-11-03", "plan: Annual"]
    )
    call = page.get_by_role("table", name="Latest calls").get_by_role("row").filter(has_text="POST")
    await expect(call).to_contain_text("POST /v4/tags/Active Member/subscribers/ada.lovelace@example.com")


async def test_who_comes_meanwhile_is_shown_without_another_look(page: Page, sandbox: Sandbox) -> None:
    await page.goto(sandbox.url)
    sandbox.account(KEY).add_subscriber("new@example.com")

    await expect(row(page, "new@example.com")).to_be_visible()


async def test_the_page_can_be_paused_by_keyboard_and_goes_on(page: Page, sandbox: Sandbox) -> None:
    """Given somebody who reads, nothing changes under their eyes until they say so."""
    await page.clock.install()
    await page.goto(sandbox.url)
    await tab_to(page, page.get_by_role("button", name="Pause"))
    await page.keyboard.press("Enter")
    sandbox.account(KEY).add_subscriber("new@example.com")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108  it takes no built-in
    await page.clock.run_for(10_000)

    assert not asked
    await expect(page.get_by_role("status")).to_have_text("Paused: this is how it was.")
    await expect(row(page, "new@example.com")).to_have_count(0)
    await page.keyboard.press("Enter")
    await page.clock.run_for(3_000)
    await expect(row(page, "new@example.com")).to_be_visible()


async def test_a_sandbox_that_has_ended_is_told_and_one_that_is_there_again_is_followed(page: Page) -> None:
    made = kitchen()
    async with made.running() as running:
        address = running.url
        await page.goto(address)
    await expect(page.get_by_role("status")).to_contain_text("The sandbox does not answer: start it again")
    async with made.running(port=urlsplit(address).port or 0):
        await expect(page.get_by_role("status")).to_have_text("")


async def test_without_scripts_there_is_a_link_and_no_button(browsing: Browsing, sandbox: Sandbox) -> None:
    page = await browsing.window(WITHOUT_SCRIPTS)
    await page.goto(sandbox.url)
    sandbox.account(KEY).add_subscriber("new@example.com")

    await expect(page.get_by_role("button")).to_have_count(0)
    await page.get_by_role("link", name="Look again").click()
    await expect(row(page, "new@example.com")).to_be_visible()


@pytest.mark.parametrize("look", [LIGHT, DARK, PHONE, WITHOUT_SCRIPTS], ids=str)
async def test_access_is_given_by_one_press_and_goes_back_to_the_app(
    browsing: Browsing, sandbox: Sandbox, look: Look
) -> None:
    page = await browsing.window(look)
    await page.goto(asking(sandbox))
    await page.get_by_role("link", name="Allow for Rainy Kitchen").click()

    told = await _told_the_app(page)
    assert sandbox.oauth.account_of(told["code"][0]) == "Rainy Kitchen"


async def test_an_account_by_another_name_is_given_by_keyboard_alone(page: Page, sandbox: Sandbox) -> None:
    await page.goto(asking(sandbox))
    await tab_to(page, page.get_by_label("Name of the account"))
    await page.keyboard.type("Windy Kitchen")
    await page.keyboard.press("Enter")

    told = await _told_the_app(page)
    assert sandbox.oauth.account_of(told["code"][0]) == "Windy Kitchen"


async def test_a_refusal_goes_back_to_the_app_without_a_code(page: Page, sandbox: Sandbox) -> None:
    await page.goto(asking(sandbox))
    await tab_to(page, page.get_by_role("link", name="Refuse"))
    await page.keyboard.press("Enter")

    told = await _told_the_app(page)
    assert told["error"] == ["access_denied"]
    assert "code" not in told


async def test_who_asks_wrongly_is_told_what_to_do(page: Page, sandbox: Sandbox) -> None:
    await page.goto(sandbox.url + consent_path(client_id="nobody"))

    await expect(page.get_by_role("heading", level=1)).to_have_text("Nobody was asked for access")
    await expect(page.get_by_role("main")).to_contain_text(
        "Correct the client id, or the address to come back to"
    )


async def _told_the_app(page: Page) -> dict[str, list[str]]:
    """What the app is told in the address to which the browser is sent back."""
    await page.wait_for_url("**/callback?**")
    return parse_qs(urlsplit(page.url).query)
