"""What people do to dead letters, over HTTP, and who may not; no RabbitMQ runs, so that nothing ends."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.unit.page.letters import GROUP, entry, indexed, ledger_in, named
from tests.unit.page.serve import TOKEN, Client, admin
from tests.unit.page.views.test_dead_letters import LETTERS, words
from worker.ledger.letter_index import LetterIndex
from worker.ledger.letter_runs import LetterRuns
from worker.ledger.letter_work import LetterWork
from worker.ledger.letters import LetterPlace


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
