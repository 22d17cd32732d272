"""The nodes of one RabbitMQ cluster, any of which will do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from hashlib import sha256

from yarl import URL

from worker.broker.connection import Connection, connect
from worker.errors import BrokerUnavailable


def in_turn(urls: Iterable[URL], worker_id: str) -> tuple[URL, ...]:
    """Return the nodes in the order in which a worker tries them, which is its own.

    All workers are told the same list. Did each begin with the first, that node would carry all of them, and
    take all accounts along when it is lost; and then the next one would.
    """

    def place(url: URL) -> bytes:
        return sha256(f"{worker_id}\0{url.host}:{url.port}".encode()).digest()

    return tuple(sorted(urls, key=place))


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
