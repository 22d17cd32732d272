"""`kit-worker test` beside a real worker: what an example says is what the person then has in Kit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from worker.accounts.examples.example import ExampleTest
from worker.accounts.examples.read import read_examples
from worker.events.values import time_text
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

SOON = 4.0
"""Seconds until something is due: enough for all events to be settled before."""
MAPPING = """
events:
  subscription.started:
    add_tags: [Active Member, {tag: "Plan {mk_subscription_plan}", replaces: plan}]
    remove_tags: [Cancelled]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled:
    at: mk_subscription_ends_at
    remove_tags: [Active Member, {group: plan}]
    add_tags: [Cancelled]
  access.granted: {add_tags: ["{mk_access_level} access"]}
  user.updated: {}
"""
TESTS = """
account: {account}
tests:
  - name: Ada has two subscriptions, and one of them ends in a moment
    events:
      - {{at: '{first}', type: subscription.started, mk_subscription_id: s1, mk_subscription_plan: Annual}}
      - {{at: '{second}', type: subscription.started, mk_subscription_id: s2, mk_subscription_plan: Club}}
      - {{at: '{third}', type: subscription.canceled, mk_subscription_id: s2, mk_subscription_ends_at: '{soon}'}}
      - {{at: '{fourth}', type: access.granted}}
      - {{at: '{soon}', copy_of: 1}}
    then:
      - at: '{soon}'
        tags: [Active Member, Plan Annual, Annual Plan]
        fields: {{mk_subscription_plan: Annual, mk_subscription_status: active}}
        dead: [{{event: 4, reason: partly_applied}}]
  - name: Bob leaves in a moment, is told late of his start, and has another address by then
    events:
      - {{at: '{second}', type: subscription.canceled, person: bob, mk_subscription_id: s1, mk_subscription_ends_at: '{soon}'}}
      - {{at: '{first}', type: subscription.started, person: bob, mk_subscription_id: s1, mk_subscription_plan: Club}}
      - {{at: '{third}', type: user.updated, person: bob, user.email: bob@new.example, mk_first_name: Bob}}
    then:
      - {{at: '{soon}', tags: [Cancelled], fields: {{first_name: Bob, mk_subscription_status: canceled}}}}
"""  # noqa: E501  # as an admin writes it


def moments() -> dict[str, str]:
    """Return times of the last minute, and one that comes soon."""
    now = time.time()
    texts = [time_text(datetime.fromtimestamp(now + by, UTC)) for by in (-60, -50, -40, -30, SOON)]
    return dict(zip(("first", "second", "third", "fourth", "soon"), texts, strict=True))


def published(example: ExampleTest) -> Iterator[dict[str, Any]]:
    """Yield an example's events as the platform sends them; of each person they have ids of their own."""
    for event in example.events:
        user = event.data["user"]
        assert isinstance(user, dict)
        at, id_ = time_text(event.at), f"{user['id']}-{event.id}"
        yield {"id": id_, "type": event.type, "time": at, "data": event.data}


def is_so(example: ExampleTest, sandbox: Sandbox, email: str) -> bool:
    """Tell whether somebody has in Kit what the example says."""
    (then,) = example.then
    person = sandbox.account(KEY).find(email)
    if person is None:
        return False
    has = {"first_name": person.first_name, **person.fields}
    return set(person.tags) == set(then.tags or ()) and all(
        has.get(name) == value for name, value in then.fields.items()
    )


async def test_what_examples_say_is_what_a_worker_does(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given examples that hold, and their events to a worker, each person has what the file's `then` says."""
    world.write_account(MAPPING)
    (world.config / "tests").mkdir()
    path = world.config / "tests" / "mine.yaml"
    async with Worker(world, tmp_path / "log") as worker:
        path.write_text(TESTS.format(account=world.account, **moments()))
        ada, bob = read_examples(path.read_text(), path).examples
        await publish(channel, world.exchange, [*published(ada), *published(bob)])
        tested = await kit_worker("test", KIT_API_KEY="")

        checked = await kit_worker("check")
        await until(lambda: is_so(ada, sandbox, "ada@example.com"))
        await until(lambda: is_so(bob, sandbox, "bob@new.example"))
        await until(lambda: worker.events_logged().count("event_dead_lettered") == 1)

    assert tested.out.endswith("\n2 tests, 0 failed\n"), tested.out
    assert tested.code == 0
    (row,) = (line for line in checked.out.splitlines() if line.startswith(f"tests of {world.account} "))
    assert row.split()[-3:] == ["ok", "2", "hold"]
