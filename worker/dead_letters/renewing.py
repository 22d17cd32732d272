"""Making a dead-letter queue anew, with all that is in it: its arguments cannot be changed otherwise.

The letters go to a second queue and come back. Whatever ends it half-way, all of them are in one of the two,
and renewing again goes on. A letter that is in both for a moment is the same one, by its id.
"""

from __future__ import annotations

import asyncio
from typing import Final

from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import delete_queue, queue_state
from worker.broker.topology import Topology, dead_letter_queue
from worker.dead_letters.as_it_is import as_it_is
from worker.dead_letters.reader import reading
from worker.errors import BrokerUnavailable

LEFT_WITHIN: Final = 10.0
"""Seconds until RabbitMQ no longer counts a consumer that has left; usually it takes some milliseconds."""


async def renew(connection: Connection, publisher: Publisher, topology: Topology, account: str) -> int:
    """Make an account's dead-letter queue anew, while workers go on; return how many letters it holds.

    Raises:
        BrokerUnavailable: RabbitMQ went away, or somebody else holds letters; renewing again goes on.
        TopologyMismatch: The second queue is there, and somebody else's.
    """
    queue = dead_letter_queue(account)
    spare = f"{queue}.renewing"
    await topology.move_dead_letters(account, to=spare, instead_of=queue)
    await _empty(connection, publisher, account, source=queue, target=spare)
    await topology.move_dead_letters(account, to=queue, instead_of=spare)
    return await _empty(connection, publisher, account, source=spare, target=queue)


async def _empty(
    connection: Connection, publisher: Publisher, account: str, *, source: str, target: str
) -> int:
    """Move all letters and delete the queue they were in; return how many came over."""
    moved = 0
    while (state := await queue_state(connection, source)) and state.ready:
        async with reading(connection, account, queue=source) as reader:
            async for in_hand in reader.letters():
                await publisher.publish(as_it_is(in_hand.delivery, in_hand.letter.id, target))
                await reader.take_off(in_hand)
                moved += 1
        if reader.missing:
            raise BrokerUnavailable(f"{source}: {reader.missing} did not come; another tool holds them")
    await _consumed_by_nobody(connection, source)
    await delete_queue(connection, source)
    return moved


async def _consumed_by_nobody(connection: Connection, queue: str) -> None:
    try:
        async with asyncio.timeout(LEFT_WITHIN):
            # A look at it is all that RabbitMQ offers.
            while (state := await queue_state(connection, queue)) and state.consumers:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        raise BrokerUnavailable(f"{queue}: another tool consumes it, and may hold letters") from error
