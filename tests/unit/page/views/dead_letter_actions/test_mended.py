"""A letter whose event somebody mends by hand; what was typed is not lost, whatever fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.ops.letters.standing_queues import StandingQueues, written
from tests.unit.page.letters import entry, indexed, named
from tests.unit.page.serve import Client
from tests.unit.page.views.test_dead_letters import LETTERS
from worker.errors import LedgerUnavailable
from worker.ledger.letter_index import IndexedLetter, LetterIndex
from worker.page.app import LARGEST


async def test_what_cannot_be_had_is_not_mended(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1)])
    mended = f'{{"mended": "{"x" * LARGEST}"}}'
    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/mend", {**named(letter), "body": mended})
    assert (answer.status, "Nothing was replayed. RabbitMQ cannot be asked" in answer.text) == (200, True)
    assert mended.replace('"', "&#34;") in answer.text  # what was typed is there to copy


async def a_letter(folder: Path, queues: StandingQueues) -> IndexedLetter:
    """Put a letter into its queue and the index."""
    bad = b'{"type": "user.signed_up", "time": "2026-07-01T10:00:00Z", "data": {"user": {"email": "ada"}}}'
    queues["kit.sunny.dead"].append(written("letter-1", bad))
    (letter,) = await indexed(folder, [entry(1)])
    return letter


MENDED = (
    '{"type": "user.signed_up", "time": "2026-07-01T10:00:00Z", '
    '"data": {"user": {"email": "ada@example.com"}}}'
)


async def test_a_mended_event_takes_the_place_of_its_letter(
    client: Client, tmp_path: Path, queues: StandingQueues
) -> None:
    letter = await a_letter(tmp_path, queues)

    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/mend", {**named(letter), "body": MENDED})

    assert answer.status == 303
    assert (len(queues["kit.sunny"]), queues["kit.sunny.dead"]) == (1, [])
    assert "There are none." in (await client.ask(LETTERS)).text


async def test_a_mended_event_of_which_nobody_knows_whether_it_was_replayed_is_told_as_such(
    client: Client, tmp_path: Path, queues: StandingQueues
) -> None:
    """Given RabbitMQ that goes away in between, the page says so; the same text again is the same event."""
    letter = await a_letter(tmp_path, queues)
    queues.kept.add("kit.sunny.dead")
    mend = f"{LETTERS}/letters/{letter.number}/mend"

    answer = await client.ask(mend, {**named(letter), "body": MENDED})

    told = f"1 event may have been replayed in the place of letter {letter.number}: the connection went away."
    assert f"{told} To replay the same text once more does no harm; another text would be" in answer.text
    assert "Nothing was replayed" not in answer.text
    assert "ada@example.com&#34;" in answer.text  # to be replayed once more
    journal = (await client.ask("/accounts/sunny/journal")).text
    assert "1 event may have been replayed in the place of letter" in journal

    queues.kept.clear()
    assert (await client.ask(mend, {**named(letter), "body": MENDED})).status == 303
    first, second = queues["kit.sunny"]
    assert first.headers["x-event-id"] == second.headers["x-event-id"]


async def test_what_was_replayed_is_so_though_the_ledger_goes_away(
    client: Client, tmp_path: Path, queues: StandingQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a ledger that does not hear of it, the page says what is so; a look drops the row later."""
    letter = await a_letter(tmp_path, queues)

    async def away(*_: object) -> None:
        raise LedgerUnavailable("it cannot be reached")

    monkeypatch.setattr(LetterIndex, "gone", away)
    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/mend", {**named(letter), "body": MENDED})

    assert answer.status == 303
    assert "1 event was replayed in the place of letter" in (await client.ask(answer.place)).text
    assert "1 event was replayed in the place of letter" in (await client.ask("/accounts/sunny/journal")).text


async def test_a_letter_that_another_tool_holds_is_not_said_to_be_gone(
    client: Client, tmp_path: Path, queues: StandingQueues
) -> None:
    letter = await a_letter(tmp_path, queues)
    view = f"{LETTERS}/letters/{letter.number}"
    queues.held.add("kit.sunny.dead")

    seen = await client.ask(f"{view}/body")
    mended = await client.ask(f"{view}/mend", {**named(letter), "body": MENDED})

    for answer in (seen, mended):
        assert "or another tool holds them." in answer.text
        assert "somebody replayed or discarded it" not in answer.text
    assert "Nothing was replayed." in mended.text
    assert "ada@example.com&#34;" in mended.text  # to copy
    assert (await client.ask(view)).status == 200


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
