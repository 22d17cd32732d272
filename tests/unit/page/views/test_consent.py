"""An account is connected with Kit by OAuth, from the page and back to it, over HTTP."""

from __future__ import annotations

import html
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pydantic import SecretStr

from tests.clocks import StandingClock
from tests.unit.page.serve import BY_OAUTH, READ_TOKEN, SECRET, TOKEN, Client, admin, served
from worker.kit.auth.consent import Consent
from worker.kit.credentials import OAuthApp
from worker.ledger.sealing import new_key
from worker.page.rights import Signer
from worker.page.views.consent import COOKIE
from worker.sandbox import Sandbox

SUNNY, RAINY = "Sunny Kitchen", "Rainy Garden"
LEDGER_KEY = SecretStr(new_key())
PLACE = "/accounts/sunny"


@pytest.fixture
async def kit() -> AsyncIterator[Sandbox]:
    box = Sandbox(keys={"sunny-key": SUNNY, "rainy-key": RAINY})
    box.oauth.client("the-client")
    box.oauth.creator = SUNNY
    async with box.running() as running:
        yield running


def settings(kit: Sandbox) -> dict[str, Any]:
    return {"kit_base_url": kit.url, "ledger_key": LEDGER_KEY}


@pytest.fixture
async def client(tmp_path: Path, kit: Sandbox) -> AsyncIterator[Client]:
    async with served(tmp_path, file=BY_OAUTH, **settings(kit)) as client:
        await client.follow(admin())
        yield client


async def asked(client: Client, account: str = "sunny", **form: str) -> str:
    """Press *Connect with Kit*; the address of Kit's to which the page leads."""
    answer = await client.ask(f"/accounts/{account}/connect", form)
    assert answer.status == 200
    (address,) = re.findall(r'class="button" href="([^"]+)"', answer.text)
    return html.unescape(address)


async def consented(address: str) -> str:
    """Go where Kit asks, and say yes; where Kit sends the browser."""
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as answer:
        assert answer.status == 302
        parts = urlsplit(answer.headers["Location"])
        return f"{parts.path}?{parts.query}"


async def connect(client: Client, account: str = "sunny", **form: str) -> str:
    """Connect as somebody with a browser does; what the page says then."""
    answer = await client.ask(await consented(await asked(client, account, **form)))
    assert (answer.status, answer.place) == (303, f"/accounts/{account}")
    return (await client.ask(f"/accounts/{account}")).text


async def test_an_account_is_connected_and_let_out_again(client: Client, kit: Sandbox) -> None:
    assert "The account is not connected with Kit yet" in (await client.ask(PLACE)).text
    address = await asked(client)
    question = {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    assert question["redirect_uri"] == f"{client.root}/connected"
    assert question["code_challenge_method"] == "S256"

    view = await connect(client)
    assert f"The account is connected with &#39;{SUNNY}&#39; in Kit" in view
    assert f"{SUNNY}, plan creator" in view
    assert "The account is not connected with Kit yet" not in view
    journal = (await client.ask(f"{PLACE}/journal")).text
    assert "The account is connected with" in journal
    await client.ask(f"{PLACE}/test", {})
    assert "It works: this is" in (await client.ask(PLACE)).text

    await client.ask(f"{PLACE}/disconnect", {"sure": "yes"})
    assert "The account is disconnected: within 5 seconds" in (await client.ask(PLACE)).text
    assert [each.state for each in kit.oauth.connected()] == ["ended"]
    secrets = [each for pair in kit.oauth.pairs() for each in (pair.access_token, pair.refresh_token)]
    assert not any(secret in view + journal for secret in secrets)


async def test_an_answer_counts_once(client: Client) -> None:
    """Given the address at which the browser ended, whoever goes there again connects nothing."""
    back = await consented(await asked(client))
    assert (await client.ask(back)).status == 303
    again = await client.ask(back)
    assert (again.status, "Nobody asked Kit for anything here" in again.text) == (403, True)


async def test_a_creator_who_says_no_is_told(client: Client) -> None:
    answer = await client.ask(await consented(f"{await asked(client)}&refuse=1"))
    assert answer.status == 303
    view = (await client.ask(PLACE)).text
    assert "The account was not connected: Kit says: The creator refused" in view


async def test_a_foreign_answer_is_turned_down(client: Client, kit: Sandbox) -> None:
    """Given an answer to somebody else's question, or to an older one, nothing is connected by it."""
    older = await consented(await asked(client))
    await asked(client)
    for back in (older, "/connected", "/connected?code=c", "/connected?code=c&state=made.up.x"):
        answer = await client.ask(back)
        assert (answer.status, "This is no answer to what was asked here" in answer.text) == (403, True)
    nonce = Signer(SECRET).read("consent", _cookie(client))["nonce"]
    forged = await client.ask(f"/connected?code=c&state={nonce}.{time.time() + 500:.0f}.proof")
    assert forged.status == 303
    assert "this is no answer to a question about sunny" in (await client.ask(PLACE)).text
    assert kit.oauth.connected() == []


async def test_an_answer_that_comes_too_late_is_turned_down(client: Client, kit: Sandbox) -> None:
    await asked(client)
    question = Signer(SECRET).read("consent", _cookie(client))
    then = StandingClock(time.time() - 1000)
    consent = Consent(OAuthApp(SecretStr("x")), "sunny", question["redirect_uri"], LEDGER_KEY, "t", then)
    state = parse_qs(urlsplit(consent.address(kit.url, question["nonce"])).query)["state"][0]
    assert (await client.ask(f"/connected?code=c&state={state}")).status == 303
    assert "this answer comes too late" in (await client.ask(PLACE)).text


async def test_the_answer_belongs_to_the_session_that_asked(client: Client, kit: Sandbox) -> None:
    """Given another browser, another session, or rights that are gone, nothing is connected."""
    back = await consented(await asked(client))
    cookie = _cookie(client)

    async def refused() -> bool:
        return (await client.ask(back)).status == 403

    client.session.cookie_jar.clear()
    await client.follow(admin())
    assert await refused()  # a browser without the question
    for another in (admin("rainy"), replace(admin(), who="somebody else"), admin(may_change=False)):
        client.session.cookie_jar.clear()
        await client.follow(another)
        client.session.cookie_jar.update_cookies({COOKIE: cookie}, client.root)
        assert await refused()
    client.session.cookie_jar.clear()
    client.session.cookie_jar.update_cookies({COOKIE: cookie}, client.root)
    assert (await client.ask(back)).place.startswith("/sign-in?next=")
    assert kit.oauth.connected() == []
    await client.follow(admin())
    assert (await client.ask(back)).status == 303
    assert [each.state for each in kit.oauth.connected()] == ["good"]


def _cookie(client: Client) -> str:
    return next(each.value for each in client.session.cookie_jar if each.key == COOKIE)


async def test_another_kit_account_replaces_nothing_unasked(client: Client, kit: Sandbox) -> None:
    await connect(client)
    kit.oauth.creator = RAINY
    assert "Another Kit account said yes than the one that is connected" in await connect(client)
    assert f"connected with &#39;{RAINY}&#39;" in await connect(client, of="another")


async def test_a_kit_account_of_another_account_is_refused(client: Client) -> None:
    """Given an admin whose creator is another account's, no word of that one is said."""
    await client.sign_in(TOKEN)
    await connect(client, "rainy")
    assert "It belongs to rainy." in await connect(client)
    await client.follow(admin())
    view = await connect(client)
    assert "belongs to another account here already" in view
    assert "rainy" not in view


async def test_what_is_missing_is_told_before_anybody_is_asked(tmp_path: Path, kit: Sandbox) -> None:
    async with served(tmp_path, file=BY_OAUTH, kit_base_url=kit.url) as client:
        await client.follow(admin())
        assert "An operator sets LEDGER_KEY" in (await client.ask(PLACE)).text
        assert (await client.ask(f"{PLACE}/connect", {})).status == 303
        assert "It cannot be connected yet: LEDGER_KEY is not set" in (await client.ask(PLACE)).text
    async with served(tmp_path, **settings(kit)) as client:
        await client.follow(admin())
        answer = await client.ask(f"{PLACE}/connect", {})
        assert (answer.status, "file names no app at Kit" in answer.text) == (400, True)
        assert (await client.ask("/connected?code=c&state=s")).status == 403


async def test_where_nobody_signs_in_the_browser_comes_back_at_once(tmp_path: Path, kit: Sandbox) -> None:
    """Given a page on this machine without a token, what comes from Kit, another site, is taken at once."""
    open_to_all = {"page_token": None, "page_read_token": None, **settings(kit)}
    async with served(tmp_path, file=BY_OAUTH, **open_to_all) as client:
        back = await consented(await asked(client))
        assert (await client.ask(back, headers={"Sec-Fetch-Site": "cross-site"})).status == 303
        assert "The account is connected with" in (await client.ask(PLACE)).text


async def test_who_comes_back_from_kit_goes_on_by_a_page_of_ours(client: Client) -> None:
    """Given a browser that keeps the session's cookie from what Kit sends it to, the next request has it."""
    back = await consented(await asked(client))
    client.session.cookie_jar.clear()
    first = await client.ask(back, headers={"Sec-Fetch-Site": "cross-site"})
    assert (first.status, "Going on" in first.text, html.escape(back) in first.text) == (200, True, True)


async def test_who_may_look_connects_nothing(client: Client) -> None:
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "Not connected with Kit." in view
    assert "<form" not in view.partition("<main")[2]
