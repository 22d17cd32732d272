"""What Kit has otherwise, over HTTP: the last comparison, and who may have the account compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.planning import opened
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from tests.unit.page.views.test_people_look import words_of
from worker.ledger.drift import DriftRuns, FoundPerson, Progress
from worker.page.views.drift import PAGE
from worker.subscribers.drifted import DriftKind, DriftRow

PLACE = "/accounts/sunny/drift"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client


async def compare(folder: Path, *people: FoundPerson, done: bool = True, problem: str = "") -> None:
    """Carry out, as a worker does, the comparison that goes on; `people` are those who differ."""
    rows = [row.kind.value for person in people for row in person.rows]
    counts = {kind: rows.count(kind) for kind in rows}
    progress = Progress(
        people=400, left_out=3, calls=7, counts=counts, names={("tags", "VIP", "Very important"): 0}
    )
    async with opened(folder) as ledger:
        runs = DriftRuns(ledger)
        await runs.claim(["sunny"])
        assert await runs.sign("sunny", progress, people)
        if done:
            await runs.end("sunny", problem)


def missing(number: int) -> FoundPerson:
    email = f"person{number:03}@example.com"
    return FoundPerson(email, (DriftRow(DriftKind.TAG_MISSING, "Active Member"),))


async def test_it_is_asked_for_followed_stopped_and_goes_on(client: Client, tmp_path: Path) -> None:
    assert "sunny has not been compared yet." in words_of((await client.ask(PLACE)).text)
    await client.follow(admin())
    assert (await client.ask(PLACE, {})).place == PLACE
    view = (await client.ask(PLACE)).text
    assert "The account is being compared with Kit; nothing is changed by it." in view
    assert "It waits for the worker that has the account." in view
    assert "by admin of sunny" in view
    assert f'data-live="{PLACE}/_state"' in view
    await compare(tmp_path, missing(1), done=False)
    part = (await client.ask(f"{PLACE}/_state")).text
    assert "400 of 0 people compared so far. The worker one does it" in words_of(part)
    assert "<html" not in part
    await client.ask(f"{PLACE}/stop", {})
    assert "The comparison rests after 400 people." in words_of((await client.ask(PLACE)).text)
    await client.ask(f"{PLACE}/stop", {})
    view = (await client.ask(PLACE)).text
    assert "Nothing was stopped: no comparison goes on." in view
    assert "Go on with it" in view
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "The comparison rests where it is." in journal
    assert "The account is being compared with Kit" in journal


async def test_what_was_found_is_told_by_kind_and_by_person(client: Client, tmp_path: Path) -> None:
    """Given more people than a view shows, the others are on the next one."""
    await client.ask(PLACE, {})
    other = FoundPerson(
        "ada@example.com",
        (DriftRow(DriftKind.FIELD, "Plan", "Monthly"), DriftRow(DriftKind.TAG_BACK, "Cancelled")),
    )
    await compare(tmp_path, other, *map(missing, range(PAGE + 5)))
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "Something is otherwise in Kit, of 400 people who were compared." in told
    assert f"this worker gave the tag, and Kit lacks it {PAGE + 5}" in told
    assert "the custom field has another value 1" in told
    assert "Plan: the custom field has another value (in Kit: Monthly)" in told
    assert "Tag 'VIP' is called 'Very important' in Kit now" in told
    assert "3 people, for whom something was on its way" in told
    assert "after 7 calls to Kit" in told
    assert view.count('<a href="/accounts/sunny/people/') == PAGE
    more = (await client.ask(f"{PLACE}?after=person048%40example.com")).text
    assert more.count('<a href="/accounts/sunny/people/') == 6
    assert "data-live" not in more
    assert (await client.ask(f"{PLACE}?after=nobody")).status == 200


async def test_where_nothing_is_otherwise_and_where_it_failed_one_sentence_says_so(
    client: Client, tmp_path: Path
) -> None:
    await client.ask(PLACE, {})
    async with opened(tmp_path) as ledger:
        runs = DriftRuns(ledger)
        await runs.claim(["sunny"])
        await runs.sign("sunny", Progress(people=2))
        await runs.end("sunny")
    assert "Kit has all of 2 people as this worker gave it." in words_of((await client.ask(PLACE)).text)
    await client.ask(PLACE, {})
    await compare(tmp_path, problem="Kit refuses the key")
    told = words_of((await client.ask(PLACE)).text)
    assert "The account could not be compared: Kit refuses the key." in told


async def test_who_only_looks_has_nothing_compared_and_anothers_admin_sees_nothing(
    client: Client, tmp_path: Path
) -> None:
    await client.ask(PLACE, {})
    await compare(tmp_path, missing(1))
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "person001" in view
    assert f'action="{PLACE}' not in view
    assert [(await client.ask(f"{PLACE}{what}", {})).status for what in ("", "/stop")] == [403, 403]
    client.session.cookie_jar.clear()
    await client.follow(admin("rainy"))
    assert (await client.ask(PLACE)).status == 404
    assert "person001" not in (await client.ask("/accounts/rainy/drift")).text
