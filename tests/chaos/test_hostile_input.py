"""What one message, client or file may do to a worker: nobody else notices, however much it is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.chaos.harness import Arena
from tests.chaos.load import Message, Published
from tests.chaos.processes import WORKING, ChaosWorker
from tests.chaos.test_input_faults import with_among
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import until
from worker.consumer.prefetch import MANY_DELIVERIES
from worker.sandbox import Fault, FaultKind, Rule

pytestmark = pytest.mark.timeout(120)

# -- texts without an end ---------------------------------------------------------------------------------

LONG: Final = 250_000
HOSTILE_USERS: Final = {
    "an address without an end": {"email": "@ " + "a" * LONG},
    "an address of at signs": {"email": "a@" * (LONG // 2)},
    "an address of dots": {"email": "a." * (LONG // 2) + "@example.com"},
    "an id": {"id": "@ " + "a" * LONG, "email": "nobody"},
    "a key": {"@ " + "a" * LONG: "x", "email": "nobody"},
    "a key that is no text": {"@ " + "a" * LONG: "\0", "email": "ada@example.com"},
}


async def test_texts_without_an_end(arena: Arena) -> None:
    """Given events with a text of 250 kB in six places, each is a dead letter, and the loop never stops."""
    bad = [
        Message(
            name,
            "user.signed_up",
            json.dumps({"id": name, "data": {"user": user}}).encode(),
            readable="\0" not in user.values(),
        )
        for name, user in HOSTILE_USERS.items()
    ]
    async with (
        arena.running(events=with_among(list(make_events(300, 80, seed=89)), bad, 89)),
        arena.beside_goes_on(),
    ):
        await arena.settled(200)
    assert "loop_blocked" not in arena.worker.events_logged()
    assert max(map(len, arena.worker.log_text().splitlines())) < 20_000


BROKEN_CHUNK: Final = (
    b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n@ " + b"a" * 150_000 + b"\r\n"
)


async def test_a_request_whose_chunk_is_broken(arena: Arena) -> None:
    """Given clients of the HTTP port that send chunks of 150 kB which are none, the loop never stops."""
    async with arena.running(events=200, per_second=100):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", arena.worker.port)
            writer.write(BROKEN_CHUNK)
            await reader.read(1)
            writer.close()
            assert await arena.worker.works(arena.main.name)
    assert "loop_blocked" not in arena.worker.events_logged()
    assert max(map(len, arena.worker.log_text().splitlines())) < 20_000


# -- a log that cannot be written -------------------------------------------------------------------------


class LoggingWorker(ChaosWorker):
    """A worker whose standard error is what the test says."""

    stderr: int

    async def launch(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "worker", "run",
            env={**self._world.environment(), **self.environ},
            cwd=self.log.parent,
            stderr=self.stderr,
        )  # fmt: skip


@contextmanager
def nobody_reads(lines: int) -> Iterator[int]:
    """Yield the end of a pipe from which so many lines are read, and then it is closed, as `head` does."""
    read, write = os.pipe()

    def head() -> None:
        with os.fdopen(read) as file:
            for _ in range(lines):
                file.readline()

    reading = asyncio.get_running_loop().run_in_executor(None, head)
    try:
        yield write
    finally:
        os.close(write)
        assert reading.done()


@contextmanager
def reader_asleep() -> Iterator[int]:
    """Yield the end of a pipe from which nobody ever reads."""
    read, write = os.pipe()
    try:
        yield write
    finally:
        os.close(read)
        os.close(write)


@contextmanager
def disk_full() -> Iterator[int]:
    """Yield a file on a full disk."""
    with Path("/dev/full").open("wb") as file:
        yield file.fileno()


@pytest.mark.parametrize("way", ["reader-gone", "reader-asleep", "disk-full"])
async def test_a_log_that_fails(arena: Arena, way: str) -> None:
    """Given a log that fails from some line on, all is applied as ever, and SIGTERM ends the worker."""
    logs = {"reader-gone": nobody_reads(7), "reader-asleep": reader_asleep(), "disk-full": disk_full()}
    events = make_events(300, 60, seed=97)
    worker = LoggingWorker(arena.world, arena.folder, "one", PREFETCH="100")
    with logs[way] as worker.stderr:
        try:
            await worker.launch()
            await worker.until_works(arena.main.name)
            arena.publish(arena.main, events)
            await until(lambda: not wrong_people(arena.sandbox, events, arena.main.key), 60)

            assert (await worker.ready())[1]["accounts"][arena.main.name]["state"] in WORKING
            begun = time.monotonic()
            assert await worker.stop(signal.SIGTERM) == 0
            assert time.monotonic() - begun < 15
        finally:
            if worker.alive:
                await worker.stop(signal.SIGKILL)
            worker.close()


# -- memory, and time of the loop ---------------------------------------------------------------------------

MEGABYTE: Final = 1024 * 1024
SMALL_OBJECTS: Final = [{"a": number} for number in range(18_000)]


def peak_memory(pid: int) -> float:
    """Return the most memory that a process has had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def padded(event: dict[str, Any]) -> Message:
    """Return an event with a quarter of a megabyte of small objects."""
    body = json.dumps({**event, "data": {**event["data"], "notes": SMALL_OBJECTS}}).encode()
    return Message(event["id"], event["type"], body, event, becomes="")


@pytest.mark.timeout(180)
async def test_many_large_events_of_small_objects(arena: Arena) -> None:
    """Given more of them in hand than there is room for, fewer are taken, and memory stays bounded."""
    events: list[Published] = [padded(event) for event in make_events(320, 80, seed=101)]
    down = Rule(Fault(FaultKind.STATUS, status=500), account=arena.main.name)
    arena.sandbox.faults.add(down)
    async with arena.running(events=events, beside=False, settle=150.0):
        before = peak_memory(arena.worker.process.pid)
        await until(lambda: "messages_too_large" in arena.worker.events_logged(), 90.0)
        arena.sandbox.faults.clear()
        await arena.settled(len(events), seconds=120.0)
        assert peak_memory(arena.worker.process.pid) - before < 300


@pytest.mark.timeout(180)
async def test_bodies_of_twelve_megabytes(arena: Arena) -> None:
    """Given bodies far beyond the limit, each is a dead letter, and few of them are in hand at once."""
    body = b'{"data": "' + b"x" * 12 * MEGABYTE + b'"}'  # its id is the message's
    large = [Message(f"large-{number}", "user.signed_up", body, readable=False) for number in range(24)]
    events: list[Published] = [*make_events(20, 10, seed=103), *large]
    async with arena.running(events=events, beside=False):
        before = peak_memory(arena.worker.process.pid)
        await arena.settled(20)
        await arena.settle(120.0)
        assert peak_memory(arena.worker.process.pid) - before < 250


@pytest.mark.timeout(180)
async def test_a_file_with_a_thousand_rules(arena: Arena) -> None:
    """Given as many rules as a file may have, the events of all accounts go on, and everybody ends right."""
    rule = "      - {{when: {{data.shop.product: P{number}}}, add_tags: [Bought {number}]}}\n"
    rules = "".join(rule.format(number=number) for number in range(1200))
    own = "    add_tags: [Active Member]\n    remove_tags: [Cancelled]\n"
    file = arena.account_file(arena.main)
    mapped = f"events:\n  subscription.started:\n{own}    rules:\n{rules}"
    file.write_text(file.read_text(encoding="utf-8") + mapped, encoding="utf-8")
    async with arena.running(events=400):
        await arena.settled(100)
        async with arena.beside_goes_on():
            await arena.settled(300)
    assert "loop_blocked" not in arena.worker.events_logged()


@pytest.mark.full
@pytest.mark.timeout(400)
async def test_a_worker_that_many_messages_in_hand_kill(arena: Arena) -> None:
    """Given a worker that dies whenever it takes more than 12, it goes on with few, and nothing is dead."""
    slow = Rule(Fault(FaultKind.SLOW, delay=0.1), account=arena.main.name)
    arena.sandbox.faults.add(slow)
    kills = 0

    def taken() -> int:
        """How many messages it takes, by what its log said last; none where it is about to give them back."""
        told = [line for line in arena.worker.log_lines() if line.get("account") == arena.main.name]
        told = [
            line for line in told if line["event"] in {"subscribed", "redelivered_often", "session_ended"}
        ]
        return int(told[-1].get("prefetch", 0)) if told else 0

    arena.allow_redelivery()
    async with arena.running(events=150, PREFETCH="60", beside=False, settle=120.0):
        await arena.main.load.done.wait()
        while len(arena.outcomes().of) < 150:
            if taken() > 12:
                await asyncio.sleep(0.3)  # RabbitMQ sends what it may
            if taken() > 12:
                await arena.kill(arena.worker)
                kills += 1
                assert kills <= 30, f"{len(arena.outcomes().of)} events are settled"
                await arena.start_again(arena.worker)
            await asyncio.sleep(0.05)
    assert kills >= MANY_DELIVERIES
