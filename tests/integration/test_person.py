"""One person, as the ledger of a real worker and Kit have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, publish, until
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.person import PersonView, person_view, timeline
from worker.sandbox import Sandbox
from worker.settings import Settings

ADA = "ada@example.com"
MAPPING = """
events:
  subscription.started:
    add_tags: [Active Member]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member], add_tags: [Cancelled]}
"""


def event(number: int, kind: str, **subscription: str) -> dict[str, Any]:
    data = {"user": {"id": "u-1", "email": ADA}, "subscription": {"id": "s-1", **subscription}}
    return {"id": f"e{number}", "type": kind, "time": f"2026-07-01T10:{number:02}:00Z", "data": data}


EVENTS = [
    event(1, "subscription.started", plan="Annual"),
    event(2, "subscription.canceled", plan="Annual", ends_at="2100-07-01T00:00:00Z"),
]


def ended(worker: Worker) -> int:
    return sum(name.startswith("event_") for name in worker.events_logged())


async def looked_at(world: World, ledger: Ledger) -> PersonView:
    """Return what is told of Ada, as a process beside the worker tells it."""
    account = load_accounts(world.config, world.environment()).accounts[world.account]
    return await person_view(ledger, account, KitAccess(Settings(kit_base_url=world.kit_url), ledger), ADA)


async def test_a_person_is_told_by_cause_and_beside_kit(
    world: World, channel: AbstractChannel, tmp_path: Path, sandbox: Sandbox
) -> None:
    """Given a member whom somebody tagged by hand, all is told with its cause; without Kit, all the rest."""
    world.write_account(MAPPING)
    async with Worker(world, tmp_path / "log") as worker:
        for number, each in enumerate(EVENTS, 1):
            await publish(channel, world.exchange, [each])
            await until(lambda number=number: ended(worker) == number)  # type: ignore[misc]
    kit = sandbox.account(KEY)
    kit.add_subscriber(ADA, tags=["Newsletter"])
    kit.delete_tag("Active Member")
    before = sandbox.count(KEY)

    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="kit-worker page", clock=Clock()) as ledger:
        view = await looked_at(world, ledger)
        calls = sandbox.count(KEY) - before
        page = await timeline(ledger, view.known, world.account, limit=1)
        sandbox.fail("status", status=503)
        alone = await looked_at(world, ledger)

    assert (calls, view.kit.problem) == (3, "")
    tags = {tag.name: tag for tag in view.tags}
    assert {name: (tag.wanted, tag.owed, tag.in_kit is not None) for name, tag in tags.items()} == {
        "Active Member": (True, False, False),
        "Annual Plan": (True, False, True),
        "Newsletter": (None, False, True),
    }
    assert tags["Annual Plan"].in_kit is not None
    assert tags["Annual Plan"].in_kit.tagged_at
    cause = tags["Annual Plan"].cause
    assert cause is not None
    assert (cause.event_type, cause.event_id, cause.rule) == ("subscription.started", "e1", 1)
    plan = next(row for row in view.fields if row.name == "mk_subscription_plan")
    assert (plan.wanted, plan.in_kit, plan.is_ours) == ("Annual", "Annual", True)
    assert [(timer.event_id, timer.at) for timer in view.due] == [("e2", 4_118_083_200.0)]
    assert [(line.event_id, line.outcome) for line in page.lines] == [("e2", "scheduled")]
    assert page.before is not None

    assert alone.kit.person is None
    assert "503" in alone.kit.problem
    assert [(tag.name, tag.wanted, tag.cause, tag.in_kit) for tag in alone.tags] == [
        (tag.name, tag.wanted, tag.cause, None) for tag in view.tags if tag.wanted is not None
    ]
    assert alone.due == view.due
