"""What is done about one person, and who may not; without RabbitMQ."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.page.known import ada, know
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from worker.dead_letters import operations
from worker.events.event import FIRST
from worker.ledger.forgetting import Erased
from worker.ops import forget
from worker.ops.forget import Forgetting
from worker.ops.letters import letters
from worker.ops.letters.turns import Turns
from worker.page import actions
from worker.page.views import person_actions
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


async def test_to_send_again_says_beforehand_what_it_may_do(client: Client) -> None:
    """Given a person who may be gone in Kit by now, whoever presses it knows that they are made anew."""
    view = " ".join((await client.ask(ADA)).text.split())
    assert (
        "Whom Kit has no more is made there anew. A tag that is put on anew may start an automation" in view
    )


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
    journal = (await client.ask("/accounts/sunny/journal")).text
    assert "Nothing was erased" in journal
    assert "Forget the person once more in a minute" in journal  # for whoever did not wait for the end


async def test_who_is_forgotten_waits_until_the_page_is_done_with_the_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a look or a run of the page's own at the letters, forgetting takes its turn after it."""
    turns, looked, ended, noted = Turns(), asyncio.Event(), asyncio.Event(), actions.noted

    async def discard(*_: object, **__: object) -> bool:
        looked.set()
        return True

    async def note(*what: Any, **more: Any) -> None:  # noqa: ANN401  # as `noted` has them
        await noted(*what, **more)
        ended.set()

    monkeypatch.setattr(letters, "Turns", lambda: turns)
    monkeypatch.setattr(person_actions, "WITHIN", 0.0)
    monkeypatch.setattr(person_actions, "noted", note)
    monkeypatch.setattr(forget, "connected", lambda *_: nullcontext(cast("Any", None)))
    monkeypatch.setattr(operations, "discard", discard)
    monkeypatch.setattr(forget, "HEARD_WITHIN", 0.0)
    async with served(tmp_path) as client:
        await know(tmp_path, ada("VIP"))
        await client.sign_in(TOKEN)
        async with turns.of("sunny"):
            await client.ask(f"{ADA}/forget", {})
            goes_on = (await client.ask("/accounts/sunny/people")).text
            assert "It goes on, and ends by itself: the journal says how." in goes_on
            assert not looked.is_set()
            assert "VIP" in (await client.ask(ADA)).text
        async with asyncio.timeout(10):
            await ended.wait()
        assert "VIP" not in (await client.ask(ADA)).text
        assert "Erased here: 1 record" in (await client.ask("/accounts/sunny/journal")).text


ERASED = Erased("sunny", records=2, people=1, history=12, due=1, addresses=frozenset({"ada@example.com"}))


@pytest.mark.parametrize(
    ("known", "problem", "mood", "rest"),
    [
        ({"searched": True}, "", "good", "Events of the person up to now are ignored"),
        (
            {},
            "RabbitMQ went away",
            "busy",
            "may be about the person. Forget the person once more in a minute",
        ),
        ({"searched": True, "unseen": ["sunny"]}, "", "busy", "once more in a minute; if that says the same"),
        (
            {"searched": True, "readable": "a.db"},
            "",
            "busy",
            "readable in the ledger's file. Forget the person",
        ),
        ({"searched": True, "mentioned": ["l-7", "l-7"]}, "", "busy", "stands in 1 dead letter of others"),
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
    assert problem in told.sentence
    assert rest in told.remedy
    assert not any(word in f"{told.sentence} {told.remedy}" for word in ("ada@", "kit-worker", "--"))


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
