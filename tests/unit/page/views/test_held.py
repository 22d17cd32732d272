"""What is held of an account, over HTTP: who sees it, and who may let through what."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from tests.unit.examples import order
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page.views.held import MOST
from worker.subscribers.known import Batch
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag

BUTTON = 'action="/accounts/sunny/held"'


async def hold(folder: Path, *emails: str, tags: Iterable[str] = ("New Member",)) -> None:
    """Hold tags of these people."""
    held = {tag.lower(): HeldTag(tag, order(1), 1.0, "user.signed_up") for tag in tags}
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        tenure = await ledger.take("sunny")
        await ledger.save(tenure, Batch([Record(email, 7, held=held) for email in emails], holds=True))


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await hold(tmp_path, "ada@example.com", "bob@example.com")
        await client.sign_in(TOKEN)
        yield client


async def test_of_many_kinds_the_first_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        await hold(tmp_path, "ada@example.com", tags=[f"Tag {number}" for number in range(MOST + 3)])
        await client.sign_in(TOKEN)
        view = (await client.ask("/accounts/sunny")).text

    assert view.count(">user.signed_up</td>") == MOST
    assert "And 3 more kinds." in view


async def plan(client: Client) -> str:
    """Return which plan the form of the view is about."""
    found = re.search(r'name="plan" value="([^"]+)"', (await client.ask("/accounts/sunny")).text)
    assert found is not None
    return found[1]


async def test_it_is_told_by_tag_and_event_and_let_through_with_a_line_in_the_journal(client: Client) -> None:
    """Given two held tags, one press lets both through; the view says so, and no form asks for them again."""
    view = (await client.ask("/accounts/sunny")).text
    assert "2 new tags are held" in view
    assert ">New Member</td>" in view
    assert ">user.signed_up</td>" in view
    answer = await client.ask("/accounts/sunny/held", {"plan": await plan(client)})
    assert (answer.status, answer.place) == (303, "/accounts/sunny")
    view = (await client.ask("/accounts/sunny")).text
    assert "2 held taggings of sunny may go." in view
    assert "2 are let through, and on the way." in view
    assert BUTTON not in view
    journal = (await client.ask("/accounts/sunny/journal")).text
    assert "2 held taggings of sunny may go." in journal


async def test_only_what_one_saw_is_let_through(client: Client, tmp_path: Path) -> None:
    """Given a tag that is held meanwhile, it stays held; and a form of before does nothing more."""
    seen = await plan(client)
    await hold(tmp_path, "cy@example.com")
    await client.ask("/accounts/sunny/held", {"plan": seen})
    view = (await client.ask("/accounts/sunny")).text
    assert "1 new tag is held" in view
    await client.ask("/accounts/sunny/held", {"plan": seen})
    view = (await client.ask("/accounts/sunny")).text
    assert "What is held is not any more what you saw" in view
    assert "1 new tag is held" in view


async def test_its_admin_may_and_whoever_only_looks_or_is_anothers_may_not(client: Client) -> None:
    seen = await plan(client)
    for visitor, status, sees in ((admin(may_change=False), 403, True), (admin("rainy"), 404, False)):
        client.session.cookie_jar.clear()
        await client.follow(visitor)
        assert ("2 new tags are held" in (await client.ask("/accounts/sunny")).text) is sees
        assert (await client.ask("/accounts/sunny/held", {"plan": seen})).status == status
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    assert BUTTON not in (await client.ask("/accounts/sunny")).text
    assert (await client.ask("/accounts/sunny/held", {"plan": seen})).status == 403
    client.session.cookie_jar.clear()
    await client.follow(admin())
    assert (await client.ask("/accounts/sunny/held", {"plan": seen})).status == 303


@pytest.mark.parametrize("form", [{}, {"plan": ""}])
async def test_a_form_that_names_no_plan_lets_nothing_through(client: Client, form: dict[str, str]) -> None:
    assert (await client.ask("/accounts/sunny/held", form)).status == 400
    assert "2 new tags are held" in (await client.ask("/accounts/sunny")).text


@pytest.mark.parametrize("form", ["x", "zz-1", "2-00000000", "-", "f" * 60 + "-1"])
async def test_a_plan_that_never_was_lets_nothing_through(client: Client, form: str) -> None:
    await client.ask("/accounts/sunny/held", {"plan": form})
    assert "2 new tags are held" in (await client.ask("/accounts/sunny")).text
