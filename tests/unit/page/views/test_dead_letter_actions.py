"""What people do to dead letters, over HTTP, and who may not; no RabbitMQ runs, so that nothing ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.unit.ops.letters.standing_queues import StandingQueues, queues, written
from tests.unit.page.letters import entry, indexed, ledger_in, named
from tests.unit.page.serve import TOKEN, Client, admin, served
from tests.unit.page.views.test_dead_letters import LETTERS, words
from worker.errors import LedgerUnavailable
from worker.ledger.letter_index import IndexedLetter, LetterIndex
from worker.ledger.letter_runs import LetterRuns
from worker.ledger.letter_work import LetterWork
from worker.ledger.letters import LetterPlace
from worker.page.app import LARGEST
from worker.page.views import dead_letter_actions

__all__ = ["queues"]

GROUP = {"reason": "invalid_event", "place": "dead", "newest": "3", "count": "3"}


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
        assert "Nothing was done: it is gone" in (await client.ask(answer.place)).text


async def test_a_form_acts_on_the_letter_that_it_shows_and_on_no_other(
    client: Client, tmp_path: Path
) -> None:
    """Given a letter that Kim has open, which is replayed meanwhile, and another that has its number since.

    Ledgers that were made before numbers came only once may have such.
    """
    (anns,) = await indexed(tmp_path, [entry(1, email="ann@example.com")])
    async with ledger_in(tmp_path) as ledger:
        await LetterIndex(ledger).gone("sunny", ["letter-1"])
        async with ledger.database.write() as connection:
            await connection.execute(text("DELETE FROM sqlite_sequence"))
    (bobs,) = await indexed(tmp_path, [entry(2, email="bob@example.com")])
    assert bobs.number == anns.number

    discarded = await client.ask(f"{LETTERS}/runs", {**named(anns), "action": "discard", "sure": "yes"})
    told = (await client.ask(discarded.place)).text
    noted = await client.ask(f"{LETTERS}/notes", {**named(anns), "note": "it is <Ann>'s"})
    mend = f"{LETTERS}/letters/{anns.number}/mend"
    mended = await client.ask(mend, {**named(anns), "body": '{"of": "<Ann>"}'})

    assert "Nothing was done: it is gone" in told
    assert (noted.status, "The note was not kept: the letter is gone" in noted.text) == (404, True)
    assert "it is &lt;Ann&gt;" in noted.text  # to copy
    assert (mended.status, "Nothing was replayed: the letter is not among" in mended.text) == (404, True)
    assert "{&#34;of&#34;: &#34;&lt;Ann&gt;&#34;}" in mended.text  # to copy
    async with ledger_in(tmp_path) as ledger:
        assert await LetterRuns(ledger).latest("sunny") == []
        assert await LetterIndex(ledger).letter("sunny", bobs.number) == bobs


async def test_a_number_never_comes_again(tmp_path: Path, client: Client) -> None:
    """Given the address of a letter that is gone, it leads to no other."""
    (*_, newest) = await indexed(tmp_path, [entry(1), entry(2)])
    async with ledger_in(tmp_path) as ledger:
        await LetterIndex(ledger).gone("sunny", ["letter-2"])
    await indexed(tmp_path, [entry(3)])
    assert (await client.ask(f"{LETTERS}/letters/{newest.number}")).status == 404


@pytest.mark.parametrize("action", ["replay", "discard", "archive", "dry_run"])
async def test_what_came_since_somebody_looked_is_left(client: Client, tmp_path: Path, action: str) -> None:
    """Given a group of three that somebody has open while an incident goes on, these three are meant."""
    await indexed(tmp_path, [entry(number) for number in range(3)])
    group = (await client.ask(f"{LETTERS}/group?reason=invalid_event")).text
    assert "Yes, delete these 3 for good" in group
    newest = set(re.findall(r'name="newest" value="(\d+)"', group))
    await indexed(tmp_path, [entry(number) for number in range(3, 100)])

    form = {**GROUP, "newest": newest.pop(), "action": action, "sure": "yes"}
    answer = await client.ask(f"{LETTERS}/runs", form)

    told = (await client.ask(answer.place)).text
    assert "of 3 dead letters (invalid_event) was begun. 97 that came since you looked are not among" in told
    async with ledger_in(tmp_path) as ledger:
        (run,) = await LetterRuns(ledger).latest("sunny")
        assert await LetterWork(ledger).left(run) == {"letter-0", "letter-1", "letter-2"}
    assert not newest  # every form of the group says the same


async def test_what_was_restored_since_somebody_looked_is_not_deleted_with_the_rest(
    client: Client, tmp_path: Path
) -> None:
    """Given older letters that somebody takes out of the archive meanwhile, nothing is done to any."""
    await indexed(tmp_path, [entry(number) for number in range(5)], place=LetterPlace.ARCHIVE)
    letters = await indexed(tmp_path, [entry(number) for number in range(5, 8)])
    await indexed(tmp_path, [entry(number) for number in range(5)])

    form = {**GROUP, "newest": str(letters[-1].number), "action": "discard", "sure": "yes"}
    answer = await client.ask(f"{LETTERS}/runs", form)

    assert "or others were restored since." in (await client.ask(answer.place)).text
    async with ledger_in(tmp_path) as ledger:
        assert await LetterRuns(ledger).latest("sunny") == []


async def test_of_a_group_that_nobody_saw_nothing_is_done(client: Client, tmp_path: Path) -> None:
    await indexed(tmp_path, [entry(1)])
    form = {"reason": "invalid_event", "place": "dead", "action": "replay"}
    answer = await client.ask(f"{LETTERS}/runs", form)
    assert "Nothing was done: it is gone" in (await client.ask(answer.place)).text


async def test_nothing_is_deleted_unless_somebody_is_sure(client: Client, tmp_path: Path) -> None:
    await indexed(tmp_path, [entry(1)])

    answer = await client.ask(f"{LETTERS}/runs", {**GROUP, "action": "discard"})

    assert "Nothing was deleted." in (await client.ask(answer.place)).text
    async with ledger_in(tmp_path) as ledger:
        assert await LetterRuns(ledger).latest("sunny") == []


@pytest.mark.parametrize("action", ["", "drop", "replay all"])
async def test_what_the_page_does_not_offer_is_not_done(client: Client, action: str) -> None:
    assert (await client.ask(f"{LETTERS}/runs", {**GROUP, "action": action})).status == 400


@pytest.mark.parametrize(
    ("action", "place"),
    [("replay", "archive"), ("dry_run", "archive"), ("archive", "archive"), ("restore", "dead")],
)
async def test_what_cannot_be_done_to_letters_where_they_are_is_not_done(
    client: Client, tmp_path: Path, action: str, place: str
) -> None:
    await indexed(tmp_path, [entry(1)], place=LetterPlace(place))
    form = {**GROUP, "action": action, "place": place}
    assert (await client.ask(f"{LETTERS}/runs", form)).status == 400
    async with ledger_in(tmp_path) as ledger:
        assert await LetterRuns(ledger).latest("sunny") == []


async def test_a_note_is_for_colleagues_and_names_no_address(client: Client, tmp_path: Path) -> None:
    """Given notes about a group and a letter, both are shown with who wrote them, until emptied."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    await client.ask(f"{LETTERS}/notes", {**GROUP, "note": "ask <Ann>, ann@example.com"})
    await client.ask(f"{LETTERS}/notes", {**named(letter), "note": "this one first"})

    view = words((await client.ask(f"{LETTERS}/group?reason=invalid_event")).text)
    assert "ask &lt;Ann&gt;, a…@example.com (operator)" in view
    assert "this one first (operator)" in view
    assert "ann@" not in view

    answer = await client.ask(f"{LETTERS}/notes", {**named(letter), "was": "this one first", "note": " "})
    assert answer.place == f"{LETTERS}/letters/{letter.number}"
    assert "The note is gone." in (await client.ask(answer.place)).text
    assert "this one first" not in (await client.ask(answer.place)).text
    journal = words((await client.ask("/accounts/sunny/journal")).text)
    assert f"note letter {letter.number}" in journal
    assert "note invalid_event" in journal


async def test_of_two_notes_at_once_the_first_stays_and_the_second_is_told(
    client: Client, tmp_path: Path
) -> None:
    """Given two people who saw the same, the second is told, and writes again with what the first said."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    for about, view in (
        (named(letter), f"letters/{letter.number}"),
        (GROUP, "group?reason=invalid_event"),
    ):
        first = await client.ask(f"{LETTERS}/notes", {**about, "was": "", "note": "see ticket 7"})
        second = await client.ask(f"{LETTERS}/notes", {**about, "was": "", "note": "mine"})
        assert (first.status, second.status) == (303, 409)
        assert "not kept, for operator wrote meanwhile: see ticket 7" in second.text
        assert "mine</textarea>" in second.text
        shown = (await client.ask(f"{LETTERS}/{view}")).text
        assert "see ticket 7 (operator)" in shown

        seen = re.findall(r'name="was" value="([^"]*)"', shown)
        both = {"was": seen[0], "note": "see ticket 7; mine"}
        assert (await client.ask(f"{LETTERS}/notes", {**about, **both})).status == 303
        assert "see ticket 7; mine (operator)" in (await client.ask(f"{LETTERS}/{view}")).text


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


async def test_an_admin_does_nothing_to_anothers_letters(client: Client, tmp_path: Path) -> None:
    """Given the number of another account's letter, in a form of one's own account, nothing is done to it."""
    (letter,) = await indexed(tmp_path, [entry(1)], account="rainy")
    client.session.cookie_jar.clear()
    await client.follow(admin())
    form = named(letter)

    await client.ask(f"{LETTERS}/runs", {**form, "action": "discard", "sure": "yes"})
    await client.ask(f"{LETTERS}/notes", {**form, "note": "mine"})

    mend = f"{LETTERS}/letters/{letter.number}/mend"
    assert (await client.ask(mend, {**form, "body": "{}"})).status == 404
    theirs = LETTERS.replace("sunny", "rainy")
    for path in (f"{theirs}/runs", f"{theirs}/notes", f"{theirs}/letters/{letter.number}/mend"):
        assert (await client.ask(path, {**form, "action": "replay"})).status == 404
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
