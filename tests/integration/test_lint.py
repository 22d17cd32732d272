"""`kit-worker lint` beside a Kit, and beside what a real worker has written of events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled, publish
from tests.integration.shell import Ended, Shell
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

FILE = """
events:
  user.signed_up: null
  subscription.started: null
  subscription.canceled: null
  access.granted: null
  order.paid:
    add_tags: [Customer]
    rules:
      - {when: {data.order.plan: Annual}, add_tags: [Annual]}
      - {when: {data.order.plan: Monthly}, add_tags: [Monthly]}
  orders.paid: {add_tags: [Customer]}
  order.sent: {add_tags: [Shipped]}
fields: {data.order.plan: Plan}
"""
OURS = ("Customer", "Annual", "Monthly", "Shipped")


def rules_of(ended: Ended) -> list[tuple[str, int]]:
    """The rules that found something, each with the line, as the file above counts them."""
    return sorted((each["rule"], each["line"] - 1) for each in json.loads(ended.out)["findings"])


def has_all(world: World, sandbox: Sandbox) -> None:
    """Have Kit have all that the file names, given to somebody."""
    kit = sandbox.account(KEY)
    world.write_account(FILE)
    for name in OURS:
        kit.add_tag(name)
    kit.add_subscriber("ada@example.com", tags=list(OURS))
    for label in ("Plan", "mk_user_id", "mk_last_name", "mk_signed_up_at", *SUBSCRIPTION):
        kit.add_custom_field(label)


SUBSCRIPTION = (
    *(f"mk_subscription_{name}" for name in ("id", "plan", "status", "started_at", "canceled_at", "ends_at")),
    "mk_cancel_reason", "mk_access_level", "mk_access_granted_at", "mk_access_expires_at",
)  # fmt: skip


async def test_live_finds_what_is_otherwise_in_kit_and_changes_nothing(
    world: World, sandbox: Sandbox, kit_worker: Shell
) -> None:
    has_all(world, sandbox)
    offline = rules_of(await kit_worker("lint", "--json"))
    same = await kit_worker("lint", "--live", "--json")
    kit = sandbox.account(KEY)
    kit.delete_tag("Shipped")
    kit.add_tag("Shiped")
    kit.add_tag("Unused")
    world.write_account(FILE.replace("[Shipped]", "[Shipped, unused, Missing]"))
    before, calls = kit.subscribers(), sandbox.count()

    changed = await kit_worker("lint", "--live", "--json")

    assert (rules_of(same), json.loads(same.out)["notes"]) == (offline, [])
    found = [each for each in rules_of(changed) if each not in offline]
    otherwise = ("tag-otherwise-in-kit", 13)  # Shiped for Shipped, Unused for unused
    assert found == [("tag-not-in-kit", 13), ("tag-of-nobody", 13), otherwise, otherwise]
    assert (changed.code, sandbox.count() - calls) == (1, 3)
    assert kit.subscribers() == before


async def test_what_cannot_be_asked_is_said_beside_what_was_found(
    world: World, sandbox: Sandbox, kit_worker: Shell
) -> None:
    has_all(world, sandbox)
    sandbox.unknown_parameters = ["include"]
    older = await kit_worker("lint", "--live")
    sandbox.fail("status", status=503)
    away = await kit_worker("lint", "--live")
    refused = await kit_worker("lint", "--live", "--json", KIT_API_KEY="kit_not_a_key_of_kits_at_all")
    nowhere = await kit_worker("lint", "--events", "500")

    assert "similar-events" in older.out
    assert "does not say how many people have a tag, so tag-of-nobody was left out." in older.out
    assert (away.code, "similar-events" in away.out) == (4, True)
    assert f"kit-worker: {world.account}: " in away.err
    assert refused.code in {3, 4}
    assert (nowhere.code, "there is no ledger" in nowhere.err) == (2, True)


def paid(number: int, plan: str, kind: str = "order.paid") -> dict[str, Any]:
    data = {"user": {"email": f"p{number}@example.com"}, "order": {"plan": plan}}
    return {"id": f"e{number}", "type": kind, "data": data}


async def test_events_of_a_real_worker_tell_what_never_came_and_what_no_rule_is_about(
    world: World, sandbox: Sandbox, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given events under one file, and a file that no longer maps all of them, each rule finds its own."""
    has_all(world, sandbox)
    plans = ["Annual"] * 12 + ["Lifetime"] * 8
    events = [paid(at, plan) for at, plan in enumerate(plans)] + [paid(99, "Annual", "order.sent")]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events))
    before = rules_of(await kit_worker("lint", "--json"))

    told = await kit_worker("lint", "--events", "500", "--json")
    few = await kit_worker("lint", "--events", "5")
    world.write_account(FILE.replace("  order.sent: {add_tags: [Shipped]}\n", ""))
    unmapped = await kit_worker("lint", "--events", "500", "--json")

    assert [each for each in rules_of(told) if each not in before] == [
        ("event-never-came", 12), ("rule-never-matched", 11), ("value-not-matched", 10),
    ]  # fmt: skip
    (value,) = [each for each in json.loads(told.out)["findings"] if each["rule"] == "value-not-matched"]
    assert 'no rule of order.paid is about "Lifetime" (8)' in value["text"]
    assert "the history has 5 events; event-never-came needs 20." in few.out
    assert "A queue gets mapped types only" in few.out
    assert ("event-not-mapped", 2) in rules_of(unmapped)


async def test_check_counts_what_lint_finds_and_works_all_the_same(world: World, kit_worker: Shell) -> None:
    world.write_account(FILE)

    shown, told = await kit_worker("check"), await kit_worker("check", "--json")

    (line,) = [each for each in shown.out.splitlines() if "lint:" in each]
    assert f"see kit-worker lint {world.account}" in line
    assert json.loads(told.out)["lint"][world.account] > 0
    assert shown.code == told.code == 0
