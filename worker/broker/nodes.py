"""The nodes of one RabbitMQ cluster, any of which will do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from yarl import URL

from worker.broker.connection import Connection, connect
from worker.errors import BrokerUnavailable


class Nodes:
    """Tries nodes in turn; the one that was tried last comes last the next time.

    So a node that takes a login and then loses its connections keeps nobody from the others.

    Args:
        urls: Where they are, at least one.
    """

    def __init__(self, urls: Iterable[URL]) -> None:
        self._urls = deque(urls)

    async def connect(self, name: str) -> Connection:
        """Open one connection, to the next node that takes it.

        Args:
            name: As RabbitMQ's own pages show the connection.

        Raises:
            BrokerUnavailable: None does; the text says why not, of each.
        """
        problems = list[str]()
        for url in list(self._urls):
            self._urls.rotate(-1)
            try:
                return await connect(url, name)
            except BrokerUnavailable as error:
                problems.append(str(error))
        raise BrokerUnavailable("; ".join(problems))
