"""Dead letters in a real RabbitMQ: looking changes nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.dead_letters.box import Box, Done, eventually
from worker.broker.publisher import Publisher
from worker.broker.queues import delete_queue, queue_state
from worker.broker.topology import DEAD_LETTER_EXCHANGE, dead_letter_queue
from worker.dead_letters.listing import look
from worker.dead_letters.operations import replay, whole_letters
from worker.dead_letters.reader import WINDOW, reading
from worker.dead_letters.selection import Selection
from worker.errors import BrokerUnavailable


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
