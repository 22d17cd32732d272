"""How many dead letters were put aside in each account, asked of RabbitMQ once; nothing is made by that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from worker.broker.looking import Looking
from worker.broker.queues import connected
from worker.broker.topology import archive_queue
from worker.errors import BrokerUnavailable


class Archives(NamedTuple):
    """How many dead letters are in the archives.

    Attributes:
        counts: By account; those that have no archive are not in it.
        problem: Why that is not known, for people; empty where it is.
    """

    counts: Mapping[str, int]
    problem: str = ""


async def look_into_archives(amqp_url: str, accounts: Iterable[str]) -> Archives:
    """Return how many dead letters are in the archives of these accounts.

    Raises:
        ConfigurationError: The URL is none.
    """
    try:
        async with connected(amqp_url, "status") as connection:
            names = sorted(accounts)
            found = await Looking(connection).depths(map(archive_queue, names))
    except BrokerUnavailable as error:
        return Archives({}, str(error))
    depths = zip(names, found.values(), strict=True)
    return Archives({name: depth for name, depth in depths if depth is not None})
