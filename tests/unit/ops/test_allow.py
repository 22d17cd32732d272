"""With a guard of any size nobody has a tag too many; once all is allowed, everybody has what they should."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ops.test_rehearsal import FILE, HAPPENS, KEY, Happens, body_of
from tests.unit.ops.worker_at_work import WorkerAtWork
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.consumer.due_message import due_again
from worker.events.delivery import Delivery
from worker.kit import lists
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.held import held_plan
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ops.allow import allow
from worker.sandbox import Person, Sandbox
from worker.settings import Settings

MANY = 10**6
ADDED = "POST /v4/tags/{tag_id}/subscribers/{id}"


class Run:
    """One account of its own, with a guard of some size."""

    def __init__(self, account: Account, ledger: Ledger, sandbox: Sandbox, most: int) -> None:
        options = replace(account.options, max_new_taggings_per_hour=most)
        self.account = replace(account, options=options)
        self.ledger = ledger
        self.sandbox = sandbox
        self.kit = sandbox.account(KEY)
        self._access = KitAccess(Settings(kit_base_url=sandbox.url, kit_rate_limit=MANY), ledger)

    async def hears(self, deliveries: Sequence[Delivery], killed: Sequence[int]) -> None:
        """Let events come, one after the other; before some, a worker is killed that has just begun it."""
        credential = self.account.credential
        assert credential is not None
        async with self._access.client(self.account.name, credential) as client:
            left = list(deliveries)
            for milliseconds in (*killed, None):
                worker = WorkerAtWork(self.account, self.ledger, client, 3600.0)
                portion = left if milliseconds is None else left[: len(left) // 2]
                async with worker.working(releases=milliseconds is None):
                    for delivery in portion:
                        await worker.ends(delivery)
                    left = left[len(portion) :]
                    if left and milliseconds is not None:
                        begun = asyncio.create_task(worker.ends(left[0]))
                        await asyncio.wait({begun}, timeout=milliseconds / 1000)
                        begun.cancel()

    async def lets_all_through(self) -> None:
        """Let through what is held, a few at a time, until nothing is; each message comes twice."""
        for _ in range(100):
            plan = await held_plan(self.ledger, self.account.name)
            if not plan.count:
                return
            await allow(self.ledger, self.account.name, "a test", count=3)
            claimed = await Timers(self.ledger).claim(self.account.name, lost=True)
            messages = [due_again(self.account.name, each.message) for each in claimed]
            await self.hears([as_delivery(each.body, each.properties) for each in messages * 2], ())
        raise AssertionError(f"still held: {plan}")

    def people(self) -> Mapping[str, Person]:
        """Return everybody whom Kit has."""
        return dict(self.kit.subscribers())

    def added(self) -> int:
        """Return how many tags were newly put on."""
        return sum(call.endpoint == ADDED and call.status == 201 for call in self.sandbox.calls(KEY))


def as_delivery(body: bytes, properties: Mapping[str, Any]) -> Delivery:
    """Return a message of the worker's own as it comes out of the queue."""
    given = dict(properties)
    headers = given.pop("headers")
    return Delivery(body, "kit.sunny", given, headers, received_at=datetime.now(UTC))


def has(people: Mapping[str, Person]) -> dict[str, tuple[set[str], dict[str, str | None]]]:
    """Return the tags and fields of each person."""
    return {email: (set(person.tags), dict(person.fields)) for email, person in people.items()}


async def both(folder: Path, most: int, happens: Sequence[Happens], killed: Sequence[int]) -> None:
    """Fail unless a guarded account has nothing too much, and in the end what one without a guard has."""
    (folder / "accounts").mkdir()
    file = FILE.format(first_name="always", identity="user_id")
    (folder / "accounts" / "sunny.yaml").write_text(file)
    account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
    deliveries = list[Delivery]()
    for number, each in enumerate(happens):
        if 0 < each.copies <= len(deliveries):
            deliveries.append(deliveries[-each.copies])
        else:
            body, key = body_of(number, each), f"{each.kind}.sunny"
            deliveries.append(Delivery(body, key, received_at=datetime.now(UTC)))
    runs = []
    for name, limit in (("free", MANY), ("guarded", most)):
        database = Database(f"sqlite+aiosqlite:///{folder / name}.db")
        async with (
            Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox,
            Ledger(database, worker="here", clock=Clock()) as ledger,
        ):
            run = Run(account, ledger, sandbox, limit)
            await run.hears(deliveries, killed if name == "guarded" else ())
            before, added = has(run.people()), run.added()
            if name == "guarded":
                assert added <= most, f"{added} new tags"
                await run.lets_all_through()
            runs.append((before, has(run.people())))
    (_, should), (before, after) = runs
    for email, (tags, _) in before.items():
        assert tags <= should[email][0], f"{email} has {tags - should[email][0]} too much"
    assert after == should


@pytest.fixture(autouse=True, scope="module")
def _lists_are_fresh() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "LIST_AGAIN_AFTER", 0.0)
        yield


@pytest.mark.timeout(400)  # each event is worked on for real, twice
@given(
    st.integers(0, 6),
    st.lists(HAPPENS, min_size=10, max_size=25),
    st.lists(st.integers(0, 30), max_size=2),
)
@settings(max_examples=30, deadline=None)
async def test_nobody_has_a_tag_too_many_and_once_all_is_allowed_everybody_has_just_what_they_should(
    most: int, happens: list[Happens], killed: list[int]
) -> None:
    """Given any events, copies, moves and kills, no more tags are new than may be; and none is lost."""
    with tempfile.TemporaryDirectory() as name:
        await both(Path(name), most, happens, killed)
