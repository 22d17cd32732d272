"""Looks at queues again and again on one channel, which is opened anew only after a queue was not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from worker.broker.connection import OpensChannels
from worker.broker.few_channels import FewChannels
from worker.broker.pipeline import find, is_queue


class Looking:
    """Looks at queues, all at once.

    Args:
        connection: Where its one channel is opened.
    """

    def __init__(self, connection: OpensChannels) -> None:
        self._channel = FewChannels(connection)

    async def depths(self, queues: Iterable[str]) -> Mapping[str, int | None]:
        """Return how many messages are ready in each queue; None where there is no such queue.

        Raises:
            BrokerUnavailable: They could not be asked.
        """
        names = list(queues)
        found = await find(self._channel, [is_queue(name) for name in names])
        return {
            name: None if each is None else each.message_count or 0
            for name, each in zip(names, found, strict=True)
        }
