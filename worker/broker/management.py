"""RabbitMQ's management API, for what AMQP has no question: which policies and bindings there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import aiohttp
from pydantic import SecretStr
from yarl import URL

from worker.broker.address import check_amqp_url
from worker.broker.topology import DEAD_LETTER_EXCHANGE, dead_letter_queue, work_queue
from worker.errors import BrokerUnavailable

TIMEOUT: Final = aiohttp.ClientTimeout(total=5.0)

HARM: Final[Mapping[str, str]] = {
    "max-length": "refuses messages beyond it",
    "max-length-bytes": "refuses messages beyond it",
    "overflow": "may drop messages that were confirmed",
    "message-ttl": "takes messages out before they are settled",
    "expires": "deletes the queue, with all that is in it, while nobody consumes it",
    "delivery-limit": "takes messages out after fewer deliveries",
    "dead-letter-exchange": "sends what is taken out elsewhere",
}
"""What a policy can do to a queue of the worker's, by its key; no policy is needed there."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the API tells of an account's queues.

    Attributes:
        harms: A sentence for each queue whose policy does harm.
        lacking: The keys by which the work queue should be bound, and is not.
        beyond: The keys by which it is bound and should not be; somebody may have bound it on purpose.
    """

    harms: tuple[str, ...]
    lacking: frozenset[str]
    beyond: frozenset[str]


def management_at(url: SecretStr | None, amqp_url: SecretStr) -> Management | None:
    """Return the API of the broker at an AMQP address; None where nobody said where it is."""
    return Management(url.get_secret_value(), amqp_url.get_secret_value()) if url else None


class Management:
    """The API of the broker at an AMQP address.

    Args:
        url: Of the API; a user name and password in it count, else those of the broker.
        amqp_url: The broker's.
    """

    def __init__(self, url: str, amqp_url: str) -> None:
        given, amqp = URL(url), check_amqp_url(amqp_url)[0]
        self.address = str(given.with_user(None).with_query(None))
        self._base = given.with_user(None).with_path("").with_query(None)
        login = given if given.user else amqp
        self._headers = {"Authorization": aiohttp.encode_basic_auth(login.user or "", login.password or "")}
        self._vhost = unquote(amqp.raw_path.removeprefix("/")) or "/"

    async def inspect(self, account: str, exchange: str, keys: Iterable[str]) -> Inspection:
        """Return what there is to say of an account's queues; nothing where they are not there.

        Args:
            account: Its name.
            exchange: The platform's.
            keys: By which the work queue should be bound.

        Raises:
            BrokerUnavailable: The API does not answer, or refuses the user.
        """
        queues = (work_queue(account), dead_letter_queue(account))
        async with aiohttp.ClientSession(headers=self._headers, timeout=TIMEOUT) as session:
            harms = [harm_of(await self._get(session, queue) or {}, queue) for queue in queues]
            bindings = await self._get(session, queues[0], "bindings")
        if bindings is None:
            return Inspection((), frozenset(), frozenset())
        bound = frozenset(str(each["routing_key"]) for each in bindings if each["source"] == exchange)
        wanted = frozenset(keys)
        return Inspection(tuple(filter(None, harms)), wanted - bound, bound - wanted)

    async def _get(self, session: aiohttp.ClientSession, queue: str, *more: str) -> Any:  # noqa: ANN401  # JSON
        parts = ("api", "queues", self._vhost, queue, *more)
        url = URL(f"{self._base}/{'/'.join(quote(part, safe='') for part in parts)}", encoded=True)
        try:
            async with session.get(url, allow_redirects=False) as response:
                if response.status == 404:
                    return None
                response.raise_for_status()
                return await response.json()
        except aiohttp.ClientResponseError as error:
            raise BrokerUnavailable(f"{self.address} answered {error.status} {error.message}") from error
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            why = str(error) or type(error).__name__
            raise BrokerUnavailable(f"{self.address} did not answer: {why}") from error


def harm_of(queue: Mapping[str, Any], name: str) -> str:
    """Return what a policy does to a queue that it should not; empty where it does no harm."""
    definition = queue.get("effective_policy_definition") or {}
    found = {key: definition[key] for key in HARM if key in definition}
    if found.get("dead-letter-exchange") == DEAD_LETTER_EXCHANGE:
        del found["dead-letter-exchange"]
    if found.get("overflow") == "reject-publish":
        del found["overflow"]
    if not found:
        return ""
    policies = " and ".join(filter(None, (queue.get("policy"), queue.get("operator_policy")))) or "it"
    said = ", ".join(f"{key} {value} {HARM[key]}" for key, value in found.items())
    return f"a policy ({policies}) is in force on {name}: {said}. Leave the queues kit.* out of it"
