"""What the connection test finds in RabbitMQ that a person should see to; a new look is a line in `look`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from worker.broker.connection import OpensChannels
from worker.broker.queues import QueueState, queue_state
from worker.broker.rights import missing_rights, wrong_type
from worker.broker.topology import DEAD_LETTER_EXCHANGE, dead_letter_queue, work_queue


class Weight(StrEnum):
    """How much a finding matters."""

    NOTE = "note"
    LOOK = "LOOK"
    """It works, but something needs a person."""
    WRONG = "WRONG"
    """The worker cannot do its work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that was found.

    Attributes:
        what: What it is about, as `queue kit.sunny.dead`.
        text: What is so, and what to do about it.
    """

    what: str
    text: str
    weight: Weight


async def look(
    connection: OpensChannels, events_exchange: str, accounts: Iterable[str]
) -> tuple[Finding, ...]:
    """Return what there is to see to; it only looks.

    Raises:
        BrokerUnavailable: RabbitMQ did not answer.
    """
    found = [
        *await _type(connection, events_exchange, "topic"),
        *await _type(connection, DEAD_LETTER_EXCHANGE, "direct"),
    ]
    for account in accounts:
        found += await _rights(connection, events_exchange, account)
        found += _waiting(account, await queue_state(connection, work_queue(account)))
        found += _dead(account, await queue_state(connection, dead_letter_queue(account)))
    return tuple(dict.fromkeys(found))  # what is lacking for all accounts is said once


async def _type(connection: OpensChannels, exchange: str, wanted: str) -> Iterator[Finding]:
    kind = await wrong_type(connection, exchange, wanted)
    text = f"it is of type {kind}, and has to be {wanted}: delete it in RabbitMQ, and declare it as that"
    return iter([Finding(f"exchange {exchange}", text, Weight.WRONG)] if kind else [])


async def _rights(connection: OpensChannels, events_exchange: str, account: str) -> list[Finding]:
    lacking = await missing_rights(connection, events_exchange, account)
    return [
        Finding(
            "rights",
            f"the user of AMQP_URL may not {right}: grant it with rabbitmqctl set_permissions",
            Weight.WRONG,
        )
        for right in lacking
    ]


def _waiting(account: str, state: QueueState | None) -> Iterator[Finding]:
    if state is not None and state.ready and not state.consumers:
        text = (
            f"{state.ready} wait, and no worker takes them: start one, or see kit-worker status for why not"
        )
        yield Finding(f"events of {account}", text, Weight.LOOK)


def _dead(account: str, state: QueueState | None) -> Iterator[Finding]:
    if state is not None and state.ready:
        text = f"{state.ready} wait for a person: kit-worker dead-letters list --account {account}"
        yield Finding(f"dead letters of {account}", text, Weight.LOOK)
