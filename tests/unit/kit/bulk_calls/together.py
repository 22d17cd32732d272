"""Changes of many people as a session applies them: together, then by itself whoever is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import SecretStr

from tests.unit.kit.harness import KEY, Account
from worker.errors import TryLater
from worker.kit.auth.login import token_login
from worker.subscribers.change import Change
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

LOGIN = token_login(SecretStr(KEY))

BULK_VALUES = "POST /v4/bulk/custom_fields/subscribers 200"


def people(count: int) -> list[Subscriber]:
    return [Subscriber(Record(f"p{number}@example.com")) for number in range(count)]


def email(number: int) -> str:
    return f"p{number}@example.com"


async def settle(of: Account, asked: Mapping[Subscriber, Change]) -> Counter[str]:
    """Apply changes as a session does: together, then by itself whoever is left; what kept it, counted."""
    kept: Counter[str] = Counter()
    waiting = dict(asked)
    while waiting:
        end = await of.writer.apply_together(list(waiting.items()))
        assert end.error is None or not (end.done or end.alone)
        kept["error"] += end.error is not None
        kept["alone"] += len(end.alone)
        for subscriber in end.done:
            del waiting[subscriber]
        for subscriber in end.alone:
            try:
                await of.writer.apply(subscriber, waiting[subscriber])
            except TryLater:
                kept["alone later"] += 1
            else:
                del waiting[subscriber]
    return kept
