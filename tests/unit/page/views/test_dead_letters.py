"""Dead letters over HTTP, as the index has them: by reason, and one by one; no RabbitMQ is asked."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.letters import DETAIL, entry, indexed, ledger_in
from tests.unit.page.serve import TOKEN, Client, admin, served
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.own_id import read_letter
from worker.events.delivery import Delivery
from worker.ledger.letter_index import PAGE
from worker.ledger.letter_runs import LetterRuns, RunAction, Wanted
from worker.ledger.letter_work import LetterWork, RunEnd
from worker.ledger.letters import LetterPlace
from worker.ops.letters.fate import Fate
from worker.ops.letters.letters import Letters
from worker.ops.letters.told import ToldFates
from worker.subscribers.item import Kind
from worker.subscribers.known import Batch

LETTERS = "/accounts/sunny/dead-letters"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client


def words(text: str) -> str:
    """What one reads of a view."""
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


async def test_letters_are_told_by_reason_with_what_to_do(client: Client, tmp_path: Path) -> None:
    """Given letters of two reasons, the larger group comes first, with its count, first, last and example."""
    await indexed(tmp_path, [entry(1, "kit_plan_full"), *(entry(number) for number in (2, 3, 4))])

    view = words((await client.ask(LETTERS)).text)

    assert view.index("invalid event") < view.index("kit plan full")
    assert "Mend the letter's body and replay it" in html.unescape(view)
    assert "Upgrade the plan in Kit" in view
    assert f"3 2026-07-01 10:00:02 UTC, 2026-07-01 10:00:04 UTC {DETAIL}" in view


async def test_where_there_are_none_that_is_said(client: Client) -> None:
    assert "There are none." in (await client.ask(LETTERS)).text
    group = await client.ask(f"{LETTERS}/group?reason=kit_rejected")
    assert (group.status, "There are none of these any more." in group.text) == (200, True)


async def test_a_group_is_shown_a_page_at_a_time(client: Client, tmp_path: Path) -> None:
    """Given more letters than a page holds, each stands on one page, the newest first."""
    letters = await indexed(tmp_path, [entry(number) for number in range(PAGE + 3)])

    first = (await client.ask(f"{LETTERS}/group?reason=invalid_event")).text
    (older,) = re.findall(r'href="\?([^"]*before=\d+)"', first)
    second = (await client.ask(f"{LETTERS}/group?{older.replace('&amp;', '&')}")).text

    shown = [int(number) for each in (first, second) for number in re.findall(r"letters/(\d+)\"", each)]
    assert shown == [letter.number for letter in reversed(letters)]
    assert "before=" not in second


async def test_one_letter_leads_to_its_person(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1, email="ada+x@example.com", detail="a <b> of it")])

    view = (await client.ask(f"{LETTERS}/letters/{letter.number}")).text

    assert "a &lt;b&gt; of it" in view
    assert 'href="/accounts/sunny/people/ada%2Bx%40example.com"' in view
    assert "letter-1" in view


@pytest.mark.parametrize("view", ["", "/body"])
async def test_anothers_letter_is_not_there(client: Client, tmp_path: Path, view: str) -> None:
    """Given an admin who asks for another account's letter by its number, it is not there."""
    (letter,) = await indexed(tmp_path, [entry(1)], account="rainy")
    client.session.cookie_jar.clear()
    await client.follow(admin())

    for account in ("sunny", "rainy"):
        answer = await client.ask(f"/accounts/{account}/dead-letters/letters/{letter.number}{view}")
        assert answer.status == 404
        assert DETAIL not in answer.text


@pytest.mark.parametrize("number", ["0", "99999999999999999999", "-1", "x", "1%27"])
async def test_what_is_no_letter_is_not_there(client: Client, number: str) -> None:
    for place in ("letters", "runs"):
        assert (await client.ask(f"{LETTERS}/{place}/{number}")).status == 404


async def test_a_body_that_cannot_be_had_is_told_with_why(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1)])
    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/body")
    assert answer.status == 200
    assert "RabbitMQ cannot be asked:" in answer.text


async def test_a_body_that_is_nested_too_deeply_is_shown_as_it_is(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whole(*_: object, **__: object) -> DeadLetter:
        return read_letter(Delivery(b"[" * 100_000, "sunny", {"message_id": "letter-1"}), "sunny")

    monkeypatch.setattr(Letters, "whole", whole)
    (letter,) = await indexed(tmp_path, [entry(1, "undecodable")])
    answer = await client.ask(f"{LETTERS}/letters/{letter.number}/body")
    assert (answer.status, "[" * 100_000 in answer.text) == (200, True)


async def test_who_may_look_sees_no_way_to_act(client: Client, tmp_path: Path) -> None:
    (letter,) = await indexed(tmp_path, [entry(1)])
    client.session.cookie_jar.clear()
    await client.follow(admin(may_change=False))

    for view in (LETTERS, f"{LETTERS}/group?reason=invalid_event", f"{LETTERS}/letters/{letter.number}"):
        forms = re.findall(r'<form[^>]*action="([^"]*)"', (await client.ask(view)).text)
        assert forms == ["/sign-out"]


async def test_of_a_replayed_group_each_end_is_counted_while_workers_go_on(
    client: Client, tmp_path: Path
) -> None:
    """Given three that are back in their queue, their ends are counted as the workers write them."""
    await indexed(tmp_path, [entry(number) for number in (1, 2, 3)])
    async with ledger_in(tmp_path) as ledger:
        run = await LetterRuns(ledger).begin("sunny", Wanted(RunAction.REPLAY, "me", reason="invalid_event"))
        assert run is not None
        view = f"{LETTERS}/runs/{run.id}"
        assert "What be" not in (await client.ask(view)).text

        await LetterWork(ledger).done(run, ["letter-1", "letter-2", "letter-3"])
        waiting = words((await client.ask(f"{view}/_state")).text)
        assert "What becomes of the 3 events stands here once a worker is done with them." in waiting

        tenure = await ledger.take("sunny")
        await ledger.save(tenure, Batch(replayed={(run.id, "applied"): 1}, number=1))
        more = {(run.id, "applied"): 1, (run.id, "dead_lettered"): 1, (run.id + 1, "applied"): 5}
        await ledger.save(tenure, Batch(replayed=more, number=2))
        told = words((await client.ask(f"{view}/_state")).text)
        assert "What became of them: 2 applied, 1 is a dead letter again." in told


async def test_a_dry_run_that_ended_shows_what_would_become_of_each_letter(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given fates of three letters, of which one is gone since, the others lead to their letters."""
    fates = {
        "letter-1": Fate(Kind.APPLIED, by_kit=True),
        "letter-2": Fate(Kind.DEAD_LETTERED, "ada@example.com is <odd>", "invalid_event"),
        "letter-9": Fate(Kind.DUPLICATE),
    }
    monkeypatch.setattr(ToldFates, "of", lambda *_: fates)
    letters = await indexed(tmp_path, [entry(1), entry(2)])
    async with ledger_in(tmp_path) as ledger:
        run = await LetterRuns(ledger).begin("sunny", Wanted(RunAction.DRY_RUN, "me", reason="invalid_event"))
        assert run is not None
        view = f"{LETTERS}/runs/{run.id}/_state"
        under_way = (await client.ask(view)).text
        await LetterWork(ledger).end(run, RunEnd("busy", "1 would be applied."))
        shown = (await client.ask(view)).text
        foreign = await client.ask(f"/accounts/moon/dead-letters/runs/{run.id}")

    assert "What would become of each" not in under_way
    assert "user.signed_up e1 applied, if Kit takes it now" in words(shown)
    assert "user.signed_up e2 dead again (invalid_event)" in words(shown)
    assert "&lt;odd&gt;" in shown
    assert "ada@example.com" not in shown
    assert [f"letters/{letter.number}" in shown for letter in letters] == [True, True]
    assert foreign.status == 404


async def test_what_is_in_the_archive_stands_apart(client: Client, tmp_path: Path) -> None:
    await indexed(tmp_path, [entry(1)], place=LetterPlace.ARCHIVE)

    view = words((await client.ask(LETTERS)).text)
    group = (await client.ask(f"{LETTERS}/group?place=archive&reason=invalid_event")).text

    assert "There are none. Archive Reason" in view
    assert "Restore all 1" in group
    assert "Replay all" not in group
