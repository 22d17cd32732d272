"""The stand-in for Kit, in a process of its own, and how the benchmark looks at it.

As a program it serves a sandbox until its standard input ends, so that it never outlives the benchmark.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tests.bench.model import FIELDS, TAGS, State
from worker.sandbox import Sandbox, serve

LATENCY: Final = 0.020


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Kit that was answered; monotonic seconds, of the clock that all processes here share."""

    arrived: float
    ended: float
    method: str


class StandIn:
    """Control over the stand-in for Kit, past its API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._session = session
        self._account = ""

    async def open_account(self, key: str, *, limit: int | None = None) -> None:
        """Forget everything, and open an account that has its tags and custom fields but no subscribers.

        Args:
            key: The new account's API key.
            limit: Calls in any 60 s; None for no limit.
        """
        await self._order("reset", {})
        await self._order("limits", {"api_key": limit})
        seed: dict[str, object] = {"account": key, "tags": list(TAGS), "custom_fields": list(FIELDS)}
        self._account = str((await self._order("seed", seed))["name"])

    async def call_count(self) -> int:
        """Return how many calls were answered so far."""
        answer = await self._look("calls", limit=1)
        return sum(int(total["count"]) for total in answer["totals"])

    async def refused(self) -> dict[str, int]:
        """Return how many calls were answered otherwise than 2xx, by endpoint and status."""
        totals = (await self._look("calls", limit=1))["totals"]
        return {
            f"{total['endpoint']}: {total['status']}": int(total["count"])
            for total in totals
            if total["status"] is None or not 200 <= total["status"] < 300
        }

    async def calls(self) -> list[Call]:
        """Return all answered calls, in the order in which they came."""
        calls = (await self._look("calls", limit=1_000_000))["calls"]
        return [
            Call(call["arrived"], call["ended"], call["method"])
            for call in calls
            if call["ended"] is not None
        ]

    async def subscribers(self) -> dict[str, State]:
        """Return what the account says of its subscribers, by email address."""
        accounts = (await self._look("state"))["accounts"]
        (account,) = [account for account in accounts if account["name"] == self._account]
        return {
            person["email_address"]: State(person["first_name"], set(person["tags"]), person["fields"])
            for person in account["subscribers"]
        }

    async def _look(self, what: str, **query: int) -> dict[str, Any]:
        async with self._session.get(f"{self.url}/_sandbox/{what}", params=query) as answer:
            return dict(await answer.json())

    async def _order(self, what: str, order: dict[str, object]) -> dict[str, Any]:
        async with self._session.post(f"{self.url}/_sandbox/{what}", json=order) as answer:
            if answer.status != 200:
                raise RuntimeError(f"The sandbox refused {what}: {await answer.text()}")
            return dict(await answer.json())


def writes(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that may change something."""
    return [call for call in calls if call.method != "GET"]


async def main() -> None:
    """Serve, say where on standard output, and end with standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin, stop.set)  # nothing is ever written to it: readable means that it ended
    sandbox = Sandbox(limit=False, latency=LATENCY)

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    await serve(sandbox, port=0, ready=announce, stop=stop)


if __name__ == "__main__":
    asyncio.run(main())
