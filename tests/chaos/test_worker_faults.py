"""What may happen to a worker process: nobody is wrong afterwards, and nothing is lost."""

import asyncio
import signal

import pytest

from tests.chaos.harness import Arena
from tests.chaos.proxy import Proxy
from tests.chaos.worker_faults import few_files, loop_blocked
from tests.integration.harness import until
from worker.broker.address import HEARTBEAT
from worker.sandbox import Fault, FaultKind, Rule

pytestmark = pytest.mark.timeout(180)


async def test_no_fault(arena: Arena) -> None:
    """Given no fault at all, the checker is content, and each event is applied once."""
    async with arena.running(events=400):
        await arena.green()
        async with arena.beside_goes_on():
            await arena.settled(100)
    assert arena.row is not None
    assert sum(verdict.again for verdict in arena.row.verdicts) == 0


@pytest.mark.parametrize("landed", [False, True], ids=["not-landed", "landed"])
async def test_kill_9_while_kit_holds_a_request(arena: Arena, *, landed: bool) -> None:
    """Given requests that Kit took and never answered, whether done or not, a kill loses nothing."""
    async with arena.running(events=600, per_second=100):
        await arena.calls(60)
        # Not where a tag or a field is made: for that all wait, and no more calls are under way.
        fault = Fault(FaultKind.HANG, applied=landed)
        hang = Rule(fault, account=arena.main.name, when=lambda call: "subscribers" in call.path)
        arena.sandbox.faults.add(hang)
        await until(lambda: hang.struck >= arena.at_once)
        await arena.kill(arena.worker)
        arena.sandbox.faults.clear()
        await arena.start_again(arena.worker)


async def test_kill_9_with_kits_answer_unread(arena: Arena) -> None:
    """Given answers of Kit that lie in the socket of a worker that is then killed, nothing is lost."""
    async with arena.running(events=600, per_second=100):
        await arena.calls(60)
        arena.sandbox.faults.add(Rule(Fault(FaultKind.SLOW, delay=2), account=arena.main.name))
        await until(lambda: len(arena.calls_under_way()) >= arena.at_once)
        arena.worker.process.send_signal(signal.SIGSTOP)
        await until(lambda: not arena.calls_under_way())
        await arena.kill(arena.worker)
        arena.sandbox.faults.clear()
        await arena.start_again(arena.worker)


async def test_kill_9_with_acks_that_never_arrive(arena: Arena) -> None:
    """Given events that Kit has and whose acks are under way, a kill has them applied once more."""
    proxy = Proxy(arena.amqp_url)
    async with proxy.open():
        arena.world.amqp_url = proxy.url
        async with arena.running(events=600, per_second=100):
            await arena.settled(100)
            proxy.deaf = True
            settled = len(arena.outcomes().of)
            await arena.settled(settled + 20)
            await arena.kill(arena.worker)
            proxy.deaf = False
            await arena.start_again(arena.worker)
    assert arena.row is not None
    main = arena.row.verdicts[0]
    assert main.again + main.outcomes["duplicate"] >= 20


async def test_sigterm_in_mid_batch_and_a_second_one(arena: Arena) -> None:
    """Given SIGTERM while Kit is slow, the worker waits for the answers; asked again, it ends at once."""
    async with arena.running(events=600, per_second=100):
        await arena.calls(60)
        slow = arena.sandbox.faults.add(Rule(Fault(FaultKind.SLOW, delay=12), account=arena.main.name))
        await until(lambda: slow.struck >= arena.at_once)
        arena.worker.process.send_signal(signal.SIGTERM)
        await until(lambda: "stopping" in arena.worker.events_logged())
        await asyncio.sleep(1)
        assert arena.worker.alive, "it did not wait for the calls under way"
        async with asyncio.timeout(5):
            assert await arena.worker.stop() == 0
        arena.note_death(arena.worker)
        await asyncio.sleep(12)  # what Kit took before must land before the next worker writes
        arena.sandbox.faults.clear()
        await arena.start_again(arena.worker)


async def test_25_kills_in_a_row(arena: Arena) -> None:
    """Given a worker that is killed 25 times with the same events in hand, none becomes a dead letter."""
    arena.sandbox.latency = 0.2
    async with arena.running(events=200, workers=(), PREFETCH="10"):
        worker = arena.add_worker("one", PREFETCH="10")
        for _ in range(25):
            calls = len(arena.sandbox.journal.calls)
            await worker.launch()
            await until(lambda calls=calls: len(arena.sandbox.journal.calls) > calls + 4)  # type: ignore[misc]
            await arena.kill(worker)
        arena.sandbox.latency = 0.01
        await arena.start_again(worker)


async def test_a_blocked_event_loop(arena: Arena) -> None:
    """Given a loop that stands still for 3 s again and again, it is said, and no connection is lost."""
    async with arena.running(events=600, per_second=60):
        for _ in range(3):
            await arena.settled(len(arena.outcomes().of) + 40)
            async with loop_blocked(arena):
                pass
        await until(lambda: arena.worker.events_logged().count("loop_blocked") >= 3)
    assert "broker_lost" not in arena.worker.events_logged()


async def test_few_file_descriptors(arena: Arena) -> None:
    """Given no file descriptor left when connections break, the worker stays, and recovers with them."""
    async with arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with few_files(arena):
            await arena.broker.rabbitmqctl("close_all_connections", "test")
            await arena.red()
            await until(lambda: "broker_unreachable" in arena.worker.events_logged())
            await asyncio.sleep(5)
            assert arena.worker.alive
        await arena.green()


@pytest.mark.timeout(300)
async def test_sigstop_for_three_heartbeats(arena: Arena) -> None:
    """Given a worker that stood still until another took over, it calls Kit no more: they never overlap."""
    async with arena.running(events=900, workers=("one", "two"), per_second=arena.pace):
        await arena.calls(60)
        sleeper = max(arena.workers, key=lambda worker: worker.events_logged().count("event_applied"))
        sleeper.process.send_signal(signal.SIGSTOP)
        arena.sandbox.latency = 0.1
        await arena.red(sleeper)
        await asyncio.sleep(3 * HEARTBEAT)
        woken = arena.sandbox.monotonic()
        sleeper.process.send_signal(signal.SIGCONT)
        await until(lambda: "broker_lost" in sleeper.events_logged(), 60)
        late = [call for call in arena.sandbox.journal.calls if call.arrived > woken]
        assert not [call for call in late if f"({sleeper.name})" in call.user_agent and call.method != "GET"]


@pytest.mark.full
@pytest.mark.timeout(300)
async def test_kits_limit_holds_while_connections_break(arena: Arena) -> None:
    """Given Kit's limit and sessions that break in mid-work, no call is answered 429."""
    limit = 60 if arena.bulk else 300
    arena.limit(limit)
    async with arena.running(events=900, people=300, settle=200, per_second=arena.pace):
        for part in (1 / 3, 2 / 3, 14 / 15):
            await arena.calls(round(limit * part))
            await arena.broker.rabbitmqctl("close_all_connections", "test")
    assert arena.row is not None
    assert limit * 5 / 6 <= arena.row.verdicts[0].peak <= limit
