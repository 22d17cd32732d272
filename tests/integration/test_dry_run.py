"""What a dry run says of dead letters is what becomes of them, and it leaves everything as it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import Worker, World, all_settled, depth, handed_back, publish, until
from tests.integration.ledger.harness import contents
from tests.integration.many_letters import START, Letters, before, event
from tests.integration.shell import Shell
from worker.broker.publisher import Publisher
from worker.broker.queues import connected
from worker.broker.topology import dead_letter_queue, work_queue
from worker.clock import Clock
from worker.dead_letters.letter import dead_letter
from worker.errors import (
    EventError,
    HandlerError,
    IdentityConflict,
    InvalidEvent,
    KitPlanFull,
    KitRejected,
    KitUnavailableForChange,
    PartlyApplied,
    UndecodableEvent,
    UnknownTag,
    WrongApp,
)
from worker.events.delivery import Delivery
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox
from worker.subscribers.item import Item, Kind, Outcome

pytestmark = pytest.mark.timeout(240)

FILE: Final = """\
events:
  user.signed_up: {add_tags: [Member]}
  user.updated: {}
  order.paid:
    add_tags: [Customer, "{data.plan} plan"]
    rules: [{when: {data.test: true}, skip: true}]
  course.booked: {at: data.starts, add_tags: [Booked]}
  news.read: {create: false, add_tags: [Reader]}
"""

ERRORS: Final[tuple[EventError, ...]] = tuple(
    error("it was so when it failed")
    for error in (
        UndecodableEvent, InvalidEvent, WrongApp, KitRejected, KitUnavailableForChange, KitPlanFull,
        IdentityConflict, PartlyApplied, UnknownTag, HandlerError,
    )
)  # fmt: skip
"""All that a worker writes letters for; RabbitMQ's own come on top."""

OF_WORKERS: Final = {"workers", "consumers", "accounts"}
"""Tables into which a worker that runs writes all the time."""
ENDS: Final = {f"event_{kind.value}" for kind in Kind}


async def fill(world: World, letters: Iterable[tuple[dict[str, Any] | bytes, str]]) -> None:
    """Put dead letters into the queue, as a worker writes them, of all reasons in turn."""
    async with connected(world.amqp_url, "test") as connection:
        publisher = Publisher(connection)
        for number, (said, key) in enumerate(letters):
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            delivery = Delivery(body, key, exchange=world.exchange, received_at=START)
            outcome = Outcome(Item(delivery), Kind.DEAD_LETTERED, ERRORS[number % len(ERRORS)])
            await publisher.publish(dead_letter(world.account, outcome, Clock().now()))


async def expire(channel: AbstractChannel, world: World, *events: Mapping[str, Any]) -> None:
    """Have RabbitMQ itself dead-letter events, by an expiration that their publisher set."""
    for each in events:
        message = aio_pika.Message(json.dumps(each).encode(), expiration=0.001, delivery_mode=2)
        await channel.default_exchange.publish(message, work_queue(world.account))
    await handed_back(world.amqp_url, dead_letter_queue(world.account), len(events))


async def looked_at(kit_worker: Shell) -> list[str]:
    """Return the dead letters' ids, in the queue's order."""
    (listing,) = json.loads((await kit_worker("dead-letters", "list", "--json")).out)
    return [each["id"] for each in listing["letters"]]


def ends(worker: Worker) -> list[dict[str, Any]]:
    """Return the worker's lines about the ends of events, in their order."""
    return [line for line in worker.log_lines() if line["event"] in ENDS]


def agrees(said: Mapping[str, Any], line: Mapping[str, Any]) -> bool:
    """Tell whether an event ended as its letter's fate says, as the worker's line tells it."""
    kind = "ignored" if said["fate"] == "forgotten" else said["fate"]
    again = (line.get("reason", ""), line.get("detail", ""))
    if kind == "dead_lettered" and again != (said["next_reason"], said["why"]):
        return False
    # Kit has nobody of these, and was not asked; then a copy is ignored, too.
    nobody = said["event_type"] == "news.read" and kind in {"applied", "duplicate"}
    return bool(line["event"] == ("event_ignored" if nobody else f"event_{kind}"))


async def prepared(world: World, worker: Worker, kit_worker: Shell, channel: AbstractChannel) -> None:
    """Have a worker apply what was before, also of somebody who is forgotten, and fill the dead letters."""
    await publish(channel, world.exchange, [event("b0", "user.signed_up", "gone@example.com", 100)])
    await all_settled(worker, 1)
    forgotten = await kit_worker("forget", "gone@example.com", "--yes")
    assert forgotten.code == 0, forgotten.err
    await publish(channel, world.exchange, before())
    await all_settled(worker, 1 + len(before()))


async def tried(world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path) -> list[dict[str, Any]]:
    """Return what a dry run says, having seen that it changes nothing."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    calls, ids = sandbox.journal.count(), await looked_at(kit_worker)
    async with Ledger(database, worker="test", clock=Clock()) as ledger:
        rows = await contents(ledger)
        ended = await kit_worker("dead-letters", "replay", "--all", "--dry-run", "--json")
        assert ended.code == 0, ended.err
        later = await contents(ledger)
    said: list[dict[str, Any]] = json.loads(ended.out)
    assert [each["id"] for each in said] == ids == await looked_at(kit_worker)
    changed = [name for name in rows if rows[name] != later[name] and name not in OF_WORKERS]
    assert (changed, sandbox.journal.count()) == ([], calls)
    assert await depth(world.amqp_url, work_queue(world.account)) == 0
    return said


async def test_what_is_said_of_each_of_200_letters_is_what_becomes_of_it(
    world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path, channel: AbstractChannel
) -> None:
    """Given letters of all reasons, a worker that takes one at a time ends each as was said, and says why."""
    world.write_account(FILE)
    async with Worker(world, tmp_path / "log", PREFETCH="1") as worker:
        await worker.stop()  # the queues are there now
        await expire(channel, world, event("x1", "user.signed_up", "x1@example.com", 1), {"id": "x2"})
        await worker.start()
        await prepared(world, worker, kit_worker, channel)
        await fill(world, Letters(random.Random(7)))  # noqa: S311  # repeatable on purpose
        said, past = await tried(world, kit_worker, sandbox, tmp_path), len(ends(worker))
        replayed = await kit_worker("dead-letters", "replay", "--all")
        assert replayed.code == 0, replayed.err
        await until(lambda: len(ends(worker)) >= past + len(said), 120)
        lines = ends(worker)[past:]

    wrong = [f"{each} but {line}" for each, line in zip(said, lines, strict=True) if not agrees(each, line)]
    assert not wrong, "\n".join(wrong)
    assert {each["fate"] for each in said} == {kind.value for kind in Kind}
    assert {each["reason"] for each in said} == {each.reason.value for each in ERRORS} | {"expired"}
    again = {each["next_reason"] for each in said} - {""}
    assert again == {"undecodable", "invalid_event", "wrong_app", "identity_conflict", "partly_applied"}


async def test_what_a_worker_takes_together_makes_no_more_calls_than_was_said(
    world: World, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path, channel: AbstractChannel
) -> None:
    """Given letters of one person each before an older one and a copy, only the first asks for calls."""
    people = [f"p{number}@example.com" for number in range(40)]
    newer = [event(f"n{at}", "user.signed_up", email, 2) for at, email in enumerate(people)]
    older = [event(f"o{at}", "user.signed_up", email, 1) for at, email in enumerate(people)]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event("b0", "user.signed_up", "known@example.com", 1)])
        await all_settled(worker, 1)
        await fill(world, [(each, "user.signed_up") for each in (*newer, *older, *newer)])
        said = await tried(world, kit_worker, sandbox, tmp_path)
        replayed = await kit_worker("dead-letters", "replay", "--all")
        assert replayed.code == 0, replayed.err
        await until(lambda: len(ends(worker)) >= 1 + len(said))
        ended = [line["event"] for line in ends(worker) if line["event_id"].startswith("o")]
    history = await kit_worker("history", "--account", world.account, "--limit", "1000", "--json")

    kinds = ["applied"] * 40 + ["superseded"] * 40 + ["duplicate"] * 40
    assert [each["fate"] for each in said] == kinds
    assert set(ended) <= {"event_applied", "event_superseded"}
    lines = [line for line in json.loads(history.out) if line["event_id"] != "b0" and line["calls"]]
    assert sorted(line["event_id"] for line in lines) == sorted(each["id"] for each in newer)


async def test_letters_are_selected_for_it_by_words_of_why(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given what `list` shows of one of them, the same words list it, try it, and put just it back."""
    async with Worker(world, tmp_path / "log") as worker:
        await worker.stop()
    await fill(
        world,
        [(event(f"e{at}", "user.signed_up", f"p{at}@example.com", at), "user.signed_up") for at in range(4)],
    )
    words = ["--matching", "WRONG_app: it was so", "--json"]

    listed = await kit_worker("dead-letters", "list", *words)
    tried = await kit_worker("dead-letters", "replay", "--dry-run", *words)
    exported = await kit_worker("dead-letters", "export", *words[:2])
    replayed = await kit_worker("dead-letters", "replay", *words)

    (listing,) = json.loads(listed.out)
    assert [each["event_id"] for each in listing["letters"]] == ["e2"]
    assert [(each["event_id"], each["fate"]) for each in json.loads(tried.out)] == [("e2", "applied")]
    assert json.loads(exported.out)["event_id"] == "e2"
    assert [each["event_id"] for each in json.loads(replayed.out)] == ["e2"]
    assert await depth(world.amqp_url, dead_letter_queue(world.account)) == 3


async def test_it_says_what_is_away_and_what_is_not_there(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given letters, the ledger has to be there, and the account's file right; without any, neither."""
    async with Worker(world, tmp_path / "log") as worker:
        await worker.stop()
    words = "dead-letters", "replay", "--all", "--dry-run"
    elsewhere = f"sqlite+aiosqlite:///{tmp_path}/elsewhere.db"

    none = await kit_worker(*words, LEDGER_URL=elsewhere)
    await fill(world, [(event("e1", "user.signed_up", "ada@example.com", 1), "user.signed_up")])
    missing = await kit_worker(*words, LEDGER_URL=elsewhere)
    away = await kit_worker(*words, LEDGER_URL="postgresql+asyncpg://kit:kit@127.0.0.1:1/kit")
    tried = await kit_worker(*words)
    world.write_account("evnts: {}\n")
    wrong = await kit_worker(*words)
    (world.config / "accounts" / f"{world.account}.yaml").unlink()
    gone = await kit_worker(*words, "--account", world.account)

    assert (none.code, none.out) == (0, "No dead letter would be replayed.\n")
    assert (missing.code, away.code, wrong.code, gone.code) == (2, 4, 2, 2)
    assert "there is no ledger at" in missing.err
    assert f"would wait in {work_queue(world.account)}" in gone.err
    assert tried.code == 0
    assert f"{world.account}: 1 would be applied, 0 would change nothing, 0 would fail again." in tried.out
    assert "Nothing was put back." in tried.out
