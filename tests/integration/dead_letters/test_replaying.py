"""Dead letters in a real RabbitMQ: replaying loses nothing, whatever fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from tests.integration.dead_letters.box import Box, Done, eventually
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.queues import connected, delete_queue
from worker.broker.topology import dead_letter_queue, work_queue
from worker.dead_letters.listing import look
from worker.dead_letters.operations import replay
from worker.dead_letters.reader import WINDOW
from worker.dead_letters.selection import Selection
from worker.errors import BrokerUnavailable


async def test_replay_puts_back_what_is_selected_oldest_first_as_it_was(
    box: Box, publisher: Publisher
) -> None:
    await box.fill({}, {"x-reason": "kit_rejected"}, {})
    done = Done()
    for _ in range(25):  # which RabbitMQ counts as deliveries of the letter, and not of the event
        await look(box.connection, box.account)

    await replay(
        box.connection, publisher, box.account, Selection(reasons=frozenset({"invalid_event"})), done
    )

    events = await box.take(2)
    assert done == ["e1", "e3"]
    assert [json.loads(event.body)["number"] for event in events] == [1, 3]
    assert events[0].headers == {
        "kept": "yes", "x-event-id": "e1", "x-original-routing-key": "user.signed_up",
        "x-event-time": "2026-07-01T10:00:01Z",
    }  # fmt: skip
    assert events[0].delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert not events[0].redelivered
    await box.all_back(1)


async def test_letters_behind_many_that_do_not_match_are_reached(box: Box, publisher: Publisher) -> None:
    """Given more unmatched letters than may be on their way at once, those behind them are reached."""
    others: list[dict[str, str]] = [{"x-reason": "kit_rejected"} for _ in range(WINDOW + 20)]
    await box.fill({}, *others, {})
    done = Done()

    await replay(
        box.connection, publisher, box.account, Selection(reasons=frozenset({"invalid_event"})), done
    )

    assert done == ["e1", f"e{WINDOW + 22}"]
    await box.all_back(WINDOW + 20)


async def test_an_event_that_fails_again_is_not_replayed_for_ever(box: Box, publisher: Publisher) -> None:
    """Given a worker that dead-letters each event again at once, replay ends after as many as there were."""
    await box.fill({}, {}, {})
    queue = await box.channel.get_queue(work_queue(box.account), ensure=False)

    async def fail_again(event: AbstractIncomingMessage) -> None:
        again = aio_pika.Message(event.body, headers={**event.headers, "x-reason": "invalid_event"})
        await box.channel.default_exchange.publish(again, dead_letter_queue(box.account))
        await event.ack()

    tag = await queue.consume(fail_again)
    done = Done()
    async with asyncio.timeout(20):
        await replay(box.connection, publisher, box.account, Selection(), done)
        await box.all_back(3)
    await queue.cancel(tag)

    assert done == ["e1", "e2", "e3"]


async def test_without_a_work_queue_nothing_leaves_the_dead_letters(box: Box, publisher: Publisher) -> None:
    await box.fill({}, {})
    await delete_queue(box.connection, work_queue(box.account))
    done = Done()

    with pytest.raises(BrokerUnavailable, match="no queue takes messages"):
        await replay(box.connection, publisher, box.account, Selection(), done)

    assert done == []
    await box.all_back(2)


async def test_a_connection_that_breaks_after_the_confirm_makes_two_of_one_and_never_none(
    box: Box, publisher: Publisher, amqp_url: str
) -> None:
    """Given an end between the confirm and our ack, the letter is in both queues, and no other is lost."""
    await box.fill({}, {}, {})
    done = Done()

    class Breaking(Publisher):
        async def publish(self, message: Outgoing, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109
            await publisher.publish(message, timeout=timeout)
            if len(done) == 1:
                await breaking.close()

    async with connected(amqp_url, "test") as breaking:
        with pytest.raises(BrokerUnavailable):
            await replay(breaking, Breaking(breaking), box.account, Selection(), done)

    assert done == ["e1"]
    assert await box.waiting() == 2  # e1 and e2
    await box.all_back(2)  # e2 and e3


async def test_kill_9_in_the_midst_of_a_replay_loses_nothing(box: Box, amqp_url: str, tmp_path: Path) -> None:
    count = 1500
    await box.fill(*({} for _ in range(count)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", "dead-letters", "replay", "--all",
        "--account", box.account,
        env={"PATH": os.environ["PATH"], "AMQP_URL": amqp_url, "CONFIG_DIR": str(tmp_path)},
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip

    async def has_begun() -> bool:
        return await box.waiting() >= 20

    await eventually(has_begun)
    process.send_signal(signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL

    replayed = await _settled(box, count)

    left = [each.event_id for each in (await look(box.connection, box.account)).letters]
    assert 0 < len(left) < count
    assert {*left, *replayed} == {f"e{number}" for number in range(1, count + 1)}
    assert len(left) + len(replayed) <= count + 1  # at most the one at hand is in both


async def _settled(box: Box, count: int) -> list[str]:
    """Wait until RabbitMQ has noticed that the process is gone, then return the events in the work queue."""

    async def all_are_there() -> bool:
        return await box.waiting() + await box.dead() >= count

    await eventually(all_are_there)
    return [str(event.headers["x-event-id"]) for event in await box.take(await box.waiting())]
