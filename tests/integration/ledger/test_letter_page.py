"""Dead letters by the page, with RabbitMQ, PostgreSQL, workers and Kit's stand-in as they are."""

from __future__ import annotations

import asyncio
import html
import json
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aio_pika
import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import BAD, Worker, World, all_settled, depth, publish, until
from tests.integration.shell import Shell, page
from tests.integration.test_page import FROM_HERE
from worker.broker.topology import DEAD_LETTER_EXCHANGE, archive_queue, dead_letter_queue
from worker.events.body import MAX_BODY_BYTES
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(180)

NO_TAGS = "options: {create_missing: false}\n"
WITHIN = 60.0
ALL = {"newest": "1000000", "count": "1000000"}
"""More than there are here: all are meant."""


class Letters:
    """A browser on an account's dead letters, as far as HTTP goes."""

    def __init__(self, session: aiohttp.ClientSession, root: str, account: str) -> None:
        self.session = session
        self.root = root
        self.place = f"/accounts/{account}/dead-letters"

    async def see(self, path: str = "") -> str:
        """Return what one reads of a view."""
        async with self.session.get(f"{self.root}{self.place}{path}") as answer:
            return words(await answer.text())

    async def act(self, path: str, **form: str) -> tuple[str, str]:
        """Post a form; returns the view that one is led to, and what one reads there."""
        async with self.session.post(
            f"{self.root}{self.place}{path}", data=form, headers=FROM_HERE
        ) as answer:
            return answer.url.path.removeprefix(self.place), words(await answer.text())

    async def until(self, path: str, pattern: str) -> re.Match[str]:
        """Look again until something is there to read."""
        async with asyncio.timeout(WITHIN):
            while (found := re.search(pattern, await self.see(path))) is None:
                await asyncio.sleep(0.1)
        return found

    async def number_of_one(self, reason: str) -> int:
        """Return the number of the newest letter of a group, once the index has one."""
        async with asyncio.timeout(WITHIN):
            while True:
                async with self.session.get(
                    f"{self.root}{self.place}/group", params={"reason": reason}
                ) as answer:
                    if found := re.search(r"letters/(\d+)", await answer.text()):
                        return int(found[1])
                await asyncio.sleep(0.1)


def one(number: int, letter_id: str) -> dict[str, str]:
    """Return what the forms about a letter say of it."""
    return {"letter": str(number), "id": letter_id}


def number(text: str) -> int:
    return int(text.replace(",", ""))


def words(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


@asynccontextmanager
async def letters_of(
    world: World, kit_worker: Shell
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Letters]]:
    """Run the page; yields its process, and a browser on the world's dead letters."""
    async with (
        page(kit_worker) as (process, root),
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        yield process, Letters(session, root, world.account)


@pytest.fixture
def world(world: World, postgresql_url: str) -> World:
    """One account, with a ledger in PostgreSQL."""
    world.environ["LEDGER_URL"] = postgresql_url
    return world


async def test_a_group_that_is_replayed_loses_nobody_though_page_and_worker_are_killed(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel, sandbox: Sandbox
) -> None:
    """Given 2,400 letters, of which one is tried, then all: the page is killed meanwhile, and a worker.

    Another page goes on with what is left, and says how it ended and what became of all: lost 0, wrong 0.
    """
    events = make_events(2400, 240, seed=7)
    world.write_account(NO_TAGS)
    async with (
        Worker(world, tmp_path / "first.log") as first,
        Worker(world, tmp_path / "second.log") as second,
    ):
        await publish(channel, world.exchange, events)
        await all_settled_by(first, second, count=len(events))
        dead = await depth(world.amqp_url, dead_letter_queue(world.account))
        assert dead == len(events)
        world.write_account()  # what was wrong is mended
        await until(lambda: all("config_reloaded" in each.events_logged() for each in (first, second)))

        async with letters_of(world, kit_worker) as (process, letters):
            (reason, count), *others = await groups(letters, dead)
            run, _ = await letters.act("/runs", action="dry_run", reason=reason, **ALL)
            dry = await letters.until(
                run, r"([\d,]+) would be applied, ([\d,]+) would change nothing, 0 would fail"
            )
            assert number(dry[1]) + number(dry[2]) == count
            run, told = await letters.act("/runs", action="replay", reason=reason, **ALL, oldest="yes")
            assert "1 dead letter is back in the queue" in told
            await letters.until(run, "What became of it: (?:applied|superseded)")
            run, _ = await letters.act("/runs", action="replay", reason=reason, **ALL)
            await letters.until(run, rf"[1-9][\d,]* of {count - 1:,} so far")
            process.kill()
        await first.stop(signal.SIGKILL)

        async with letters_of(world, kit_worker) as (_, letters):
            ended = await letters.until(
                run, r"([\d,]+) dead letters are back in the queue of events, in their order"
            )
            gone = re.search(r"([\d,]+) (?:was|were) no longer there", await letters.see(run))
            assert number(ended[1]) + (number(gone[1]) if gone else 0) == count - 1
            group = run
            for other, _ in others:
                run, _ = await letters.act("/runs", action="replay", reason=other, **ALL)
                await letters.until(run, "in their order")
            await letters.until("", "There are none.")
            journal = await journal_of(letters)
            became = await letters.until(group, r"What became of (?:them|it): ([^.;]*)\.")
            assert "dead letter" not in became[1]
        await until_right(sandbox, events)
    assert "replay ended" in journal
    assert await depth(world.amqp_url, dead_letter_queue(world.account)) == 0


async def all_settled_by(*workers: Worker, count: int) -> None:
    """Wait until so many events are settled, by either of them."""
    async with asyncio.timeout(WITHIN):
        while len(dead_lettered(*workers)) < count:
            await asyncio.sleep(0.1)


def dead_lettered(*workers: Worker) -> set[str]:
    return {
        line["event_id"]
        for worker in workers
        for line in worker.log_lines()
        if line["event"] == "event_dead_lettered"
    }


async def groups(letters: Letters, dead: int) -> list[tuple[str, int]]:
    """Return the reasons with their counts, the largest first, once the index has all."""
    async with asyncio.timeout(WITHIN):
        while True:
            async with letters.session.get(f"{letters.root}{letters.place}") as answer:
                text = await answer.text()
            reasons = re.findall(r"group\?place=dead&amp;reason=([a-z_]+)", text)
            counts = [number(count) for count in re.findall(r'class="number">([\d,]+)<', text)]
            if sum(counts) == dead:
                return list(zip(reasons, counts, strict=True))
            await asyncio.sleep(0.1)


async def journal_of(letters: Letters) -> str:
    journal = letters.place.removesuffix("/dead-letters") + "/journal"
    async with letters.session.get(f"{letters.root}{journal}") as answer:
        return words(await answer.text())


async def until_right(sandbox: Sandbox, events: list[dict[str, Any]]) -> None:
    """Wait until everybody has in Kit what the events say."""
    async with asyncio.timeout(WITHIN):
        while wrong_people(sandbox, events):
            await asyncio.sleep(0.2)


async def test_what_rabbitmq_dead_letters_itself_is_found_archived_restored_and_discarded(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel
) -> None:
    """Given a letter of RabbitMQ's own making, it goes there and back as what it was."""
    async with Worker(world, tmp_path / "worker.log"), letters_of(world, kit_worker) as (_, letters):
        arguments: dict[str, Any] = {
            "x-message-ttl": 1, "x-expires": 60_000,
            "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE, "x-dead-letter-routing-key": world.account,
        }  # fmt: skip
        source = await channel.declare_queue(f"{world.account}-source", arguments=arguments)
        body = json.dumps({"type": "user.signed_up", "data": {"user": {"email": "no address"}}}).encode()
        await channel.default_exchange.publish(aio_pika.Message(body), source.name)

        number = await letters.number_of_one("expired")
        before = await letters.see(f"/letters/{number}/body")
        assert '"email": "no address"' in before
        ids = re.search(r"Event id (\S+) .* Letter id (\S+)", before)
        assert ids is not None
        _, told = await letters.act("/runs", action="archive", **one(number, ids[2]))
        assert "1 dead letter is in the archive." in told
        assert await depth(world.amqp_url, archive_queue(world.account)) == 1
        _, told = await letters.act("/runs", action="restore", **one(number, ids[2]), place="archive")
        assert "1 dead letter is among the dead letters again." in told
        after = await letters.see(f"/letters/{number}/body")
        assert ids[0] in after
        _, told = await letters.act("/runs", action="discard", **one(number, ids[2]), sure="yes")
        assert "1 dead letter is deleted for good." in told
        assert await depth(world.amqp_url, dead_letter_queue(world.account)) == 0
        await source.delete(if_unused=False, if_empty=False)
        await channel.queue_delete(archive_queue(world.account))


async def test_a_letter_is_mended_and_its_event_applied(
    world: World, kit_worker: Shell, tmp_path: Path, channel: AbstractChannel, sandbox: Sandbox
) -> None:
    """Given an event with a wrong address, only one with a right one is replayed, and is applied."""
    async with (
        Worker(world, tmp_path / "worker.log") as worker,
        letters_of(world, kit_worker) as (_, letters),
    ):
        await publish(channel, world.exchange, [BAD])
        await all_settled(worker, 1)
        number = await letters.number_of_one("invalid_event")
        found = re.search(r"Letter id (\S+)", await letters.see(f"/letters/{number}"))
        assert found is not None
        mend = partial(letters.act, f"/letters/{number}/mend", id=found[1])
        _, told = await mend(body=json.dumps(BAD))
        assert "Nothing was replayed: " in told
        user = {"user": {"email": "ada@example.com"}}
        large = json.dumps({**BAD, "data": {**user, "x": "x" * MAX_BODY_BYTES}})
        _, told = await mend(body=large)
        assert "Nothing was replayed: the event has 262," in told
        assert "at most 262,144 (256 KiB) are taken" in told
        assert "xxx" in told  # what was typed is still there
        good: Mapping[str, Any] = {**BAD, "data": {**user, "x": "é" * (MAX_BODY_BYTES // 2 - 500)}}
        text = json.dumps(good, ensure_ascii=False, indent=2)
        _, told = await mend(body=text)
        assert "1 event was replayed in the place of letter" in told
        async with asyncio.timeout(WITHIN):
            while sandbox.account(world.key).find("ada@example.com") is None:
                await asyncio.sleep(0.1)
        assert await letters.see(f"/letters/{number}") != told
        assert "There are none." in await letters.see()
