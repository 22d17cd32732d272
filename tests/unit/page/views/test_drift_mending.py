"""Mending what a comparison has found, over HTTP: who may, what they have to say, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.page.forms import form_on
from tests.unit.page.planning import opened, until_due, workers_do_it
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from tests.unit.page.views.test_drift import compare, missing
from tests.unit.page.views.test_people_look import words_of
from worker.accounts.account import Account
from worker.ledger.drift import FoundPerson
from worker.ledger.forgetting import forget
from worker.ops.drift.mend import start
from worker.page import behind, drift_mendings
from worker.page.site import Site
from worker.page.views import drift_mending
from worker.subscribers.drifted import DriftKind, DriftRow

PLACE = "/accounts/sunny/drift"
OTHER = FoundPerson("ada@example.com", (DriftRow(DriftKind.FIELD, "Plan", "Monthly"),))


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, what is begun is there at once."""
    monkeypatch.setattr(behind, "WITHIN", 30.0)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """Of three people a tag is missing, and of one a field is otherwise."""
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        await client.ask(PLACE, {})
        await compare(tmp_path, OTHER, *map(missing, range(3)))
        yield client


async def seen(client: Client, *words: str) -> str:
    """Return what the view says once these words are there."""
    async with asyncio.timeout(30):
        while True:
            view = (await client.ask(PLACE)).text
            if all(each in words_of(view) for each in words):
                return view
            await asyncio.sleep(0.02)


async def asked(client: Client) -> str:
    """Return of which comparison the form is."""
    return str(form_on((await client.ask(PLACE)).text, "/repair")["asked"])


@pytest.mark.parametrize(
    ("what", "count", "why"),
    [
        ("repair", "4", "3 tags would be put on again, and the form says otherwise"),
        ("repair", "", "3 tags would be put on again"),
        ("adopt", "3", "it is about 4 people, and the form says otherwise"),
    ],
)
async def test_nothing_is_begun_without_the_number(
    client: Client, tmp_path: Path, what: str, count: str, why: str
) -> None:
    await client.ask(f"{PLACE}/{what}", {"asked": await asked(client), "count": count})
    assert f"Nothing was begun: {why}" in words_of((await client.ask(PLACE)).text)
    await until_due(tmp_path, 0)


@pytest.mark.parametrize(("what", "count"), [("repair", "3"), ("adopt", "4")])
async def test_it_is_carried_out_followed_and_counted(
    client: Client, tmp_path: Path, what: str, count: str
) -> None:
    await client.follow(admin())
    view = words_of((await client.ask(PLACE)).text)
    assert "3 tags are put on again, each of which may start an automation" in view
    assert "Of 4 people what Kit has is taken for what should be so" in view
    form = {"asked": await asked(client), "count": count}
    await client.ask(f"{PLACE}/{what}", form)
    await until_due(tmp_path, 4)
    view = await seen(client, "It is begun: 4 people.", "0 of 4 people are done.", "Begun by admin of sunny")
    assert f'data-live="{PLACE}/_state"' in view
    assert "/repair" not in view
    await client.ask(f"{PLACE}/{what}", form)
    await seen(client, "Nothing was begun: what was found is being mended already.")
    await workers_do_it(tmp_path, "ignored", some=1)
    await seen(client, "1 of 4 people are done.")
    await workers_do_it(tmp_path)
    view = await seen(client, "Done: 3 of 4 people; 1: nothing was to be done, as it is otherwise by now")
    assert "data-live" not in view
    assert "/repair" not in view
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert f"{what} drift ended" in journal


async def test_where_no_tag_is_missing_the_number_is_that_of_people(client: Client, tmp_path: Path) -> None:
    await client.ask(PLACE, {})
    await compare(tmp_path, OTHER)
    assert "It is about 1 people; no tag is put on." in words_of((await client.ask(PLACE)).text)
    await client.ask(f"{PLACE}/repair", {"asked": await asked(client), "count": "1"})
    await until_due(tmp_path, 1)


async def test_only_the_comparison_that_somebody_saw_is_mended(client: Client, tmp_path: Path) -> None:
    """Given another comparison since, or somebody who was forgotten, that is not what was agreed to."""
    before = await asked(client)
    async with opened(tmp_path) as ledger:
        await forget(ledger, "person001@example.com", ["sunny"])
    await client.ask(f"{PLACE}/adopt", {"asked": before, "count": "4"})
    await seen(client, "Nothing was begun: it is about 3 people")
    await client.ask(PLACE, {})
    await compare(tmp_path, OTHER, done=False)
    assert "/repair" not in (await client.ask(PLACE)).text
    await client.ask(f"{PLACE}/repair", {"asked": before, "count": "3"})
    await seen(client, "Nothing was begun: it is another comparison by now, or none.")
    await until_due(tmp_path, 0)


async def test_nothing_else_is_begun_while_the_workers_are_being_told(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def slowly(*given: Any, **more: Any) -> None:  # noqa: ANN401  # whatever it is given
        await goes_on.wait()
        await start(*given, **more)

    monkeypatch.setattr(drift_mendings, "start", slowly)
    monkeypatch.setattr(behind, "WITHIN", 0.1)
    of = await asked(client)
    await client.ask(f"{PLACE}/repair", {"asked": of, "count": "3"})
    await client.ask(f"{PLACE}/adopt", {"asked": of, "count": "4"})
    await seen(client, "Nothing was begun: what was found is being mended already.")
    goes_on.set()
    await until_due(tmp_path, 4)


async def test_what_is_not_begun_is_not_said_to_be(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given another comparison that was asked for just when somebody agreed to the one before."""

    async def too_late(site: Site, account: Account, who: str, _: str, *, adopt: bool) -> behind.Going:
        return await drift_mendings.mend(site, account, who, "another one", adopt=adopt)

    monkeypatch.setattr(drift_mending, "mend", too_late)
    await client.ask(f"{PLACE}/repair", {"asked": await asked(client), "count": "3"})
    await seen(client, "Nothing was begun: it is another comparison by now, or none.")
    await until_due(tmp_path, 0)


async def test_who_only_looks_and_anothers_admin_mend_nothing(client: Client, tmp_path: Path) -> None:
    form = {"asked": await asked(client), "count": "3"}
    for who in (None, admin("rainy"), admin(may_change=False)):
        client.session.cookie_jar.clear()
        await (client.sign_in(READ_TOKEN) if who is None else client.follow(who))
        status = 404 if who is not None and who.account == "rainy" else 403
        assert [(await client.ask(f"{PLACE}/{what}", form)).status for what in ("repair", "adopt")] == [
            status
        ] * 2
        assert "/repair" not in (await client.ask(PLACE)).text
    await until_due(tmp_path, 0)
