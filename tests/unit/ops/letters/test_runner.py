"""What is done to letters in the background comes to an end, whatever is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.unit.consumer.world import adds
from tests.unit.ops.letters.standing_queues import ACCOUNT, StandingQueues, queues, written
from tests.unit.page.letters import entry, indexed, ledger_in
from worker.accounts.account import Account
from worker.dead_letters.entry import entry_of
from worker.dead_letters.own_id import read_letter
from worker.errors import LedgerUnavailable
from worker.events.delivery import Delivery
from worker.ledger.journal import Journal
from worker.ledger.letter_index import LetterIndex, Note
from worker.ledger.letter_runs import LetterRuns, Run, RunAction, Wanted
from worker.ledger.letter_work import LetterWork
from worker.ledger.letters import LetterPlace
from worker.ledger.store import Ledger
from worker.ops.letters.runner import AGAIN_AFTER, CRASHED, LetterRunner
from worker.ops.letters.turns import Turns
from worker.outside.texts import SECRETS
from worker.settings import Settings

__all__ = ["queues"]

DEAD, ARCHIVE = LetterPlace.DEAD, LetterPlace.ARCHIVE
DEAD_QUEUE, ARCHIVE_QUEUE = "kit.sunny.dead", "kit.sunny.archive"
FIVE = [f"letter-{number}" for number in range(5)]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with ledger_in(tmp_path) as ledger:
        await ledger.ready()
        yield ledger


async def filled(queues: StandingQueues, ledger: Ledger, *, already_moved: Collection[str] = ()) -> None:
    """Put five letters into the index, and into the queue; some are in the archive, and nobody noted it."""
    letters = [written(name, name.encode()) for name in FIVE]
    await LetterIndex(ledger).met(ACCOUNT, [entry_of(read_letter(each, ACCOUNT)) for each in letters], DEAD)
    for name, letter in zip(FIVE, letters, strict=True):
        queues[ARCHIVE_QUEUE if name in already_moved else DEAD_QUEUE].append(letter)


def runner_of(ledger: Ledger, turns: Turns | None = None, account: Account | None = None) -> LetterRunner:
    settings = Settings(_env_file=None, amqp_url=SecretStr("amqp://guest:guest@127.0.0.1:9/"))
    return LetterRunner(settings, ledger, lambda _: account, turns or Turns())


async def ended(
    ledger: Ledger, wanted: Wanted, turns: Turns | None = None, runner: LetterRunner | None = None
) -> Run:
    """Have something done, when its turn comes; returns how it ended."""
    runner = runner or runner_of(ledger, turns)
    running = asyncio.create_task(runner.run())
    begun = await runner.begin(ACCOUNT, wanted, within=30.0)
    running.cancel()
    await asyncio.wait([running])
    assert begun is not None
    run = await LetterRuns(ledger).get(ACCOUNT, begun.id)
    assert run is not None
    return run


async def test_a_dry_run_says_what_would_become_of_each_letter(
    queues: StandingQueues, ledger: Ledger
) -> None:
    """Given a letter that would be applied and one that would fail again, both are told, and in words."""
    signed_up = b'{"type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}'
    bodies = {"letter-1": signed_up, "letter-2": b"no JSON"}
    letters = [written(name, body) for name, body in bodies.items()]
    await LetterIndex(ledger).met(ACCOUNT, [entry_of(read_letter(each, ACCOUNT)) for each in letters], DEAD)
    queues[DEAD_QUEUE] += letters
    runner = runner_of(ledger, account=replace(adds("VIP"), name=ACCOUNT))

    run = await ended(ledger, Wanted(RunAction.DRY_RUN, "operator", reason="invalid_event"), runner=runner)

    assert run.result == "1 would be applied, 0 would change nothing, 1 would fail again."
    told = {name: fate.told for name, fate in runner.told.of(run.id).items()}
    assert told == {"letter-1": "applied", "letter-2": "dead again (undecodable)"}
    assert queues.names(DEAD_QUEUE) == list(bodies)


async def count(ledger: Ledger, place: LetterPlace) -> int:
    return (await LetterIndex(ledger).counts(place)).get(ACCOUNT, 0)


async def test_what_was_moved_while_the_ledger_was_away_is_in_the_index(
    queues: StandingQueues, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given letters that were archived while none of it could be noted, the next try does not miss them."""
    await filled(queues, ledger)
    done, away = LetterWork.done, iter((True, True))

    async def done_later(self: LetterWork, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # as it is
        if next(away, False):
            raise LedgerUnavailable("it is away for a moment")
        await done(self, *args, **kwargs)

    monkeypatch.setattr(LetterWork, "done", done_later)

    run = await ended(ledger, Wanted(RunAction.ARCHIVE, "operator", reason="invalid_event"))

    assert run.result == "5 dead letters are in the archive."
    assert queues.names(ARCHIVE_QUEUE) == FIVE
    assert (await count(ledger, DEAD), await count(ledger, ARCHIVE)) == (0, 5)


async def test_what_was_moved_just_before_a_kill_is_in_the_index_with_its_note(
    queues: StandingQueues, ledger: Ledger
) -> None:
    """Given a page that was killed before it noted what it had archived, the next one finds it there."""
    await filled(queues, ledger, already_moved=FIVE[:3])
    await LetterIndex(ledger).note_letter(ACCOUNT, "letter-0", Note("keep it", "operator"))

    run = await ended(ledger, Wanted(RunAction.ARCHIVE, "operator", reason="invalid_event"))

    assert run.result == "5 dead letters are in the archive."
    (group,) = await LetterIndex(ledger).groups(ACCOUNT, ARCHIVE)
    assert (group.count, group.oldest.note.text) == (5, "keep it")


async def test_a_run_that_waits_for_rabbitmq_leaves_the_letters_to_whoever_looks_at_them(
    ledger: Ledger,
) -> None:
    """Given a RabbitMQ that nobody reaches, who looks at a letter is not told that somebody holds it."""
    await LetterIndex(ledger).met(ACCOUNT, [entry(1)], DEAD)
    turns = Turns()
    runner = runner_of(ledger, turns)
    with capture_logs() as lines:
        running = asyncio.create_task(runner.run())
        await runner.begin(ACCOUNT, Wanted(RunAction.ARCHIVE, "operator", reason="invalid_event"))
        while not any(line["event"] == "dead_letters_run_waits" for line in lines):
            await asyncio.sleep(0)
    async with asyncio.timeout(AGAIN_AFTER / 2), turns.of(ACCOUNT):
        pass
    running.cancel()
    await asyncio.wait([running])


async def test_what_is_in_neither_queue_is_gone(queues: StandingQueues, ledger: Ledger) -> None:
    await filled(queues, ledger)
    del queues[DEAD_QUEUE][:2]

    run = await ended(ledger, Wanted(RunAction.ARCHIVE, "operator", reason="invalid_event"))

    assert run.result.startswith("3 dead letters are in the archive. 2 were no longer there:")
    assert (await count(ledger, DEAD), await count(ledger, ARCHIVE)) == (0, 3)


async def test_of_many_letters_with_one_id_of_their_publisher_one_is_discarded(
    queues: StandingQueues, ledger: Ledger
) -> None:
    """Given events of fifty people, which RabbitMQ took out and which share an id, each has its row."""
    death = {"queue": "kit.sunny", "reason": "delivery_limit"}
    people = [b'{"data": {"user": {"email": "p%d@example.com"}}}' % number for number in range(50)]
    queues[DEAD_QUEUE] += [
        Delivery(body, ACCOUNT, {"message_id": "nightly"}, {"x-death": [death]}) for body in people
    ]
    letters = [read_letter(each, ACCOUNT) for each in queues[DEAD_QUEUE]]
    await LetterIndex(ledger).met(ACCOUNT, [entry_of(each) for each in letters], DEAD)

    run = await ended(ledger, Wanted(RunAction.DISCARD, "operator", letter=letters[7].id))

    assert run.result == "1 dead letter is deleted for good."
    assert [each.body for each in queues[DEAD_QUEUE]] == people[:7] + people[8:]
    assert await count(ledger, DEAD) == 49


async def test_letters_whose_person_is_forgotten_meanwhile_are_where_nobody_holds_them(
    queues: StandingQueues, ledger: Ledger
) -> None:
    """Given a run that waits while somebody is forgotten, no other tool is said to hold any."""
    await filled(queues, ledger)
    turns, wanted = Turns(), Wanted(RunAction.ARCHIVE, "operator", reason="invalid_event")
    async with turns.of(ACCOUNT):
        ending = asyncio.create_task(ended(ledger, wanted, turns))
        while not await LetterRuns(ledger).latest(ACCOUNT):
            pass  # it begins
        await LetterIndex(ledger).gone(ACCOUNT, FIVE[:2])
        del queues[DEAD_QUEUE][:2]

    run = await ending

    assert run.result.startswith("3 dead letters are in the archive. 2 were no longer there:")
    assert "the person was forgotten" in run.result
    assert (run.mood, run.remedy) == ("busy", "")


@pytest.mark.parametrize(
    ("action", "place"),
    [
        (RunAction.REPLAY, ARCHIVE),
        (RunAction.DRY_RUN, ARCHIVE),
        (RunAction.ARCHIVE, ARCHIVE),
        (RunAction.RESTORE, DEAD),
    ],
)
async def test_nothing_is_done_where_it_cannot_be_done(
    queues: StandingQueues, ledger: Ledger, action: RunAction, place: LetterPlace
) -> None:
    await filled(queues, ledger)
    with pytest.raises(ValueError, match=f"{action} of letters in {place}"):
        await ended(ledger, Wanted(action, "operator", place, reason="invalid_event"))


async def test_a_secret_that_is_in_an_accounts_name_ends_no_background_work(
    tmp_path: Path, ledger: Ledger
) -> None:
    """Given somebody who types an account's name as their API key, a run of that account ends as any does."""
    account = "sunny-kitchen"
    await indexed(tmp_path, [entry(1)], account=account)
    nowhere = Settings.model_construct(amqp_url=SecretStr("nowhere"))
    runner = LetterRunner(nowhere, ledger, lambda _: None, Turns())
    running = asyncio.create_task(runner.run())

    with SECRETS.while_known(account):
        wanted = Wanted(RunAction.ARCHIVE, f"admin of {account}", reason="invalid_event")
        await runner.begin(account, wanted, within=10.0)

    assert not running.done()
    (line,) = await Journal(ledger).page(account)
    assert (line.action.who, line.action.result) == ("admin of ***", CRASHED)
    running.cancel()
