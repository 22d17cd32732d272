"""What is said of queues and bindings that were lost, and which bindings are removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.virtual_time import run
from worker.accounts.account import Account
from worker.broker.management import Inspection
from worker.broker.topology import Found
from worker.consumer.declaring import Declaring
from worker.errors import BrokerUnavailable, LedgerUnavailable, TopologyMismatch
from worker.ledger.bindings import Binding, Noted
from worker.mapping import EventMapping
from worker.metrics import Metrics

EVENTS = "platform.events"
ALL_THERE = Found(guarded=frozenset({EVENTS}))


def account(*apps: str) -> Account:
    """An account of these apps, which maps one event type."""
    return Account("sunny", apps=apps, events={"order.paid": EventMapping()})


class FakeRabbit:
    """Queues and bindings, and the ledger's notes of them."""

    events_exchange = EVENTS

    def __init__(self) -> None:
        self.found = Found(missing=(EVENTS, "kit.sunny"), guarded=frozenset({EVENTS}))
        self.bound: set[str] = set()
        self.noted: set[Binding] = set()
        self.noted_as_declared = False
        self.ledger_fails = False
        self.taken_for_new: list[bool] = []
        self.error: Exception | None = None

    async def declare(
        self, _account: str, bound: Iterable[str], _unbound: Iterable[str], *, is_new: bool
    ) -> Found:
        """Make everything."""
        if self.error is not None:
            raise self.error
        self.bound |= set(bound)
        self.taken_for_new.append(is_new)
        return self.found

    async def unbind(self, _account: str, bindings: Iterable[Binding]) -> None:
        """Remove bindings."""
        self.bound -= {key for _, key in bindings}

    async def note(self, _account: str, wanted: Collection[Binding]) -> Noted:
        """Note bindings."""
        if self.ledger_fails:
            raise LedgerUnavailable("it is away")
        before = Noted(frozenset(self.noted), self.noted_as_declared)
        self.noted |= set(wanted)
        return before

    async def note_declared(self, _account: str) -> None:
        """Note that they are made."""
        self.noted_as_declared = True

    async def drop(self, _account: str, gone: Collection[Binding]) -> None:
        """Forget bindings."""
        self.noted -= set(gone)


class FakeManagement:
    """RabbitMQ's management API."""

    def __init__(self, *answers: Inspection | BrokerUnavailable) -> None:
        self.answers = list(answers)

    async def inspect(self, _account: str, _exchange: str, _keys: Iterable[str]) -> Inspection:
        """Answer."""
        answer = self.answers.pop(0)
        if isinstance(answer, BrokerUnavailable):
            raise answer
        return answer


class World:
    """One account's declaring, over fakes."""

    def __init__(self) -> None:
        self.rabbit = FakeRabbit()
        self.metrics = Metrics()
        self.management: FakeManagement | None = None
        self.restart()

    def restart(self) -> None:
        """Be the next process."""
        shared: Any = SimpleNamespace(
            topology=self.rabbit, metrics=self.metrics, bindings=self.rabbit, management=self.management,
            broker=SimpleNamespace(asking=SimpleNamespace(is_up=True)),
        )  # fmt: skip
        self.declaring = Declaring("sunny", shared)

    def declare(self, *apps: str, again: bool = False) -> list[list[str]]:
        """Declare; return what was said to be lost."""
        work = self.declaring.declare_again if again else self.declaring.declare
        with capture_logs() as logs:
            run(work(account(*apps)))
        return [line["lost"] for line in logs if line["event"] == "topology_mended"]

    @property
    def mended(self) -> float | None:
        """The metric."""
        return self.metrics.registry.get_sample_value(
            "kit_worker_topology_mended_total", {"account": "sunny"}
        )


def test_what_is_declared_for_the_first_time_was_not_lost() -> None:
    world = World()
    assert (world.declare(), world.mended) == ([], 0)


def test_what_was_there_and_is_missing_is_said_and_counted() -> None:
    world = World()
    world.declare()
    world.rabbit.found = ALL_THERE
    assert world.declare(again=True) == []
    world.rabbit.found = Found(missing=("kit.sunny",), guarded=frozenset({EVENTS}))
    assert world.declare(again=True) == [["kit.sunny"]]
    assert world.mended == 1


def test_what_was_deleted_while_no_worker_ran_is_said_too() -> None:
    world = World()
    world.declare()
    world.restart()
    assert world.declare() == [[EVENTS, "kit.sunny"]]


def test_what_another_worker_is_about_to_declare_was_not_lost() -> None:
    """Given several workers that start at once, one of which has noted what it binds, nothing is missed."""
    world = World()
    world.rabbit.noted.add((EVENTS, "order.paid"))
    assert (world.declare(), world.mended) == ([], 0)


def test_what_was_never_declared_is_taken_for_new_once() -> None:
    """Given the ledger's notes, also of a process before; without them, what this process has done."""
    world = World()
    world.declare()
    world.declare()
    world.restart()
    world.declare()
    world.rabbit.noted = set()
    world.declare()
    assert world.rabbit.taken_for_new == [True, False, False, False]


def test_an_exchange_that_was_declared_anew_took_the_bindings_along() -> None:
    """Given a sentinel that is gone, it is said; one that was never put up, or may not be, says nothing."""
    world = World()
    world.rabbit.found = Found(unguarded=frozenset({EVENTS}), guarded=frozenset({EVENTS}))
    assert world.declare() == []
    assert world.declare(again=True) == [[f"the bindings to {EVENTS}"]]
    world.rabbit.found = Found(unguarded=frozenset({EVENTS}))
    assert world.declare(again=True) == [[f"the bindings to {EVENTS}"]]
    assert world.declare(again=True) == []
    assert world.mended == 2


@pytest.mark.parametrize("restarts", [False, True])
def test_what_is_wanted_no_more_is_unbound_also_after_a_restart(restarts: bool) -> None:
    """Given `app: [a, b]` that becomes `[a]`, while the worker runs or is down, b's events stay away."""
    world = World()
    world.declare("a", "b")
    if restarts:
        world.restart()
    world.declare("a")
    assert world.rabbit.bound == {"order.paid.a"}
    assert world.rabbit.noted == {(EVENTS, "order.paid.a")}


def test_what_an_older_worker_bound_again_is_unbound_again() -> None:
    """Given a worker that reads the old file a little longer, its bindings go once it is gone."""
    world = World()
    world.declare("a")
    world.rabbit.bound.add("order.paid.b")
    world.rabbit.noted.add((EVENTS, "order.paid.b"))
    world.declare("a", again=True)
    assert world.rabbit.bound == {"order.paid.a"}


def test_without_a_ledger_everything_is_bound_all_the_same() -> None:
    """Given a ledger that is away, events do not go nowhere, and the account says what it lacks."""
    world = World()
    world.rabbit.ledger_fails = True
    with pytest.raises(LedgerUnavailable, match="it is away"):
        world.declare("a")
    assert world.rabbit.bound == {"order.paid.a"}


def test_what_cannot_be_declared_again_is_said_and_ends_nothing() -> None:
    world = World()
    world.declare()
    world.rabbit.error = TopologyMismatch("inequivalent arg 'x-queue-type'")
    with capture_logs() as logs:
        run(world.declaring.declare_again(account()))
    assert [(line["event"], line["problem"]) for line in logs] == [
        ("topology_not_declared", "inequivalent arg 'x-queue-type'")
    ]


def test_a_dead_letter_queue_of_an_earlier_version_is_said_once_with_the_command() -> None:
    world = World()
    world.rabbit.found = Found(outdated=True)
    with capture_logs() as logs:
        for _ in range(3):
            run(world.declaring.declare(account()))
    assert [line["event"] for line in logs] == ["dead_letter_queue_outdated"]
    assert logs[0]["hint"] == "kit-worker dead-letters renew --account sunny"


def test_single_bindings_and_policies_are_said_where_the_management_api_tells() -> None:
    """Given an API that tells, each harm is said once, and a binding that was gone each time."""
    none: frozenset[str] = frozenset()
    harm, other = Inspection(("a policy",), frozenset({"order.paid"}), none), Inspection((), none, none)
    world = World()
    world.management = FakeManagement(harm, BrokerUnavailable("away"), BrokerUnavailable("away"), harm, other)
    world.restart()
    world.declare()
    world.rabbit.found = ALL_THERE
    with capture_logs() as logs:
        for _ in range(5):
            run(world.declaring.declare_again(account()))
    assert [(line["event"], line.get("problem") or line.get("lost")) for line in logs] == [
        ("policy_harmful", "a policy"),
        ("topology_mended", ["the binding order.paid"]),
        ("management_unavailable", "away"),
        ("policy_harmful", "a policy"),
        ("topology_mended", ["the binding order.paid"]),
    ]
    assert world.mended == 2


def test_before_the_first_declaration_nothing_was_lost() -> None:
    world = World()
    world.management = FakeManagement()
    world.restart()
    assert world.declare(again=True) == []
