"""What is done about one person, and who may not; without RabbitMQ."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.page.known import ada, know
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from worker.events.event import FIRST
from worker.ledger.forgetting import Erased
from worker.ops.forget import Forgetting
from worker.page.views.person_actions import counted, of_forgetting
from worker.subscribers.change import NOTHING
from worker.subscribers.record import Record

ADA = "/accounts/sunny/people/ada%40example.com"
SEND, FORGET = "Send again what should be so", "Forget this person"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await know(tmp_path, ada("VIP", "Gold", Plan="Annual"))
        await client.sign_in(TOKEN)
        yield client


async def test_what_cannot_be_sent_is_told_with_what_to_do_and_is_in_the_journal(client: Client) -> None:
    """Given no RabbitMQ, nobody is told that it was done."""
    assert (await client.ask(f"{ADA}/again", {})).place == "/accounts/sunny/people/ada%40example.com"
    view = (await client.ask(ADA)).text
    assert "It may not have reached the account&#39;s queue" in view
    assert "ask once more: twice does no harm" in view
    journal = (await client.ask("/accounts/sunny/journal")).text
    assert "again" in journal
    assert "ada@" not in journal.replace("a…@", "")


async def test_of_whom_nothing_is_known_nothing_is_sent(client: Client) -> None:
    """Given somebody of another account, there is nobody here, and no word of that other account."""
    for path in ("/accounts/sunny/people/bob%40example.com", "/accounts/rainy/people/ada%40example.com"):
        assert SEND not in (await client.ask(path)).text
        answer = await client.ask(f"{path}/again", {})
        assert (answer.status, "Nothing is known of this address here" in answer.text) == (404, True)
    for what in ("again", "forget"):
        assert (await client.ask(f"/accounts/sunny/people/nobody/{what}", {})).status == 404


@pytest.mark.parametrize("what", ["again", "forget"])
async def test_who_may_look_does_nothing_about_anybody(client: Client, what: str) -> None:
    for enters in (client.sign_in(READ_TOKEN), client.follow(admin(may_change=False))):
        client.session.cookie_jar.clear()
        await enters
        view = (await client.ask(ADA)).text
        assert (SEND in view, FORGET in view) == (False, False)
        answer = await client.ask(f"{ADA}/{what}", {})
        assert (answer.status, "You may look" in answer.text) == (403, True)


@pytest.mark.parametrize("what", ["again", "forget"])
async def test_anothers_person_is_not_there(client: Client, tmp_path: Path, what: str) -> None:
    await know(tmp_path, ada("Wet"), account="rainy")
    await client.follow(admin())
    path = f"{ADA.replace('sunny', 'rainy')}"
    assert [(await client.ask(each)).status for each in (path, f"{path}/forget")] == [404, 404]
    assert (await client.ask(f"{path}/{what}", {})).status == 404


async def test_to_forget_is_asked_once_more_and_says_what_it_means(client: Client) -> None:
    assert FORGET in (await client.ask(ADA)).text
    asks = (await client.ask(f"{ADA}/forget")).text
    assert "Forget this person for good" in asks
    assert "Kit itself, other accounts, backups and logs are not touched" in asks
    assert "VIP" in (await client.ask(ADA)).text  # nothing is done by looking


async def test_without_rabbitmq_nobody_is_forgotten_by_half(client: Client) -> None:
    """Given no way to the dead letters, the ledger keeps what says which of them to look for."""
    assert (await client.ask(f"{ADA}/forget", {})).place == "/accounts/sunny/people"
    view = (await client.ask("/accounts/sunny/people")).text
    assert "Nothing was erased: " in view
    assert "VIP" in (await client.ask(ADA)).text
    assert "Nothing was erased" in (await client.ask("/accounts/sunny/journal")).text


ERASED = Erased("sunny", records=2, people=1, history=12, due=1, addresses=frozenset({"ada@example.com"}))


@pytest.mark.parametrize(
    ("known", "problem", "mood", "rest"),
    [
        ({"searched": True}, "", "good", "Events of the person up to now are ignored"),
        ({}, "RabbitMQ went away", "busy", "RabbitMQ went away; the ledger has forgotten, but"),
        ({"searched": True, "mentioned": ["l-7"]}, "", "busy", "mention the person, and were left: l-7"),
    ],
)
def test_how_forgetting_ended_is_counted_and_names_nobody(
    known: dict[str, Any], problem: str, mood: str, rest: str
) -> None:
    letters = [cast("Any", SimpleNamespace(account="sunny"))]
    told = of_forgetting(Forgetting("ada@example.com", erased=[ERASED], letters=letters, **known), problem)
    assert told.mood == mood
    found = "Erased here: 2 records, 12 lines of history, 1 effect to come and 1 dead letter."
    assert told.sentence.startswith(found)
    assert "ada" not in told.sentence
    assert rest in told.remedy


def test_what_is_sent_again_is_counted() -> None:
    assert counted(ada("VIP", Plan="Gold", Locale="de").done) == "1 tag and 2 fields"
    assert counted(NOTHING) == "0 tags and 0 fields"


async def test_who_has_a_slash_in_the_address_is_found_sent_again_and_forgotten(
    client: Client, tmp_path: Path
) -> None:
    """Given an address with signs that part an address of the page, each way on the view leads somewhere."""
    await know(tmp_path, Record("sales/eu?#%2f@example.com", 7, users={"u-1": FIRST}, ensured=FIRST))
    found = await client.ask("/accounts/sunny/people?find=sales/eu%3F%23%252f@example.com")
    view = (await client.ask(found.place)).text
    assert f'action="{found.place}/again"' in view
    assert (await client.ask(f"{found.place}/again", {})).place == found.place
    assert f'href="{found.place}/forget"' in view
    question = (await client.ask(f"{found.place}/forget")).text
    assert f'href="{found.place}"' in question
    (trying,) = re.findall(r'href="(/accounts/sunny/try[^"]+)"', view)
    assert 'value="sales/eu?#%2f@example.com"' in (await client.ask(trying)).text
