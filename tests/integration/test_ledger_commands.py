"""The commands that ask the ledger, or tell it something: history, forget, pause, resume, status."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, depth, publish, until
from tests.integration.ledger.harness import effect, entry
from tests.integration.shell import Shell
from worker.broker.topology import archive_queue, dead_letter_queue_arguments
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox
from worker.subscribers.known import Batch

pytestmark = pytest.mark.timeout(120)

MAPPING = """
events:
  subscription.started:
    add_tags: [Active Member]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
"""


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.write_account(MAPPING)
    return world


def event(number: int, kind: str, email: str = "ada@example.com", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    user = {"id": more.pop("user", "u-1"), "email": email}
    if before := more.pop("previous_email", None):
        user["previous_email"] = before
    time = f"2026-07-01T10:{number:02}:00Z"
    return {"id": f"e{number}", "type": kind, "time": time, "data": {"user": user, **more}}


def writes(sandbox: Sandbox) -> int:
    return sum(call.method != "GET" for call in sandbox.journal.calls)


def ended(worker: Worker) -> int:
    return sum(name.startswith("event_") for name in worker.events_logged())


async def test_history_tells_why_somebody_has_a_tag(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given events of a person who moved, both addresses find them, with rules, calls and outcomes."""
    events = [
        event(1, "subscription.started", subscription={"plan": "Annual"}),
        event(2, "user.signed_up", "ada.new@example.com", previous_email="ada@example.com"),
        event(1, "subscription.started", subscription={"plan": "Annual"}),
        event(3, "user.signed_up", "bob@example.com", user="u-2"),
        event(4, "access.granted", "bob@example.com", user="u-2"),
    ]
    async with Worker(world, tmp_path / "log") as worker:
        for number, each in enumerate(events, 1):
            await publish(channel, world.exchange, [each])
            await until(lambda number=number: ended(worker) == number)  # type: ignore[misc]
        old, new, by_id, everything, nobody, by_tag, by_user, stranger = await asyncio.gather(
            kit_worker("history", "--email", "ADA@example.com", "--json"),
            kit_worker("history", "--email", "ada.new@example.com"),
            kit_worker("history", "--event", "e4", "--json"),
            kit_worker("history", "--account", world.account, "--json"),
            kit_worker("history", "--email", "nobody@example.com"),
            kit_worker("history", "--tag", "annual plan", "--account", world.account),
            kit_worker("history", "--user", "u-1", "--json"),
            kit_worker("history", "--user", "u-9"),
        )
    assert [(line["event_id"], line["outcome"]) for line in json.loads(old.out)] == [
        ("e1", "applied"), ("e2", "applied"), ("e1", "duplicate"),
    ]  # fmt: skip
    calls = {call["what"]: call["rules"] for call in json.loads(old.out)[0]["calls"]}
    assert (calls["tag 'Active Member'"], calls["tag 'Annual Plan'"]) == ([0], [1])
    assert "tag 'Annual Plan' (rule 1)" in new.out
    assert "email address" in new.out
    (dead,) = json.loads(by_id.out)
    assert (dead["outcome"], dead["email"]) == ("dead_lettered", "bob@example.com")
    assert "mk_access_level" in dead["detail"]
    assert len(json.loads(everything.out)) == len(events)
    assert nobody.out.startswith("Nothing is known of that.")
    assert {each.code for each in (old, new, by_id, everything, nobody, by_tag, by_user)} == {0}
    assert by_tag.out.count("subscription.started e1 of") == 1
    assert "access.granted" not in by_tag.out
    assert "mk_subscription_plan 'Annual'" in by_tag.out
    assert f"file {json.loads(old.out)[0]['version']}" in by_tag.out
    assert [(line["event_id"], line["email"]) for line in json.loads(by_user.out)] == [
        (line["event_id"], "ada.new@example.com") for line in json.loads(old.out)
    ]
    assert (stranger.code, "nobody is known by the id u-9" in stranger.err) == (2, True)
    assert "sha256sum config/accounts/ACCOUNT.yaml" in by_tag.out
    assert max(map(len, new.out.splitlines())) <= 80


async def test_what_is_due_is_shown_by_history_and_status(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given effects that come later, the history ends with a person's, and status says how many and when."""
    at = datetime(2100, 7, 1, tzinfo=UTC).timestamp()
    later = [
        effect("d-1", at=at, what="tag 'Cancelled', tag 'Active Member' off"),
        effect("d-2", "bob@example.com", at=at + 60, event_id="e-2", what="tag 'Gold access' off"),
    ]
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        await ledger.save(
            await ledger.take(world.account), Batch(entries=[entry("ada@example.com")], due=later)
        )

    hers, as_json, by_event, by_tag, status, status_json = await asyncio.gather(
        kit_worker("history", "--email", "ada@example.com"),
        kit_worker("history", "--email", "ada@example.com", "--json"),
        kit_worker("history", "--event", "e-2", "--json"),
        kit_worker("history", "--tag", "active member"),
        kit_worker("status"),
        kit_worker("status", "--json"),
    )

    assert (
        f"2100-07-01T00:00:00Z  {world.account}: due\n    subscription.canceled e-1 of 2026-07-01T12"
        in hers.out
    )
    assert "      tag 'Cancelled', tag 'Active Member' off\n" in hers.out
    assert hers.out.index("user.signed_up") < hers.out.index("subscription.canceled")
    first, last = json.loads(as_json.out)
    assert last.keys() == first.keys()
    assert (first["outcome"], last["outcome"], last["at"]) == ("applied", "due", "2100-07-01T00:00:00Z")
    assert last["detail"] == "tag 'Cancelled', tag 'Active Member' off"
    assert [(line["email"], line["outcome"]) for line in json.loads(by_event.out)] == [
        ("bob@example.com", "due")
    ]
    assert (by_tag.out.count(": due"), by_tag.out.count("e-1")) == (1, 1)
    assert "2 effects to come, the next at 2100-07-01T00:00:00Z" in status.out
    assert json.loads(status_json.out)["due"] == {
        world.account: {"count": 2, "next_at": "2100-07-01T00:00:00Z"}
    }
    assert {each.code for each in (hers, as_json, by_event, by_tag, status, status_json)} == {0}


async def test_an_event_that_is_invalid_is_found_by_what_can_be_read_of_it(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a wrong time, another app, a body cut off and odd headers, each is found by its id and type."""
    cut = json.dumps(event(3, "order.paid") | {"rest": "x"}).encode()[:-4]
    attributes = {"specversion": "1.0", "id": "e4", "type": "order.paid"}
    messages = [
        aio_pika.Message(json.dumps(event(1, "order.paid") | {"time": "yesterday"}).encode()),
        aio_pika.Message(json.dumps(event(2, "order.paid")).encode()),
        aio_pika.Message(cut),
        aio_pika.Message(
            b"<xml/>", headers={f"cloudEvents:{name}": text for name, text in attributes.items()}
        ),
    ]
    key, only = "subscription.started", ("--account", world.account, "--json")
    async with Worker(world, tmp_path / "log") as worker:
        await until(lambda: "subscribed" in worker.events_logged())
        exchange = await channel.get_exchange(world.exchange, ensure=False)
        queue = await channel.get_queue(f"kit.{world.account}")
        await queue.bind(exchange, f"{key}.rainy")
        for number, message in enumerate(messages, 1):
            await exchange.publish(message, f"{key}.rainy" if number == 2 else key)
        await until(lambda: ended(worker) == 4)
        by_type = await kit_worker("dead-letters", "list", *only, "--type", "order.paid")
        by_id = [await kit_worker("dead-letters", "list", *only, "--id", f"e{n}") for n in range(1, 5)]
        lines = [await kit_worker("history", *only, "--event", f"e{n}") for n in range(1, 5)]
        of_ada = await kit_worker("history", *only, "--email", "ada@example.com")
    letters = [letter for listing in json.loads(by_type.out) for letter in listing["letters"]]
    assert {letter["event_id"]: letter["reason"] for letter in letters} == {
        "e1": "invalid_event", "e2": "wrong_app", "e3": "undecodable", "e4": "undecodable",
    }  # fmt: skip
    assert [json.loads(each.out)[0]["matching"] for each in by_id] == [1] * 4
    told = [(each["event_type"], each["outcome"]) for line in lines for each in json.loads(line.out)]
    assert told == [("order.paid", "dead_lettered")] * 4
    assert [line["event_id"] for line in json.loads(of_ada.out)] == ["e1", "e2", "e3"]


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


async def test_a_paused_account_rests_and_goes_on(
    world: World, channel: AbstractChannel, kit_worker: Shell, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given `pause`, the worker hands the queue back within 5 s, says so everywhere, and `resume` ends it."""
    loop = asyncio.get_running_loop()
    async with Worker(world, tmp_path / "log") as worker:
        paused = await kit_worker("pause", world.account)
        began = loop.time()
        await until(lambda: "account_paused" in worker.events_logged())
        assert loop.time() - began < 5 + 2
        twice = await kit_worker("pause", world.account)
        await publish(channel, world.exchange, [event(1, "user.signed_up")])
        status = await kit_worker("status")
        as_json = json.loads((await kit_worker("status", "--json")).out)
        assert await depth(world.amqp_url, f"kit.{world.account}") == 1
        resumed = await kit_worker("resume", world.account)
        await until(lambda: "event_applied" in worker.events_logged())
    assert paused.out.startswith(f"{world.account} is paused; kit-worker resume {world.account} lets")
    assert twice.out == f"{world.account} was paused already.\n"
    assert "paused since" in status.out
    assert list(as_json["paused"]) == [world.account]
    assert resumed.out == f"{world.account} goes on.\n"
    assert sandbox.account(KEY).find("ada@example.com") is not None


async def test_a_paused_account_goes_on_by_itself_at_the_end(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a pause with a reason and an end, status tells both, and the worker goes on then."""
    async with Worker(world, tmp_path / "log") as worker:
        end = (datetime.now(UTC) + timedelta(seconds=8)).isoformat()
        await kit_worker("pause", world.account, "--reason", "moving tags", "--until", end)
        await until(lambda: "account_paused" in worker.events_logged())
        during = await kit_worker("status")
        await until(lambda: "account_resumed" in worker.events_logged())
        after = await kit_worker("status")
    assert "(moving tags)" in during.out
    assert "paused since" not in after.out


async def test_status_shows_workers_and_accounts(world: World, kit_worker: Shell, tmp_path: Path) -> None:
    """Given a worker, status names it with its accounts; after it has left, it is not named any more."""
    async with Worker(world, tmp_path / "log", WORKER_ID="one") as worker:
        await until(lambda: "subscribed" in worker.events_logged())
        text = await kit_worker("status")
        as_json = json.loads((await kit_worker("status", "--json")).out)
        await worker.stop()
    after = await kit_worker("status")
    (seen,) = as_json["workers"]
    assert (seen["worker"], seen["live"]) == ("one", True)
    assert list(seen["accounts"]) == [world.account]
    assert "at work" in text.out
    assert f"{world.account}  one" in text.out
    assert after.out.startswith("No worker is known to this ledger")
    assert "no worker at work has this account" in after.out


async def test_status_shows_who_has_what_and_what_needs_a_person(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a dead letter, an event applied and a broken file, one look tells all of it, and the version."""
    broken = world.config / "accounts" / "broken.yaml"
    broken.write_text("kit: {api_key_env: KIT_API_KEY}\nevnts: {}\n", encoding="utf-8")
    async with Worker(world, tmp_path / "log", WORKER_ID="one") as worker:
        bad = event(2, "user.signed_up", "nobody")
        await publish(channel, world.exchange, [event(1, "user.signed_up"), bad])
        await until(lambda: ended(worker) == 2)
        as_json = await status_with_dead_letters(kit_worker, world.account)
        text = await kit_worker("status")
    (seen,) = as_json["workers"]
    assert as_json["version"] == seen["version"] == version("kit-worker")
    assert as_json["holders"] == {world.account: "one"}
    assert seen["accounts"][world.account]["queue_depth"] == 0
    assert "did you mean events?" in as_json["problems"][0]
    (row,) = (line for line in text.out.splitlines() if line.startswith(world.account))
    assert row.split() == [world.account, "one", "running", "0", "0", "1", "has", "it"]
    assert f"one     {version('kit-worker')}    at work" in text.out
    assert "WRONG  " in text.out.splitlines()[-1]
    assert "null" not in json.dumps(as_json)
    # Whoever looks makes no archive: there is none before somebody puts a letter aside.
    assert as_json["archived"] == {}
    assert "archive" not in text.out


async def test_status_shows_how_many_letters_an_archive_holds(
    world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given an archive, what is in it is told, also where no worker is at work."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        await ledger.ready()
    queue = archive_queue(world.account)
    await channel.declare_queue(queue, durable=True, arguments=dead_letter_queue_arguments())
    for _ in range(3):
        await channel.default_exchange.publish(aio_pika.Message(b"{}"), queue)

    text, as_json = await asyncio.gather(kit_worker("status"), kit_worker("status", "--json"))

    assert "3 dead letters in its archive" in text.out
    assert json.loads(as_json.out)["archived"] == {world.account: 3}
    await channel.queue_delete(queue)


async def status_with_dead_letters(kit_worker: Shell, account: str) -> dict[str, Any]:
    """Wait until a worker has told of a dead letter: it looks every 15 s, and tells every 6 s."""
    async with asyncio.timeout(40):
        while True:
            as_json: dict[str, Any] = json.loads((await kit_worker("status", "--json")).out)
            told = as_json["workers"][0]["accounts"].get(account, {})  # at its start it tells of none
            if told.get("dead_letter_depth"):
                return as_json


@pytest.mark.parametrize(
    "words",
    [
        ["history", "--email", "ada@example.com"],
        ["forget", "ada@example.com", "--yes"],
        ["pause", "default"],
        ["status"],
    ],
)
async def test_no_command_makes_a_ledger(kit_worker: Shell, tmp_path: Path, words: list[str]) -> None:
    """Given a folder without a ledger, the commands say that it is the wrong place, and leave it so."""
    ended = await kit_worker(*words)
    assert ended.code == 2
    assert "there is no ledger at data/ledger.db: set LEDGER_URL as the workers have it" in ended.err
    assert not (tmp_path / "data").exists()


async def test_no_command_makes_a_ledger_of_an_empty_file(kit_worker: Shell, tmp_path: Path) -> None:
    """Given a file that somebody has touched and no worker has used, it is said, and stays empty."""
    path = tmp_path / "data" / "ledger.db"
    path.parent.mkdir()
    path.touch()
    ended = await kit_worker("status")
    assert (ended.code, path.stat().st_size) == (2, 0)
    assert "there is no ledger at data/ledger.db: set LEDGER_URL as the workers have it" in ended.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["history"], "say what is looked for"),
        (["history", "--email", "ada"], "ada is not an email address"),
        (["history", "--email", "ada@example.com", "--user", "u-1"], "an address, or --user"),
        (["history", "--account", "a", "--limit", "9" * 30], "--limit"),
        (["forget", "ada"], "ada is not an email address"),
    ],
)
async def test_what_cannot_be_meant_is_refused(kit_worker: Shell, words: list[str], said: str) -> None:
    ended = await kit_worker(*words)
    assert (ended.code, said in ended.err) == (2, True)


async def test_an_account_that_nobody_has_cannot_be_paused(
    world: World, kit_worker: Shell, tmp_path: Path
) -> None:
    async with Worker(world, tmp_path / "log"):
        ended = await kit_worker("pause", "sunnny")
    assert (ended.code, "there is no account sunnny" in ended.err) == (2, True)


async def test_a_ledger_that_does_not_answer_ends_a_command_with_4(kit_worker: Shell) -> None:
    """Given a PostgreSQL that is not there, the command says so without the password."""
    url = "postgresql+asyncpg://kit:secret-word@127.0.0.1:1/kit"
    looked, checked = await asyncio.gather(
        kit_worker("status", LEDGER_URL=url), kit_worker("check", LEDGER_URL=url)
    )
    assert (looked.code, checked.code) == (4, 4)
    assert "cannot be used" in looked.err
    assert "Traceback" not in looked.err
    assert "ledger" in checked.out
    assert "secret-word" not in looked.err + checked.out + checked.err
