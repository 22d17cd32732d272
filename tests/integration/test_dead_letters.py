"""Dead letters in a real RabbitMQ: looking changes nothing, and replaying loses nothing, whatever fails."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType

from tests.integration.conftest import BrokerControl
from worker.broker.connection import Connection
from worker.broker.publisher import Outgoing, Publisher
from worker.broker.queues import connected, delete_queue, queue_state
from worker.broker.topology import (
    DEAD_LETTER_EXCHANGE,
    dead_letter_queue,
    dead_letter_queue_arguments,
    work_queue,
    work_queue_arguments,
)
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.listing import look
from worker.dead_letters.operations import discard, replay, whole_letters
from worker.dead_letters.reader import WINDOW, Selection, reading
from worker.errors import BrokerUnavailable


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so in RabbitMQ, which can only be asked."""
    async with asyncio.timeout(20):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Box:
    """An account's queues, declared as the worker does, without a worker."""

    account: str
    channel: AbstractChannel
    connection: Connection

    async def fill(self, *letters: dict[str, str]) -> None:
        """Put dead letters in; the event's id is their number, from 1."""
        numbered = list(enumerate(letters, 1))
        for at in range(0, len(numbered), 200):
            await asyncio.gather(*(self._put(number, headers) for number, headers in numbered[at : at + 200]))

    async def _put(self, number: int, headers: dict[str, str]) -> None:
        given: HeadersType = {
            "x-reason": "invalid_event", "x-detail": "data.user.email: missing", "x-account": self.account,
            "x-event-type": "user.signed_up", "x-event-id": f"e{number}", "x-attempts": 1,
            "x-failed-at": f"2026-07-01T10:00:{number % 60:02}Z", "x-original-routing-key": "user.signed_up",
            "kept": "yes", **headers,
        }  # fmt: skip
        body = json.dumps({"number": number}).encode()
        message = aio_pika.Message(body, headers=given, message_id=f"letter-{number}", delivery_mode=2)
        await self.channel.default_exchange.publish(message, dead_letter_queue(self.account))

    async def dead(self) -> int:
        """How many dead letters wait."""
        return await self._ready(dead_letter_queue(self.account))

    async def waiting(self) -> int:
        """How many events wait in the work queue."""
        return await self._ready(work_queue(self.account))

    async def _ready(self, queue: str) -> int:
        state = await queue_state(self.connection, queue)
        return state.ready if state else 0

    async def all_back(self, count: int) -> None:
        """Wait until RabbitMQ has put back what was looked at, which it does a moment after the close."""

        async def are_back() -> bool:
            return await self.dead() == count

        await eventually(are_back)

    async def take(self, count: int) -> list[AbstractIncomingMessage]:
        """Consume so many events from the work queue, as a worker would."""
        queue = await self.channel.get_queue(work_queue(self.account), ensure=False)
        taken: list[AbstractIncomingMessage] = []
        async with asyncio.timeout(20), queue.iterator() as messages:
            async for message in messages:
                await message.ack()
                taken.append(message)
                if len(taken) == count:
                    break
        return taken


@pytest.fixture
async def box(amqp_url: str, channel: AbstractChannel, account_name: str) -> AsyncIterator[Box]:
    await channel.declare_exchange(DEAD_LETTER_EXCHANGE, "direct", durable=True)
    dead = dead_letter_queue(account_name)
    await channel.declare_queue(dead, durable=True, arguments=dead_letter_queue_arguments())
    await (await channel.get_queue(dead)).bind(DEAD_LETTER_EXCHANGE, account_name)
    await channel.declare_queue(
        work_queue(account_name), durable=True, arguments=work_queue_arguments(account_name)
    )
    async with connected(amqp_url, "test") as connection:
        yield Box(account_name, channel, connection)


@pytest.fixture
async def publisher(amqp_url: str) -> AsyncIterator[Publisher]:
    async with connected(amqp_url, "test") as connection:
        yield Publisher(connection)


class Done(list[str]):
    """The events that an operation says it is done with."""

    def __call__(self, letter: DeadLetter) -> None:
        self.append(letter.event_id)


# -- looking ----------------------------------------------------------------------------------------------


async def test_dead_letters_are_grouped_by_reason_and_named_one_by_one(box: Box) -> None:
    await box.fill({}, {"x-reason": "kit_rejected", "x-detail": "Kit answered 422"}, {"x-detail": "the last"})

    listing = await look(box.connection, box.account)

    groups = [
        (each.reason, each.count, each.oldest[-3:], each.newest[-3:], each.example) for each in listing.groups
    ]
    assert groups == [
        ("invalid_event", 2, "01Z", "03Z", "the last"),
        ("kit_rejected", 1, "02Z", "02Z", "Kit answered 422"),
    ]
    assert [(each.id, each.event_id) for each in listing.letters] == [
        ("letter-1", "e1"), ("letter-2", "e2"), ("letter-3", "e3"),
    ]  # fmt: skip


async def test_looking_fifty_times_takes_nothing_away(box: Box) -> None:
    """Given RabbitMQ's default delivery limit of 20, all would be gone by then."""
    await box.fill({}, {}, {})

    for _ in range(50):
        assert (await look(box.connection, box.account)).matching == 3


async def test_what_was_looked_at_is_there_again_for_the_next_command(box: Box, publisher: Publisher) -> None:
    """Given RabbitMQ gives back a moment after the close, `list` in a script leaves `replay` something."""
    await box.fill(*({} for _ in range(WINDOW)))
    done = Done()

    await look(box.connection, box.account)
    await replay(box.connection, publisher, box.account, Selection(), done)

    assert len(done) == WINDOW


async def test_all_of_a_large_queue_are_seen_in_their_order_though_all_are_held(box: Box) -> None:
    count = 2 * WINDOW + 50
    await box.fill(*({} for _ in range(count)))

    for _ in range(3):  # they go back in it, too
        listing = await look(box.connection, box.account)

        assert [each.event_id for each in listing.letters] == [f"e{number}" for number in range(1, count + 1)]
    await box.all_back(count)


async def test_letters_that_are_left_keep_their_order_while_others_are_taken_off(
    box: Box, publisher: Publisher
) -> None:
    """Given a replay of every second one of many, the rest is in the order that it had."""
    count = 2 * WINDOW + 50
    await box.fill(*({"x-reason": "kit_rejected"} if at % 2 else {} for at in range(count)))
    rejected = Selection(reasons=frozenset({"kit_rejected"}))

    await replay(box.connection, publisher, box.account, rejected, Done())

    left = [each.event_id for each in (await look(box.connection, box.account)).letters]
    assert left == [f"e{number}" for number in range(1, count + 1, 2)]


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(reasons=frozenset({"kit_rejected", "unknown_tag"})), ["e2", "e3"]),
        (Selection(types=frozenset({"order.paid"})), ["e3"]),
        (Selection(ids=frozenset({"letter-1", "e2"})), ["e1", "e2"]),
        (Selection(reasons=frozenset({"kit_rejected"}), types=frozenset({"order.paid"})), []),
    ],
)
async def test_a_selection_takes_what_fits_all_of_it(
    box: Box, selection: Selection, found: list[str]
) -> None:
    await box.fill(
        {}, {"x-reason": "kit_rejected"}, {"x-reason": "unknown_tag", "x-event-type": "order.paid"}
    )

    listing = await look(box.connection, box.account, selection)

    assert [each.event_id for each in listing.letters] == found
    assert (listing.ready, listing.looked_at, listing.matching) == (3, 3, len(found))


async def test_an_account_without_a_queue_has_no_dead_letters(box: Box, account_name: str) -> None:
    listing = await look(box.connection, f"{account_name}-never-ran")

    assert (listing.exists, listing.ready, listing.letters) == (False, 0, ())


async def test_what_another_tool_holds_is_said_to_be_missing(box: Box) -> None:
    await box.fill({}, {}, {})

    async with reading(
        box.connection, box.account, patience=0.2
    ) as late:  # has been told that there are three
        async with reading(box.connection, box.account) as early:
            assert [each.letter.event_id async for each in early.letters()] == ["e1", "e2", "e3"]
            assert [each async for each in late.letters()] == []
        listing = await look(box.connection, box.account)

    assert late.missing == 3
    assert listing.watchers >= 1


async def test_a_queue_that_is_deleted_meanwhile_is_an_error_and_no_endless_wait(box: Box) -> None:
    await box.fill(*({} for _ in range(WINDOW + 1)))

    async def delete_while_looking() -> None:
        async with reading(box.connection, box.account) as reader:
            async for _ in reader.letters():
                await delete_queue(box.connection, dead_letter_queue(box.account))

    with pytest.raises(BrokerUnavailable, match="went away"):
        await delete_while_looking()


async def test_a_queue_that_is_deleted_while_one_waits_is_not_said_to_be_empty(box: Box) -> None:
    """Given dead letters that another tool holds, when the queue goes, waiting for them ends as an error."""
    await box.fill({})
    queue = dead_letter_queue(box.account)

    async def both_consume() -> bool:
        state = await queue_state(box.connection, queue)
        return state is not None and state.consumers == 2

    async with (
        reading(box.connection, box.account, patience=10.0) as late,
        reading(box.connection, box.account) as early,
    ):
        assert [each.letter.event_id async for each in early.letters()] == ["e1"]
        waiting = asyncio.ensure_future(anext(late.letters()))
        await eventually(both_consume)
        await delete_queue(box.connection, queue)
        with pytest.raises(BrokerUnavailable, match="went away"):
            await asyncio.wait_for(waiting, 5)
    assert late.missing == 0


async def test_what_rabbitmq_dead_lettered_itself_is_read_from_its_own_account(
    box: Box, channel: AbstractChannel, publisher: Publisher
) -> None:
    """Given a message without any header of ours, it is listed, shown and replayed all the same."""
    arguments: dict[str, Any] = {
        "x-message-ttl": 1, "x-expires": 60_000,
        "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE, "x-dead-letter-routing-key": box.account,
    }  # fmt: skip
    source = await channel.declare_queue(f"{box.account}-source", arguments=arguments)
    message = aio_pika.Message(b'{"n": 1}', message_id="e-1", type="user.signed_up")
    await channel.default_exchange.publish(message, source.name)
    await box.all_back(1)

    (letter,) = (await look(box.connection, box.account)).letters
    done = Done()
    await replay(box.connection, publisher, box.account, Selection(), done)
    (event,) = await box.take(1)

    assert (letter.id[:4], letter.event_id, letter.reason) == ("e-1-", "e-1", "expired")
    assert letter.failed_at
    assert source.name in letter.detail
    assert done == ["e-1"]
    assert event.body == b'{"n": 1}'
    assert not [name for name in event.headers if "death" in name]
    await source.delete(if_unused=False, if_empty=False)


async def test_everything_of_a_letter_can_be_read_whole(box: Box) -> None:
    await box.fill({}, {})

    (letter,) = [
        each async for each in whole_letters(box.connection, box.account, Selection(ids=frozenset({"e2"})))
    ]

    assert json.loads(letter.body) == {"number": 2}
    assert letter.headers["kept"] == "yes"


# -- replaying --------------------------------------------------------------------------------------------


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


# -- discarding -------------------------------------------------------------------------------------------


async def test_discard_deletes_what_is_selected_and_only_among_those_asked_about(box: Box) -> None:
    await box.fill({}, {"x-reason": "kit_rejected"}, {}, {})
    done = Done()

    await discard(box.connection, box.account, Selection(reasons=frozenset({"invalid_event"})), done, among=3)

    assert done == ["e1", "e3"]
    await box.all_back(2)
    assert [each.event_id for each in (await look(box.connection, box.account)).letters] == ["e2", "e4"]
    assert await box.waiting() == 0


async def test_copies_of_a_dead_letter_are_one(box: Box, publisher: Publisher) -> None:
    """Given a letter that was published three times under one id, it counts once."""
    await box.fill({}, {})
    await box.fill({}, {}, {})  # the same two again, and a third
    listing = await look(box.connection, box.account)
    assert (listing.ready, listing.matching, listing.copies, len(listing.letters)) == (5, 3, 2, 3)
    await box.all_back(5)
    whole = [each.id async for each in whole_letters(box.connection, box.account, Selection())]
    assert whole == ["letter-1", "letter-2", "letter-3"]
    await box.all_back(5)

    done: list[DeadLetter] = []
    first = Selection(ids=frozenset({"letter-1"}))
    await replay(box.connection, publisher, box.account, first, done.append)
    assert ([each.id for each in done], await box.waiting()) == (["letter-1"], 1)
    await box.all_back(3)
    await discard(box.connection, box.account, Selection(), done.append)
    assert [each.id for each in done] == ["letter-1", "letter-2", "letter-3"]
    await box.all_back(0)


async def test_what_rabbitmq_took_out_under_one_id_is_two(box: Box) -> None:
    """Given two events that their publisher gave one id, and that no worker settled, neither is a copy."""
    death: HeadersType = {"x-death": [{"queue": work_queue(box.account), "reason": "delivery_limit"}]}
    for _ in range(2):
        message = aio_pika.Message(b"{}", headers=death, message_id="theirs", delivery_mode=2)
        await box.channel.default_exchange.publish(message, dead_letter_queue(box.account))
    assert (await look(box.connection, box.account)).matching == 2


async def test_what_expired_in_the_work_queue_is_told_as_such(box: Box, broker_ctl: BrokerControl) -> None:
    """Given a policy that lets events expire, their letters say so, and not that no worker settled them."""
    policy = ("--apply-to", "queues", box.account, f"^{work_queue(box.account)}$", '{"message-ttl": 50}')
    await broker_ctl.rabbitmqctl("set_policy", *policy)
    try:
        message = aio_pika.Message(b"{}", delivery_mode=2)
        await box.channel.default_exchange.publish(message, work_queue(box.account))
        await box.all_back(1)
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", box.account)
    (letter,) = (await look(box.connection, box.account)).letters
    assert letter.reason == "expired"
    assert "message-ttl" in letter.detail


async def test_a_publishers_headers_of_a_replay_do_not_outlive_the_death_of_its_event(
    box: Box, publisher: Publisher, broker_ctl: BrokerControl, events_exchange: str
) -> None:
    """Given forged headers of an event that RabbitMQ itself took out, letter and replay tell what is true."""
    forged: HeadersType = {
        "x-reason": "kit_rejected", "x-detail": "mine", "x-event-id": "forged", "x-event-arrival": "1",
        "x-event-time": "2020-01-01T00:00:00Z", "x-original-routing-key": "user.signed_up.rainy",
        "x-death": [{"queue": "other", "reason": "rejected"}], "x-delivery-count": 99,
    }  # fmt: skip
    exchange = await box.channel.declare_exchange(events_exchange, "topic", durable=True)
    await (await box.channel.get_queue(work_queue(box.account))).bind(exchange, "user.#")
    policy = ("--apply-to", "queues", box.account, f"^{work_queue(box.account)}$", '{"message-ttl": 50}')
    await broker_ctl.rabbitmqctl("set_policy", *policy)
    try:
        body = b'{"id": "e-1", "type": "user.signed_up", "data": {}}'
        await exchange.publish(
            aio_pika.Message(body, headers=forged, delivery_mode=2), "user.signed_up.sunny"
        )
        await box.all_back(1)
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", box.account)

    (letter,) = (await look(box.connection, box.account)).letters
    await replay(box.connection, publisher, box.account, Selection(ids=frozenset({"e-1"})), Done())
    (event,) = await box.take(1)

    assert (letter.reason, letter.event_id, letter.event_type) == ("expired", "e-1", "user.signed_up")
    assert letter.routing_key == "user.signed_up.sunny"
    assert event.headers["x-event-time"] == letter.failed_at  # as RabbitMQ notes it, for the event has none
    assert "x-event-arrival" not in event.headers
    assert event.headers["x-original-routing-key"] == "user.signed_up.sunny"
