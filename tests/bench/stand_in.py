"""The stand-in for Kit, in a process of its own, and how the benchmark looks at it.

As a program it serves a sandbox until its standard input ends, so that it never outlives the benchmark.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from tests.bench.model import FIELDS, TAGS, State
from worker.kit.limiter import WINDOW
from worker.sandbox import Sandbox, serve

LATENCY: Final = 0.020


@dataclass(frozen=True, slots=True)
class Call:
    """One call to Kit that was answered; monotonic seconds, of the clock that all processes here share.

    Attributes:
        account: The API key or access token of its account.
        caller: What its User-Agent says.
        endpoint: Method and path, without ids.
        path: With them.
    """

    sequence: int
    arrived: float
    ended: float
    method: str
    account: str
    status: int
    caller: str
    endpoint: str
    path: str


class StandIn:
    """Control over the stand-in for Kit, past its API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.url = url
        self._session = session
        self._names: dict[str, str] = {}

    async def open_accounts(
        self,
        *keys: str,
        limits: Mapping[str, int] | None = None,
        window: float = WINDOW,
        latency: float = LATENCY,
    ) -> None:
        """Forget everything, and open accounts that have tags and custom fields but no subscribers.

        Args:
            keys: Each account's API key or access token.
            limits: Calls in any `window`, by `api_key` and `oauth`; those left out have none.
            window: Seconds; Kit's is 60.
            latency: Seconds that every answer takes.
        """
        await self._order("reset", {})
        await self._order("limits", {"api_key": None, "oauth": None, "window": window, **(limits or {})})
        await self._order("settings", {"latency": latency})
        self._names = {}
        for key in keys:
            seed: dict[str, object] = {"account": key, "tags": list(TAGS), "custom_fields": list(FIELDS)}
            self._names[key] = str((await self._order("seed", seed))["name"])

    async def call_count(self) -> int:
        """Return how many calls were answered so far."""
        return sum(int(total["count"]) for total in (await self._look("calls", limit=1))["totals"])

    async def write_count(self) -> int:
        """Return how many calls that may change something were answered with 2xx so far."""
        totals = (await self._look("calls", limit=1))["totals"]
        return sum(
            int(total["count"])
            for total in totals
            if not total["endpoint"].startswith("GET ") and _is_well(total["status"])
        )

    async def refused(self) -> dict[str, int]:
        """Return how many calls were answered otherwise than 2xx, by endpoint and status."""
        totals = (await self._look("calls", limit=1))["totals"]
        return {
            f"{total['endpoint']}: {total['status']}": int(total["count"])
            for total in totals
            if not _is_well(total["status"])
        }

    async def calls(self, since: int = 0) -> list[Call]:
        """Return all answered calls after the one of that number, in the order in which they came."""
        keys = {name: key for key, name in self._names.items()}
        calls = (await self._look("calls", limit=1_000_000, since=since))["calls"]
        return [
            Call(
                call["sequence"],
                call["arrived"],
                call["ended"],
                call["method"],
                keys.get(call["account"], ""),
                call["status"],
                call["user_agent"],
                call["endpoint"],
                call["path"],
            )
            for call in calls
            if call["ended"] is not None and call["status"] is not None
        ]

    async def subscribers(self, key: str) -> dict[str, State]:
        """Return what an account says of its subscribers, by email address."""
        return {
            person["email_address"]: State(person["first_name"], set(person["tags"]), person["fields"])
            for person in await self._people(key)
        }

    async def ids(self, key: str) -> dict[str, int]:
        """Return the ids of an account's subscribers, by email address."""
        return {person["email_address"]: person["id"] for person in await self._people(key)}

    async def _people(self, key: str) -> list[dict[str, Any]]:
        accounts = (await self._look("state"))["accounts"]
        (account,) = [account for account in accounts if account["name"] == self._names[key]]
        return list(account["subscribers"])

    async def _look(self, what: str, **query: int) -> dict[str, Any]:
        async with self._session.get(f"{self.url}/_sandbox/{what}", params=query) as answer:
            return dict(await answer.json())

    async def _order(self, what: str, order: dict[str, object]) -> dict[str, Any]:
        async with self._session.post(f"{self.url}/_sandbox/{what}", json=order) as answer:
            if answer.status != 200:
                raise RuntimeError(f"The sandbox refused {what}: {await answer.text()}")
            return dict(await answer.json())


def _is_well(status: int | None) -> bool:
    return status is not None and 200 <= status < 300


def writes(calls: Iterable[Call]) -> list[Call]:
    """Return the calls that may change something."""
    return [call for call in calls if call.method != "GET"]


async def main() -> None:
    """Serve, say where on standard output, and end with standard input."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # A caller that is killed leaves a request half sent; that is nobody's mistake.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    loop.add_reader(sys.stdin, stop.set)  # nothing is ever written to it: readable means that it ended
    sandbox = Sandbox(limit=False, latency=LATENCY)

    def announce(url: str) -> None:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()

    await serve(sandbox, port=0, ready=announce, stop=stop)


if __name__ == "__main__":
    asyncio.run(main())
