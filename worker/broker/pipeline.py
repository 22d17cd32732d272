"""Several commands on one channel, sent at once: RabbitMQ carries them out one after another, in their order.

aio-pika waits for each answer before it sends the next command, which takes a round trip, a task and a write
to the socket each time. So these go by the channel of the layer under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import aiormq
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import AMQPChannelError, ChannelNotFoundEntity, ChannelPreconditionFailed
from aiormq import spec
from aiormq.abc import ChannelFrame
from aiormq.exceptions import ChannelAccessRefused
from pamqp.base import Frame

from worker.broker.connection import FAILURES, OpensChannels, answered_within, close_quietly
from worker.errors import BrokerUnavailable, TopologyMismatch

Command: TypeAlias = Frame
"""Something that RabbitMQ is asked, or told, to do."""

MOST: Final = 100
"""Commands that wait for their answers at once."""


def is_queue(name: str) -> Command:
    """Ask for a queue, and how many messages wait there; RabbitMQ closes the channel where there is none."""
    return spec.Queue.Declare(queue=name, passive=True)


def is_exchange(name: str) -> Command:
    """Ask for an exchange; RabbitMQ closes the channel where there is none."""
    return spec.Exchange.Declare(exchange=name, passive=True)


def queue(name: str, arguments: Mapping[str, Any]) -> Command:
    """Declare a durable queue."""
    return spec.Queue.Declare(queue=name, durable=True, arguments=dict(arguments))


def exchange(name: str, kind: ExchangeType) -> Command:
    """Declare a durable exchange."""
    return spec.Exchange.Declare(exchange=name, exchange_type=kind.value, durable=True)


def bound(queue: str, exchange: str, key: str) -> Command:
    """Bind a queue to an exchange."""
    return spec.Queue.Bind(queue=queue, exchange=exchange, routing_key=key)


def unbound(queue: str, exchange: str, key: str) -> Command:
    """Remove a binding; one that is gone is fine."""
    return spec.Queue.Unbind(queue=queue, exchange=exchange, routing_key=key)


class RefusedError(BrokerUnavailable):
    """RabbitMQ has closed the channel on which it was to carry out something."""


class NotAllowedError(RefusedError):
    """The user may not do that."""


async def carry_out(connection: OpensChannels, commands: Sequence[Command]) -> None:
    """Have all commands carried out, and hear of the last one only; the first that is refused ends it.

    Raises:
        TopologyMismatch: Something exists with other arguments; the text says what and what to do.
        RefusedError: RabbitMQ refuses it for another reason.
        BrokerUnavailable: The broker went away meanwhile.
    """
    for command in commands:
        if hasattr(command, "nowait"):  # RabbitMQ always answers an unbinding
            command.nowait = command is not commands[-1]
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                await _answers(channel, commands, [])
        except ChannelPreconditionFailed as error:
            raise TopologyMismatch(_mismatch(error)) from error
        except ChannelAccessRefused as error:
            raise NotAllowedError(_failed(error)) from error
        except AMQPChannelError as error:
            raise RefusedError(_failed(error)) from error
        except FAILURES as error:
            raise BrokerUnavailable(_failed(error)) from error


def _failed(error: BaseException) -> str:
    return f"a declaration failed: {error or type(error).__name__}"


def _mismatch(error: BaseException) -> str:
    """Return RabbitMQ's sentence about what differs, with what to do about it."""
    said = str(error).removeprefix("PRECONDITION_FAILED - ")
    return f"{said}. Let it run empty, delete it in RabbitMQ, and the worker declares it anew"


async def find(connection: OpensChannels, questions: Sequence[Command]) -> list[spec.Queue.DeclareOk | None]:
    """Return the answers to questions for queues or exchanges, None for each that is not there.

    Where one is not, RabbitMQ closes the channel, and the rest is asked anew.

    Raises:
        BrokerUnavailable: They could not be asked.
    """
    found: list[Any] = []
    at_once = MOST
    while len(found) < len(questions):
        async with connection.temporary_channel() as channel:
            try:
                while rest := questions[len(found) : len(found) + at_once]:
                    async with answered_within():
                        await _answers(channel, rest, found)
                    at_once = min(2 * at_once, MOST)
            except ChannelNotFoundEntity:
                found.append(None)
                at_once = 2  # where one is missing, the next one often is, and all behind it are sent in vain
            except FAILURES as error:
                problem = f"RabbitMQ did not answer: {error or type(error).__name__}"
                raise BrokerUnavailable(problem) from error
    return found


async def _answers(channel: AbstractChannel, commands: Sequence[Command], answers: list[Any]) -> None:
    """Send commands, and add the answers as they come; a channel that was left in between is closed."""
    raw = await channel.get_underlay_channel()
    if not isinstance(raw, aiormq.Channel):  # only that one shows what it sends, and gets
        raise TypeError(f"aiormq opened a {type(raw).__name__}")

    async def ask() -> None:
        async with raw.lock:
            await raw.write_queue.put(ChannelFrame.marshall(channel_number=raw.number, frames=commands))
            for command in commands:
                if getattr(command, "nowait", False):
                    continue
                answer = await raw.rpc_frames.get()
                raw.rpc_frames.task_done()
                if answer.name not in command.valid_responses:
                    raise ValueError(f"RabbitMQ answers {command.name} by {answer.name}")
                answers.append(answer)

    try:
        # aiormq ends it when the channel ends, and says why. Whoever asked may be called off: answers that
        # nobody takes would keep aiormq from reading anything more of the whole connection.
        await asyncio.shield(raw.create_task(ask()))
    except BaseException:
        await close_quietly(channel)  # answers that still come would be taken for others
        raise
