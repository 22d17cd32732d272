"""The page's views in a real browser: for every eye, on every screen, with and without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_axe_finds_nothing, assert_well_made, tab_to
from tests.page.conftest import served
from tests.unit.page.routes import views
from tests.unit.page.serve import READ_TOKEN, SECRET, TOKEN, Client, admin
from tests.unit.page.serve import served as serving
from worker.page.rights import Signer

VIEWS = (*views(parts=False), "/accounts/nobody")
LONG = "a-creator-with-a-name-of-many-words-and-a-very-very-long-one-at-its-end-which-goes-on"


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    """A page over three accounts, one of them with a long name; no worker runs."""
    async with serving(tmp_path, ("sunny", "rainy", LONG)) as client:
        yield client


async def sign_in(page: Page, site: Client, token: str = TOKEN) -> None:
    await page.goto(f"{site.root}/sign-in")
    await page.get_by_label("Token").fill(token)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_view_is_readable_for_everybody(browsing: Browsing, site: Client, look: Look) -> None:
    page = await browsing.window(look)
    await page.goto(f"{site.root}/sign-in")
    await assert_well_made(page)
    await sign_in(page, site)
    for view in (*VIEWS, f"/accounts/{LONG}"):
        await page.goto(f"{site.root}{view}")
        await assert_well_made(page)


async def test_without_scripts_everything_works(browsing: Browsing, site: Client) -> None:
    page = await browsing.window(WITHOUT_SCRIPTS)
    await sign_in(page, site)
    await page.get_by_label("Find an account").fill("SUN")
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("link", name="sunny").click()
    await page.get_by_role("button", name="Pause the account").click()
    await expect(page.get_by_role("status")).to_contain_text("sunny is paused")
    await page.get_by_role("button", name="Let it go on").click()
    await expect(page.get_by_role("status")).to_contain_text("sunny goes on.")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_by_keyboard_alone_an_operator_tests_a_connection(browsing: Browsing, site: Client) -> None:
    page = await browsing.window()
    await page.goto(f"{site.root}/sign-in")
    await expect(page.get_by_label("Token")).to_be_focused()  # as the page is drawn first
    await page.keyboard.type(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    await page.goto(f"{site.root}/accounts/sunny")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="To the content")).to_be_focused()
    await tab_to(page, page.get_by_role("button", name="Test connection"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Kit could not be asked")


async def test_what_changes_is_shown_without_a_click(browsing: Browsing, site: Client) -> None:
    """Given two windows, what is done in one is seen in the other, of which a part alone is made anew."""
    page = await browsing.window()
    await page.clock.install()
    await sign_in(page, site)
    await page.goto(f"{site.root}/accounts/sunny")
    await page.evaluate("document.body.dataset.same = 'page'")
    other = await page.context.new_page()
    await other.goto(f"{site.root}/accounts/sunny")
    await other.get_by_role("button", name="Pause the account").click()
    await page.bring_to_front()
    await page.clock.run_for(6000)
    await expect(page.get_by_text("The account is paused")).to_be_visible()
    assert await page.evaluate("document.body.dataset.same") == "page"


async def test_an_admin_comes_by_a_link_from_elsewhere(browsing: Browsing, site: Client) -> None:
    """Given a link in a mail, it leads to the account, and later links find the session."""
    page = await browsing.window()
    await page.goto(f"{site.root}/link/{Signer(SECRET).write_visitor('link', admin())}")
    await assert_axe_finds_nothing(page)
    await page.get_by_role("button", name="Open it").click()
    await expect(page.get_by_role("heading", name="Connection")).to_be_visible()
    elsewhere = f"<a href='{site.root}/accounts/sunny/events'>see</a>"
    await page.goto(str(site.root.with_host("localhost")) + "/sign-in")
    await page.set_content(elsewhere)
    await page.get_by_role("link", name="see").click()
    await expect(page.get_by_role("heading", name="Events")).to_be_visible()


async def test_who_may_look_sees_no_buttons_that_do_anything(browsing: Browsing, site: Client) -> None:
    page = await browsing.window()
    await sign_in(page, site, READ_TOKEN)
    await page.goto(f"{site.root}/accounts/sunny")
    buttons = await page.get_by_role("button").all_inner_texts()
    assert buttons == ["Sign out"]


async def test_an_event_is_tried_by_keyboard_and_without_scripts(browsing: Browsing, site: Client) -> None:
    """Given a form that is filled in and sent by Enter, the result and what was filled in are on one page."""
    page = await browsing.window(WITHOUT_SCRIPTS)
    await sign_in(page, site)
    await page.goto(f"{site.root}/accounts/sunny")
    await page.get_by_role("link", name="Try").click()
    await page.get_by_label("Type").fill("access.granted")
    await page.get_by_label("Email address").fill("ada@example.com")
    await page.get_by_label("access level").fill("Gold")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="What it would do")).to_be_visible()
    await expect(page.get_by_text("Nothing was sent: neither to Kit")).to_be_visible()
    await expect(page.get_by_text("add the tag Gold access")).to_be_visible()
    await expect(page.get_by_label("access level")).to_have_value("Gold")


async def test_a_finding_leads_to_the_form_that_mends_it_and_the_review_says_so(
    browsing: Browsing, tmp_path: Path
) -> None:
    """Given a tag that everybody would get, it is found, changed in its form, and told to be mended."""
    text = (
        "app: sunny\nkit: {api_key_env: KIT_API_KEY_SUNNY}\nevents:\n  user.updated: {add_tags: [Member]}\n"
    )
    async with serving(tmp_path, texts={"sunny": text}) as site:
        page = await browsing.window(WITHOUT_SCRIPTS)
        await sign_in(page, site)
        await page.goto(f"{site.root}/accounts/sunny/events")
        await page.get_by_role("link", name="See what is probably wrong in it.").click()
        await expect(page.get_by_role("heading", name="Findings")).to_be_visible()
        row = page.get_by_role("row").filter(has_text="tags-everybody")
        await expect(row).to_contain_text("line 4")
        await row.get_by_role("link", name="user.updated").click()
        await page.get_by_label("Tag").first.fill("")
        await page.get_by_role("button", name="See what it changes").click()
        await expect(
            page.get_by_role("heading", name="What is probably wrong now, and is not then")
        ).to_be_visible()
        await expect(page.get_by_text("tags-everybody")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_many_findings_are_readable_for_everybody(
    browsing: Browsing, tmp_path: Path, look: Look
) -> None:
    """Given findings with long lines, in a list and in a review, everybody can read them."""
    rules = "".join(f"      - {{when: {{data.order.n: {at}}}, add_tags: [Tag]}}\n" for at in (1, 1, 2, 2))
    text = (
        "app: sunny\nkit: {api_key_env: KIT_API_KEY_SUNNY}\nevents:\n  user.updated: {add_tags: [Member]}\n"
        f"  user.deleted: {{create: false, unsubscribe: true}}   # {'a long comment ' * 20}\n"
        f"  order.paid:\n    rules:\n{rules}fields: {{mk_signed_up_at: {{field: Since, format: date}}}}\n"
    )
    async with serving(tmp_path, texts={"sunny": text}) as site:
        page = await browsing.window(look)
        await sign_in(page, site)
        await page.goto(f"{site.root}/accounts/sunny/lint")
        await expect(page.get_by_text("duplicate-rule").first).to_be_visible()
        await assert_well_made(page)
        await page.goto(f"{site.root}/accounts/sunny/events/edit?event=order.sent")
        await page.get_by_label("Tag").first.fill("Members")
        await page.get_by_role("button", name="See what it changes").click()
        await expect(page.get_by_text("What is probably wrong then, and is not now")).to_be_visible()
        await assert_well_made(page)
