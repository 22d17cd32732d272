"""What people do to dead letters, over HTTP, and who may not; no RabbitMQ runs, so that nothing ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.letters import entry, indexed, ledger_in
from tests.unit.page.serve import TOKEN, Client, admin, served
from tests.unit.page.views.test_dead_letters import LETTERS, words
from worker.ledger.letter_runs import LetterRuns
from worker.page.app import LARGEST
from worker.page.views import dead_letter_actions

GROUP = {"reason": "invalid_event", "place": "dead"}


@pytest.fixture
async def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    monkeypatch.setattr(dead_letter_actions, "WAITED", 0.0)
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client


async def test_a_group_is_replayed_in_the_background(client: Client, tmp_path: Path) -> None:
    """Given a group, one is led to where it says how far it is, and the letters say so, too."""
    await indexed(tmp_path, [entry(1), entry(2), entry(3, "kit_rejected")])

    answer = await client.ask(f"{LETTERS}/runs", {**GROUP, "action": "replay"})

    view = words((await client.ask(answer.place)).text)
    assert "0 of 2 so far." in view
    assert "Of 2 dead letters: invalid event" in view
    assert "something is being done to it" in (await client.ask(f"{LETTERS}/group?reason=invalid_event")).text
    assert (
        "Replay of 2 dead letters (invalid_event) was begun."
        in (await client.ask("/accounts/sunny/journal")).text
    )


async def test_the_oldest_one_is_tried_first(client: Client, tmp_path: Path) -> None:
    letters = await indexed(tmp_path, [entry(1), entry(2)])

    await client.ask(f"{LETTERS}/runs", {**GROUP, "action": "replay", "oldest": "yes"})

    async with ledger_in(tmp_path) as ledger:
        (run,) = await LetterRuns(ledger).latest("sunny")
    assert (run.total, run.letter, run.event_id) == (1, letters[0].number, "e1")


async def test_what_something_is_done_to_is_left_alone(client: Client, tmp_path: Path) -> None:
    """Given a replay that waits for RabbitMQ, a second one, and a discard, find nothing to do."""
    await indexed(tmp_path, [entry(1)])
    await client.ask(f"{LETTERS}/runs", {**GROUP, "action": "replay"})

    for form in ({"action": "replay"}, {"action": "discard", "sure": "yes"}):
        answer = await client.ask(f"{LETTERS}/runs", {**GROUP, **form})
        assert answer.place == f"{LETTERS}/group?place=dead&reason=invalid_event"
        assert "There was nothing to do" in (await client.ask(answer.place)).text


async def test_nothing_is_deleted_unless_somebody_is_sure(client: Client, tmp_path: Path) -> None:
    await indexed(tmp_path, [entry(1)])

    answer = await client.ask(f"{LETTERS}/runs", {**GROUP, "action": "discard"})

    assert "Nothing was deleted." in (await client.ask(answer.place)).text
    async with ledger_in(tmp_path) as ledger:
        assert await LetterRuns(ledger).latest("sunny") == []


@pytest.mark.parametrize("action", ["", "drop", "replay all"])
async def test_what_the_page_does_not_offer_is_not_done(client: Client, action: str) -> None:
    assert (await client.ask(f"{LETTERS}/runs", {**GROUP, "action": action})).status == 400


async def test_a_note_is_for_colleagues_and_names_no_address(client: Client, tmp_path: Path) -> None:
    """Given notes about a group and a letter, both are shown with who wrote them, until emptied."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    await client.ask(f"{LETTERS}/notes", {**GROUP, "note": "ask <Ann>, ann@example.com"})
    await client.ask(f"{LETTERS}/notes", {"letter": str(letter.number), "note": "this one first"})

    view = words((await client.ask(f"{LETTERS}/group?reason=invalid_event")).text)
    assert "ask &lt;Ann&gt;, a…@example.com (operator)" in view
    assert "this one first (operator)" in view
    assert "ann@" not in view

    answer = await client.ask(f"{LETTERS}/notes", {"letter": str(letter.number), "note": " "})
    assert answer.place == f"{LETTERS}/letters/{letter.number}"
    assert "The note is gone." in (await client.ask(answer.place)).text
    assert "this one first" not in (await client.ask(answer.place)).text


async def test_what_cannot_be_had_is_not_mended(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1)])
    mended = f'{{"mended": "{"x" * LARGEST}"}}'
    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/mend", {"body": mended})
    assert (answer.status, "Nothing was replayed. RabbitMQ cannot be asked" in answer.text) == (200, True)
    assert mended.replace('"', "&#34;") in answer.text  # what was typed is there to copy


async def test_what_was_typed_is_there_to_copy_where_the_session_has_ended(
    client: Client, tmp_path: Path
) -> None:
    """Given a body that is mended by somebody whose session has ended, it is not lost."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    client.session.cookie_jar.clear()
    mend = f"{LETTERS}/letters/{letter.number}/mend"

    answer = await client.ask(mend, {"body": "<mended>"})
    larger = await client.ask(mend, {"body": "x" * (LARGEST + 1)})

    assert (answer.status, "&lt;mended&gt;" in answer.text) == (403, True)
    assert (larger.status, "your session has ended" in larger.text) == (403, True)


async def test_an_admin_does_nothing_to_anothers_letters(client: Client, tmp_path: Path) -> None:
    """Given the number of another account's letter, in a form of one's own account, nothing is done to it."""
    (letter,) = await indexed(tmp_path, [entry(1)], account="rainy")
    client.session.cookie_jar.clear()
    await client.follow(admin())
    named = {"letter": str(letter.number)}

    await client.ask(f"{LETTERS}/runs", {**named, "action": "discard", "sure": "yes"})
    await client.ask(f"{LETTERS}/notes", {**named, "note": "mine"})

    assert (await client.ask(f"{LETTERS}/letters/{letter.number}/mend", {"body": "{}"})).status == 404
    theirs = LETTERS.replace("sunny", "rainy")
    for path in (f"{theirs}/runs", f"{theirs}/notes", f"{theirs}/letters/{letter.number}/mend"):
        assert (await client.ask(path, {**named, "action": "replay"})).status == 404
    client.session.cookie_jar.clear()
    await client.sign_in(TOKEN)
    view = (await client.ask(f"{theirs}/letters/{letter.number}")).text
    assert "mine" not in view
    assert "something is being done to it" not in view


async def test_who_may_look_acts_on_nothing_by_hand(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1)])
    client.session.cookie_jar.clear()
    await client.follow(admin(may_change=False))

    for path in (f"{LETTERS}/runs", f"{LETTERS}/notes", f"{LETTERS}/letters/{letter.number}/mend"):
        assert (await client.ask(path, {**GROUP, "action": "replay"})).status == 403
