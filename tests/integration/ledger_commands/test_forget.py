"""`forget` erases a person everywhere, keeps late copies out, and says what it could not reach."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, depth, publish, until
from tests.integration.ledger_commands.events import ended, event
from tests.integration.shell import Shell
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)


def writes(sandbox: Sandbox) -> int:
    return sum(call.method != "GET" for call in sandbox.journal.calls)


@pytest.mark.parametrize("whom", [("Ada@example.com",), ("--user", "u-1")])
async def test_forget_erases_a_person_everywhere(
    world: World,
    channel: AbstractChannel,
    kit_worker: Shell,
    sandbox: Sandbox,
    tmp_path: Path,
    whom: tuple[str, ...],
) -> None:
    """Given a person with records, history and a dead letter, all of it goes, and late copies stay out."""
    ada = [event(1, "user.signed_up"), event(2, "access.granted")]
    bob = [event(3, "user.signed_up", "bob@example.com", user="u-2")]
    bob += [event(4, "access.granted", "bob@example.com", user="u-2")]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [*ada, *bob])
        await until(lambda: ended(worker) == 4)
        asked = await kit_worker("forget", "ada@example.com")
        done = await kit_worker("forget", *whom, "--yes", "--json")
        kept, gone = await asyncio.gather(
            kit_worker("history", "--email", "bob@example.com", "--json"),
            kit_worker("history", "--email", "ada@example.com", "--json"),
        )
        left = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("ledger.db*"))
        assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 1
        written = writes(sandbox)
        await publish(channel, world.exchange, ada)
        await until(lambda: worker.events_logged().count("event_ignored") == 2)
        again = await kit_worker("history", "--email", "ada@example.com", "--json")
        assert writes(sandbox) == written
        assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 1
    assert (asked.code, done.code) == (2, 0)
    assert "say --yes" in asked.err
    assert json.loads(done.out) == [
        {"account": world.account, "records": 1, "user_ids": 1, "history": 2, "due": 0, "dead_letters": 1}
    ]
    assert {line["outcome"] for line in json.loads(kept.out)} == {"applied", "dead_lettered"}
    assert (json.loads(gone.out), json.loads(again.out)) == ([], [])
    assert (b"ada@example.com" in left, b"bob@example.com" in left) == (False, True)


async def test_a_copy_that_is_dated_ahead_brings_nobody_back(
    world: World, channel: AbstractChannel, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a publisher whose clock is four minutes ahead, a copy of its event stays out all the same."""
    ahead = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    ada = {**event(1, "user.signed_up"), "time": ahead}
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [ada])
        await until(lambda: ended(worker) == 1)
        done = await kit_worker("forget", "ada@example.com", "--yes")
        written = writes(sandbox)
        await publish(channel, world.exchange, [ada, {**ada, "id": "another"}])
        await until(lambda: worker.events_logged().count("event_ignored") == 2)
        assert writes(sandbox) == written
    assert done.code == 0
    assert "dated up to five minutes ahead, will be ignored" in done.out


async def test_forget_finds_dead_letters_by_what_stands_around_and_hidden_in_them(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given addresses in headers, ids, escapes and base64 of dead letters, these go; a mention is told."""
    inner = base64.b64encode(b'{"user": {"email": "ada@example.com"}}').decode()
    cloud = {"specversion": "1.0", "id": "c", "data_base64": inner}
    bob = {"type": "access.granted", "data": {"user": {"email": "bob@example.com"}, "by": "ada@example.com"}}
    bodies: list[tuple[bytes, dict[str, Any]]] = [
        (b"no JSON", {"headers": {"cloudEvents:subject": "ada@example.com"}}),
        (b"no JSON", {"message_id": "sign-up:ada@example.com"}),
        (b"no JSON", {"correlation_id": "ada@example.com"}),
        (b'{"email": "ada\\u0040example.com"', {}),
        (json.dumps(cloud).encode(), {"content_type": "application/cloudevents+json"}),
        (json.dumps(bob).encode(), {}),
        (b"somebody else's", {}),
    ]
    async with Worker(world, tmp_path / "log") as worker:
        exchange = await channel.get_exchange(world.exchange)
        for body, properties in bodies:
            await exchange.publish(aio_pika.Message(body, **properties), "access.granted")
        await until(lambda: worker.events_logged().count("event_dead_lettered") == len(bodies))
        done = await kit_worker("forget", "ada@example.com", "--yes", "--json")
        left = await kit_worker("dead-letters", "export")
    assert done.code == 0
    assert [row["dead_letters"] for row in json.loads(done.out)] == [5]
    assert len(left.out.splitlines()) == 2
    assert "dead letters of others mention the person, and were left: " in done.err


async def test_forget_erases_nothing_where_it_cannot_erase_everything(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given no broker, the ledger still knows by what names the person's dead letters are to be found."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "user.signed_up")])
        await until(lambda: ended(worker) == 1)
        nowhere = {"AMQP_URL": "amqp://guest:guest@127.0.0.1:1/"}
        done = await kit_worker("forget", "ada@example.com", "--yes", **nowhere)
        kept = await kit_worker("history", "--email", "ada@example.com", "--json")
    assert done.code == 4
    assert "cannot be reached" in done.err
    assert [line["event_id"] for line in json.loads(kept.out)] == ["e1"]


async def test_forget_says_where_it_could_not_look(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given dead letters that another tool holds, it says so, and erases nothing by which they are found."""

    async def hold(_: object) -> None:
        """Neither take it off nor give it back."""

    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "access.granted")])
        await until(lambda: ended(worker) == 1)
        queue = await channel.get_queue(f"kit.{world.account}.dead")
        held = await queue.get()
        tag = await queue.consume(hold)
        done = await kit_worker("forget", "ada@example.com", "--yes")
        kept = await kit_worker("history", "--email", "ada@example.com", "--json")
        await queue.cancel(tag)
        assert held is not None
        await held.nack()
        again = await kit_worker("forget", "ada@example.com", "--yes")
    assert done.code == 4
    assert f"somebody else holds dead letters of {world.account}; nothing was erased" in done.err
    assert [line["event_id"] for line in json.loads(kept.out)] == ["e1"]
    assert again.code == 0


async def test_forget_says_what_may_still_be_read(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given somebody who goes on reading the file, it says that it may all be there until it runs again."""
    path = tmp_path / "data" / "ledger.db"
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "user.signed_up"), event(2, "access.granted")])
        await until(lambda: ended(worker) == 2)
        await worker.stop()
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM subscribers").fetchall()
        done = await kit_worker("forget", "ada@example.com", "--yes", "--json")
        assert b"ada@example.com" in b"".join(file.read_bytes() for file in path.parent.glob("ledger.db*"))
    again = await kit_worker("forget", "ada@example.com", "--yes", "--json")
    assert (done.code, again.code) == (4, 0)
    assert json.loads(done.out) == [
        {"account": world.account, "records": 1, "user_ids": 1, "history": 2, "due": 0, "dead_letters": 1}
    ]
    assert done.err == (
        "kit-worker: the ledger data/ledger.db was being read all the while; what was erased may still be "
        "readable in data/ledger.db and data/ledger.db-wal until you run kit-worker forget ada@example.com "
        "again\n"
    )
    assert b"ada@example.com" not in b"".join(file.read_bytes() for file in path.parent.glob("ledger.db*"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_forget_that_is_interrupted_says_what_it_erased(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path, how: signal.Signals
) -> None:
    """Given Ctrl-C before dead letters are looked for that came meanwhile, it says what may be left."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "user.signed_up"), event(2, "access.granted")])
        await until(lambda: ended(worker) == 2)
        process = await kit_worker.start("forget", "ada@example.com", "--yes", "--json")
        with closing(sqlite3.connect(tmp_path / "data" / "ledger.db")) as looking:
            await until(lambda: looking.execute("SELECT * FROM history").fetchall() == [])
        process.send_signal(how)  # the worker is given some seconds to hear of it, so there is time for this
        out, err = await process.communicate()
        assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 0
    assert process.returncode == 130
    assert json.loads(out) == [
        {"account": world.account, "records": 1, "user_ids": 1, "history": 2, "due": 0, "dead_letters": 1}
    ]
    assert err.decode().startswith(
        "kit-worker: interrupted; the ledger has forgotten, but dead letters may be"
    )
    assert "ada@example.com, u-1" in err.decode()


async def test_forget_reaches_what_a_worker_has_in_hand(
    world: World, channel: AbstractChannel, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given an event that waits for Kit, nothing of it is written once the person is forgotten."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "user.signed_up", "bob@example.com", user="u-2")])
        await until(lambda: ended(worker) == 1)
        sandbox.fail("status", status=503)
        await publish(channel, world.exchange, [event(2, "user.signed_up")])
        await until(lambda: "hold_started" in worker.events_logged())
        done = await kit_worker("forget", "ada@example.com", "--yes")
        assert "fenced" in worker.events_logged()
        sandbox.faults.clear()
        await until(lambda: "event_ignored" in worker.events_logged())
    assert done.code == 0
    assert list(sandbox.account(KEY).subscribers()) == ["bob@example.com"]
