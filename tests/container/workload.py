"""The trial's accounts and events, and what should be true of everybody in the end."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, PublishError

from tests.integration.expected import expected, make_events
from tests.integration.harness import MANY

KEYS_FOLDER: Final = "keys"
EXCHANGE: Final = "platform.events"
RETRY: Final = 0.5
AWAY: Final = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What a publisher meets while RabbitMQ is away."""


@dataclass(frozen=True, slots=True)
class TrialAccount:
    """One account: odd ones have their key in the environment, even ones in a file."""

    number: int

    @property
    def name(self) -> str:
        """The account's name, which is its app's too."""
        return f"trial-{self.number:02d}"

    @property
    def key(self) -> str:
        """Its API key; the last four characters are its own, as the sandbox shows only these."""
        return f"kit_trial{self.number:08d}{self.number:04d}"

    def write(self, config: Path) -> list[str]:
        """Write its files, and return what has to stand in the environment."""
        if self.number % 2:
            kit, lines = f"api_key_env: KIT_API_KEY_{self.number}", [f"KIT_API_KEY_{self.number}={self.key}"]
        else:
            kit, lines = f"api_key_file: {KEYS_FOLDER}/{self.name}", []
            (config / KEYS_FOLDER / self.name).write_text(f"{self.key}\n", encoding="utf-8")
        text = f"app: {self.name}\nkit: {{{kit}}}\n{MANY}"
        (config / "accounts" / f"{self.name}.yaml").write_text(text, encoding="utf-8")
        return lines


@dataclass(frozen=True, slots=True)
class Workload:
    """Events of every account, each account's in their order.

    Attributes:
        events: By account.
    """

    events: Mapping[TrialAccount, list[dict[str, Any]]]

    @classmethod
    def made(cls, accounts: Iterable[TrialAccount], each: int) -> Workload:
        """Make so many events for each account, of a sixth as many people."""
        return cls({account: make_events(each, each // 6, seed=account.number) for account in accounts})

    @property
    def count(self) -> int:
        """How many events there are."""
        return sum(map(len, self.events.values()))

    def wrong_people(self, kit_accounts: Iterable[Mapping[str, Any]]) -> list[str]:
        """Return a line for everybody who is not in the sandbox as the events say, or should not be there."""
        by_key = {each["credential"]: each["subscribers"] for each in kit_accounts}
        return [
            line
            for account, events in self.events.items()
            for line in _wrong(account.name, by_key.get(f"…{account.key[-4:]}", []), events)
        ]


def _wrong(account: str, subscribers: list[dict[str, Any]], events: list[dict[str, Any]]) -> Iterable[str]:
    found = {each["email_address"]: each for each in subscribers}
    should_be = expected(events)
    for email in sorted({*found, *should_be}):
        person, should = found.get(email), should_be.get(email)
        if person is None or should is None:
            yield f"{account}: {email} is {'missing' if person is None else 'nobody we know'}"
        elif set(person["tags"]) != should.tags or person["fields"] != should.fields:
            yield f"{account}: {email} is {person['tags']}, {person['fields']} and should be {should}"


async def publish(amqp_url: str, workload: Workload, part: slice, per_second: float) -> None:
    """Publish a part of each account's events at that pace over all, confirmed and mandatory.

    What is not confirmed is published once more, as a platform does, over a new connection.
    """
    loop = asyncio.get_running_loop()
    started, sent = loop.time(), 0
    rows = deque(zip(*(events[part] for events in workload.events.values()), strict=True))
    while rows:
        try:
            async with await aio_pika.connect(amqp_url, timeout=10) as connection:
                exchange = await (await connection.channel()).get_exchange(EXCHANGE)
                while rows:
                    pairs = zip(workload.events, rows[0], strict=True)
                    await asyncio.gather(
                        *(_publish_one(exchange, account, event) for account, event in pairs)
                    )
                    sent += len(rows.popleft())
                    await asyncio.sleep(max(0.0, started + sent / per_second - loop.time()))
        except PublishError:  # it went to no queue: that is no outage
            raise
        except AWAY:
            await asyncio.sleep(RETRY)


async def _publish_one(exchange: AbstractExchange, account: TrialAccount, event: Mapping[str, Any]) -> None:
    body = json.dumps(event).encode()
    message = aio_pika.Message(body, delivery_mode=2, content_type="application/json")
    await exchange.publish(message, f"{event['type']}.{account.name}", timeout=10)
