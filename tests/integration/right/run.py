"""Publishes cases in many orders at once, through one worker, and tells whose tags or fields are wrong."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractChannel
from aiormq import spec

from tests.integration.expected import START
from tests.integration.harness import MANY, Worker, World, depth, readyz, until
from tests.integration.right.case import Case, Event, In, Right
from tests.integration.right.identity import NO_IDS
from tests.integration.right.ways import Way, batches, ways
from tests.integration.right.wrong import what_is_wrong
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

ENDS: Final = frozenset({"applied", "superseded", "duplicate", "ignored", "dead_lettered", "scheduled"})

PLATFORM_FIELDS: Final = (
    "mk_user_id", "mk_subscription_id", "mk_subscription_status", "mk_subscription_started_at",
)  # fmt: skip


@dataclass
class Filed:
    """One account with its file, and the cases that share it."""

    name: str
    key: str
    apps: Sequence[str]
    cases: list[tuple[Case, Sequence[Way]]] = field(default_factory=list)


@dataclass(frozen=True)
class Sent:
    """A message to publish."""

    account: Filed
    id: str
    routing_key: str
    body: bytes


def plain(event: Event, id_: str | None = None) -> dict[str, Any]:
    """Return an event as the platform sends it."""
    time = (START + timedelta(seconds=event["at"])).isoformat()
    return {"id": id_ or f"e{event['at']}", "type": event["type"], "time": time, "data": event["data"]}


class Run:
    """Cases, with accounts and ways, and what came of them.

    Args:
        world: Where workers and RabbitMQ are.
        sandbox: Kit.
        bulk: Whether accounts are known by a token that allows bulk calls.
        new_name: Makes names of accounts.
    """

    def __init__(self, world: World, sandbox: Sandbox, new_name: Callable[[], str], *, bulk: bool) -> None:
        self._world = world
        self._sandbox = sandbox
        self._secret = "access_token_env" if bulk else "api_key_env"
        self._new_name = new_name
        self._published: set[str] = set()
        self._begun = datetime.now(UTC)
        self.accounts: list[Filed] = []
        self.unheard: set[str] = set()

    def add(self, cases: Iterable[Case]) -> None:
        """Give each case an account; those that need the same file share it."""
        shared: dict[str, Filed] = {}
        for number, case in enumerate(cases):
            for chosen in batches(case, ways(case, f"c{number}w")):
                alone = case.moves or case.refuses or case.apps
                account = self._account(case) if alone or case.file not in shared else shared[case.file]
                if not alone:
                    shared[case.file] = account
                account.cases.append((case, chosen))
                self._prepare(account, case, chosen)

    def _account(self, case: Case) -> Filed:
        name = self._new_name()
        key = f"kit_{name.replace('-', '')}"
        apps = [f"{name}-{app}" for app in case.apps] or [name]
        variable = f"KIT_KEY_{name.upper().replace('-', '_')}"
        self._world.environ[variable] = key
        folder = self._world.config / "accounts"
        text = f"app: {json.dumps(apps)}\nkit: {{{self._secret}: {variable}}}\n{case.file}"
        has_options = "options:" in case.file
        text = text.replace("options: {", f"{MANY.rstrip()[:-1]}, ") if has_options else f"{text}\n{MANY}"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        self._sandbox.account(key).configure(name=name)
        self.accounts.append(Filed(name, key, apps))
        return self.accounts[-1]

    def _prepare(self, account: Filed, case: Case, chosen: Sequence[Way]) -> None:
        kit = self._sandbox.account(account.key)
        for tag in case.tags:
            kit.add_tag(tag)
        for way, (address, tags) in itertools.product(chosen, case.had.items()):
            kit.add_subscriber(way.address(address), tags=tags)
        if case.refuses:
            for key in PLATFORM_FIELDS:
                kit.add_custom_field(key)
            one, many = Fault(FaultKind.STATUS, status=422), Fault(FaultKind.ENTRIES, error="Limit reached")
            at = {"account": account.name, "method": "POST"}
            self._sandbox.faults.add(Rule(one, path="/v4/custom_fields", **at))  # type: ignore[arg-type]
            self._sandbox.faults.add(Rule(many, path="/v4/bulk/custom_fields", **at))  # type: ignore[arg-type]

    async def subscribed(self, worker: Worker) -> None:
        """Wait until the worker is subscribed to every account whose file it takes."""

        def all_begun() -> bool:
            lines = worker.log_lines()
            heard = {line["account"] for line in lines if line["event"] == "subscribed"}
            wrong = {
                Path(line["where"].partition(":")[0]).stem
                for line in lines
                if line["event"] == "config_invalid"
            }
            return {account.name for account in self.accounts} <= heard | wrong

        await until(all_begun)

    # -- publishing -----------------------------------------------------------------------------------

    def waves(self) -> list[list[Sent]]:
        """Return what is published before what: all at once, beside the first of each other way."""
        found: dict[int, list[Sent]] = defaultdict(list)
        for account in self.accounts:
            for case, chosen in account.cases:
                for way in chosen:
                    for place, number in enumerate(way.order):
                        sent = self._sent(account, case.events[number], way, number)
                        found[place if way.paced else 0].append(sent)
        return [found[place] for place in sorted(found)]

    def _sent(self, account: Filed, event: Event, way: Way, number: int) -> Sent:
        user = event["data"]["user"]
        for key in ("email", "previous_email"):
            user = user | ({key: way.address(user[key])} if key in user else {})
        if user.get("id") is not None and user["id"] not in NO_IDS:
            user = user | {"id": f"{way.number}-{user['id']}"}
        data = {**event["data"], "user": user}
        whole = plain({**event, "data": self._moments(data)}, f"{way.number}-{number}")
        app = f"{account.name}-{event['app']}" if event["app"] else account.apps[0]
        return Sent(account, whole["id"], f"{event['type']}.{app}", json.dumps(whole).encode())

    def _moments(self, value: Any) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(value, In):
            return (self._begun + timedelta(seconds=value.seconds)).isoformat()
        if isinstance(value, Mapping):
            return {key: self._moments(each) for key, each in value.items()}
        return value

    def begin(self) -> datetime:
        """Let moments that lie ahead count from now."""
        self._begun = datetime.now(UTC)
        return self._begun

    async def publish(self, channel: AbstractChannel, wave: Sequence[Sent]) -> None:
        """Publish messages; an account whose queue is not bound is noted as unheard."""
        exchange = await channel.get_exchange(self._world.exchange, ensure=False)

        async def one(sent: Sent) -> None:
            message = aio_pika.Message(sent.body, delivery_mode=2, content_type="application/json")
            if isinstance(await exchange.publish(message, sent.routing_key), spec.Basic.Ack):
                self._published.add(sent.id)
            else:
                self.unheard.add(sent.account.name)

        for at in range(0, len(wave), 200):
            await asyncio.gather(*map(one, wave[at : at + 200]))

    async def settled(self, worker: Worker, port: int, seconds: float = 240.0) -> None:
        """Wait until all that was published is settled, and nothing is in a queue or in hand."""
        async with asyncio.timeout(seconds):
            while not self._published <= self._ended(worker):
                await asyncio.sleep(0.1)
            while await self._waits(port):
                await asyncio.sleep(0.1)

    def _ended(self, worker: Worker) -> set[str]:
        names = {f"event_{end}" for end in ENDS}
        return {line["event_id"] for line in worker.log_lines() if line["event"] in names}

    async def _waits(self, port: int) -> bool:
        accounts = (await readyz(port))[1].get("accounts", {})
        if any(each.get("oldest_unsettled_seconds") for each in accounts.values()):
            return True
        heard = [each.name for each in self.accounts if each.name not in self.unheard]
        return any([await depth(self._world.amqp_url, f"kit.{name}") for name in heard])

    # -- what came of it ------------------------------------------------------------------------------

    async def wrong(
        self, right: Callable[[Case], Mapping[str, Right]], *, killed: bool = False
    ) -> dict[str, list[str]]:
        """Return by case what is wrong, a line for each way; nothing for those that are right.

        Args:
            right: Says who should be there, and how.
            killed: Whether a worker was killed, who may have left subscribers without any tag or field.
        """
        found: dict[str, list[str]] = {}
        for account in self.accounts:
            people = self._sandbox.account(account.key).subscribers()
            made = self._sandbox.account(account.key).tags().keys()
            dead = await self._dead(account)
            for case, chosen in account.cases:
                lines = [f"tag {tag!r} was made" for tag in sorted(case.never & made)]
                if account.name in self.unheard:
                    lines.append("no queue takes its events")
                for way in chosen:
                    lines += [
                        f"{way}: {line}"
                        for line in what_is_wrong(case, way, right(case), people, dead, killed=killed)
                    ]
                found |= {case.name: [*found.get(case.name, []), *lines]} if lines else {}
        return found

    async def _dead(self, account: Filed) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        if account.name in self.unheard:
            return found
        async with await aio_pika.connect(self._world.amqp_url) as connection:
            queue = await (await connection.channel()).get_queue(f"kit.{account.name}.dead")
            while (message := await queue.get(fail=False)) is not None:
                said = str(message.headers["x-reason"]), str(message.headers["x-detail"])
                found[str(message.headers["x-event-id"])].add(said)
        return found
