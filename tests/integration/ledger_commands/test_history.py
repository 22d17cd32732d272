"""`history` tells why somebody has a tag, what is due, and what became of an event."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import Worker, World, publish, until
from tests.integration.ledger.harness import effect, entry
from tests.integration.ledger_commands.events import ended, event
from tests.integration.shell import Shell
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

pytestmark = pytest.mark.timeout(120)


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
