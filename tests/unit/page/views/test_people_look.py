"""Before a file is saved: whom it changes of those who are there, at once or as it is found."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from multidict import MultiDict

from tests.unit.kept_people import Sent, apply_events
from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.known import ada, know
from tests.unit.page.serve import TOKEN, Answer, Client, admin, served
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page import people_looks

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
events:
  order.paid: {add_tags: [Buyer]}
"""
PLACE = "/accounts/sunny/events/edit"
PEOPLE = 30


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, a small account is told at once."""
    monkeypatch.setattr(people_looks, "WITHIN", 30.0)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


def bought() -> Iterator[Sent]:
    for number in range(PEOPLE):
        user = {"email": f"person{number:02}@example.com", "id": f"u-{number}"}
        yield Sent("order.paid", {"user": user}, number, "sunny")


async def fill_ledger(folder: Path) -> None:
    account = load_accounts(folder, {"KIT_API_KEY_SUNNY": "k"}).accounts["sunny"]
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        await apply_events(ledger, account, bought())


async def with_tag(client: Client, tag: str = "VIP") -> MultiDict[str]:
    """The form of the event, with one more tag."""
    form = form_on((await client.ask(f"{PLACE}?event=order.paid")).text, "/events/edit")
    fill(form, "add.tag", "Buyer", tag)
    return form


async def reviewed(client: Client, tag: str = "VIP") -> Answer:
    return await press(client, PLACE, await with_tag(client, tag), "review")


def part_of(view: str) -> str:
    found = re.search('data-live="([^"]*)"', view)
    assert found, "nothing is live"
    return html.unescape(found[1])


def words_of(view: str) -> str:
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", view)).split())


async def test_of_a_small_account_all_is_told_at_once(client: Client, tmp_path: Path) -> None:
    await fill_ledger(tmp_path)
    view = (await reviewed(client)).text
    told = words_of(view)
    assert "30 of 30 people would be treated otherwise." in told
    assert "New taggings, each of which may start an automation and send mail: 30." in told
    assert "To bring it about: 30 calls to Kit, 0.2 minutes at its limit of 120 a minute" in told
    assert "VIP 30 30 0" in told
    assert view.count('<a href="/accounts/sunny/people/person') == 10
    assert "a saved file alone changes nothing for them before their next event" in told


async def test_a_link_of_an_example_leads_to_the_person(client: Client, tmp_path: Path) -> None:
    await fill_ledger(tmp_path)
    found = re.search(r'<a href="(/accounts/sunny/people/[^"]*)"', (await reviewed(client)).text)
    assert found
    person = await client.ask(found[1])
    assert (person.status, "person00@example.com" in person.text) == (200, True)


async def test_what_takes_longer_is_followed_and_found_again(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a look that has not ended, the part and the same change once more tell how far it is."""
    await fill_ledger(tmp_path)
    monkeypatch.setattr(people_looks, "WITHIN", 0.0)
    view = (await reviewed(client)).text
    assert 'form="proposal" name="do" value="review">Look again</button>' in view
    assert "<progress" in view

    part = part_of(view)
    answer = await client.ask(part)
    while "<progress" in answer.text:
        answer = await client.ask(part)
    again = await reviewed(client)

    assert "30 of 30 people would be treated otherwise." in words_of(answer.text)
    assert "<html" not in answer.text
    assert "30 of 30 people would be treated otherwise." in words_of(again.text)
    assert part_of(again.text) == part
    seen = await client.ask(part, headers={"If-None-Match": answer.headers["ETag"]})
    assert seen.status == 304


async def test_where_no_event_is_kept_yet_one_sentence_says_so(client: Client, tmp_path: Path) -> None:
    await know(tmp_path, ada("Buyer"))
    told = words_of((await reviewed(client)).text)
    assert "Nobody would be treated otherwise, of 1 people. The ledger keeps no event of anybody" in told


async def test_where_the_present_file_is_wrong_there_is_nothing_to_compare(
    client: Client, tmp_path: Path
) -> None:
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE.replace("add_tags", "ad_tags"))
    form = form_on((await client.ask("/accounts/sunny/text")).text, "/text")
    fill(form, "events", FILE[FILE.index("events:") :])
    view = await press(client, "/accounts/sunny/text", form, "review")
    assert words_of(view.text).count("so there is nothing to compare with.") == 2


async def test_what_is_not_kept_any_more_is_told(client: Client) -> None:
    part = await client.ask(f"/accounts/sunny/looks/{'0' * 64}/_state")
    assert (part.status, "What was found is not kept any more." in part.text) == (200, True)


async def test_only_who_may_review_sees_it(client: Client, tmp_path: Path) -> None:
    """Given the address of a look, neither who may only look nor another account's admin sees anything."""
    await fill_ledger(tmp_path)
    part = part_of((await reviewed(client)).text)
    await client.follow(admin())
    assert "person00%40example.com" in (await client.ask(part)).text
    await client.follow(admin(may_change=False))
    assert (await client.ask(part)).status == web.HTTPForbidden.status_code
    await client.follow(admin("rainy"))
    assert (await client.ask(part)).status == web.HTTPNotFound.status_code
    theirs = await client.ask(part.replace("sunny", "rainy"))
    assert (theirs.status, "person00" in theirs.text) == (200, False)
