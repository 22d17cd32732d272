"""What operators do with one account, over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.serve import SECRET, STORED_KEY, TOKEN, Client, admin, served
from worker.clock import Clock
from worker.outside.texts import SECRETS
from worker.page.rights import Signer

DAY = 24 * 3600


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client


async def test_a_pause_says_why_and_when_it_ends(client: Client) -> None:
    """Given a reason and an end, whoever looks at the account sees both, and so does the list."""
    why = {"why": "moving <tags> of ada@example.com", "for": "3600"}
    assert (await client.ask("/accounts/sunny/pause", why)).place == "/accounts/sunny"
    view, everything = (await client.ask("/accounts/sunny")).text, (await client.ask("/")).text
    assert "sunny is paused, for an hour: within 5 seconds no worker begins anything of it." in view
    assert "The account is paused (moving &lt;tags&gt; of a…@example.com)" in view
    assert "It goes on by itself at 20" in view
    assert "The account is paused (moving" in everything


async def test_a_pause_without_an_end_waits_for_somebody(client: Client) -> None:
    await client.ask("/accounts/sunny/pause", {})
    assert "It rests until an operator lets it go on." in (await client.ask("/accounts/sunny")).text
    await client.ask("/accounts/sunny/resume", {})
    assert "The account is paused" not in (await client.ask("/accounts/sunny")).text


async def test_a_form_of_before_changes_no_pause_of_a_colleague(client: Client) -> None:
    """Given a view that was opened before a colleague paused the account, neither button undoes that."""
    await client.ask("/accounts/sunny/pause", {"why": "moving tags", "for": "3600"})
    stale = re.findall(r'name="since" value="([^"]+)"', (await client.ask("/accounts/sunny")).text)
    await client.ask("/accounts/sunny/resume", {"since": stale[0]})
    await client.ask("/accounts/sunny/pause", {"why": "Kit support: case 7", "for": "0"})
    await client.ask("/accounts/sunny/pause", {"why": "", "for": "1800"})
    view = (await client.ask("/accounts/sunny")).text
    assert "sunny was paused already; that pause stays as it is." in view
    await client.ask("/accounts/sunny/resume", {"since": stale[0]})
    view = (await client.ask("/accounts/sunny")).text
    assert "was paused anew since you looked; nothing was changed." in view
    assert "The account is paused (Kit support: case 7)" in view
    assert "It rests until an operator lets it go on." in view


async def test_a_secret_that_is_in_an_accounts_name_is_in_nobodys_way(tmp_path: Path) -> None:
    """Given a password that is a word of the account's name, what is done ends in a sentence, and a line."""
    SECRETS.add("kitchen")
    async with served(tmp_path, ("sunny-kitchen",), STORED_KEY) as client:
        await client.sign_in(TOKEN)
        answer = await client.ask("/accounts/sunny-kitchen/pause", {"why": "moving tags"})
        assert (answer.status, answer.place) == (303, "/accounts/sunny-kitchen")
        journal = (await client.ask("/accounts/sunny-kitchen/journal")).text
    assert "<span>pause moving tags</span>" in journal


async def test_the_journal_says_why_an_account_was_paused(client: Client) -> None:
    await client.ask("/accounts/sunny/pause", {"why": "Kit support: case 7", "for": "0"})
    await client.ask("/accounts/sunny/resume", {})
    assert "<span>pause Kit support: case 7</span>" in (await client.ask("/accounts/sunny/journal")).text


@pytest.mark.parametrize(
    ("what", "form"),
    [
        ("pause", {"for": "1"}),
        ("pause", {"for": "-1"}),
        ("link", {"days": "99999"}),
        ("link", {"days": "x"}),
    ],
)
async def test_what_the_form_does_not_offer_is_not_done(
    client: Client, what: str, form: dict[str, str]
) -> None:
    assert (await client.ask(f"/accounts/sunny/{what}", form)).status == 400
    assert "The account is paused" not in (await client.ask("/accounts/sunny")).text


@pytest.mark.parametrize("may", ["change", "look"])
async def test_a_link_for_an_admin_is_shown_once_and_lets_them_in(client: Client, may: str) -> None:
    """Given a link from the page, its admin comes in by it, and the journal says for whom and till when."""
    made = await client.ask("/accounts/sunny/link", {"who": "Ann", "days": "30", "may": may})
    found = re.search(rf">({client.root}/link/([^<]+))<", made.text)
    assert found is not None
    link = Signer(SECRET).read_visitor("link", found[2], Clock().time())
    assert link is not None
    assert (link.who, link.account, link.may_change) == ("Ann", "sunny", may == "change")
    assert link.until == pytest.approx(Clock().time() + 30 * DAY, abs=60)

    journal = (await client.ask("/accounts/sunny/journal")).text
    assert "A link was made for Ann, to " in journal
    assert found[2] not in journal
    client.session.cookie_jar.clear()
    assert (await client.ask(f"/link/{found[2]}", {})).place == "/accounts/sunny"


async def test_behind_a_proxy_with_tls_a_link_leads_there(client: Client) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "https"}
    made = await client.ask("/accounts/sunny/link", {}, headers=headers)
    assert f">https://{client.root.host}:{client.root.port}/link/" in made.text


async def test_an_admin_does_nothing_of_it(client: Client) -> None:
    client.session.cookie_jar.clear()
    await client.follow(admin())
    view = (await client.ask("/accounts/sunny")).text
    assert ("Pause" in view, "A link for" in view) == (False, False)
    for what in ("pause", "resume", "link"):
        answer = await client.ask(f"/accounts/sunny/{what}", {})
        assert (answer.status, "Operators" in answer.text) == (403, True)


async def test_without_a_secret_no_link_is_made(tmp_path: Path) -> None:
    """Given links that would end with the process, the operator is told to set what signs them."""
    async with served(tmp_path, page_secret=None) as client:
        await client.sign_in(TOKEN)
        answer = await client.ask("/accounts/sunny/link", {})
    assert (answer.status, "PAGE_SECRET, which is not set here" in answer.text) == (503, True)
