"""Runs examples: their events come in one after another, and at each time somebody is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.accounts.account import Account
from worker.accounts.examples.example import ExampleEvent, ExampleTest, Expected
from worker.events.delivery import Delivery
from worker.events.values import time_text
from worker.ops.examples.holding import CameOf, Unlike, differences
from worker.ops.simulation import HowEnded, Simulation

EXCHANGE = "platform.events"


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody who is looked at, and what is otherwise than it is to be.

    Attributes:
        at: When.
        email: Whose address, as the example has it.
        line: Where the file says what is to be so.
    """

    at: str
    email: str
    line: int
    differences: tuple[Unlike, ...]


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """What came of an example.

    Attributes:
        line: Where it stands in its file.
        looks: Those that show differences.
        events: How each event ended, as a line for people.
    """

    name: str
    line: int
    looks: tuple[Look, ...]
    events: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether all is as it is to be."""
        return not self.looks


def run(example: ExampleTest, account: Account, lines: Mapping[tuple[str, int], str]) -> ExampleResult:
    """Return what comes of an example under an account's mapping.

    Args:
        example: What happens, and what is then to be so.
        account: Whose mapping.
        lines: By event type and rule, where that stands in the account's file, for people.
    """
    told_dead = frozenset(dead.event for expected in example.then for dead in expected.dead or ())
    simulation, came = Simulation(account), CameOf(lines=lines, told_dead=told_dead)
    app = next(iter(account.apps), None)
    looks = []
    for expected in _looked_at(example, simulation, came, account):
        found = differences(expected, simulation, came, app)
        if found:
            now = time_text(simulation.now)
            looks.append(Look(now, expected.whom.email, expected.spot.line, tuple(found)))
    events = tuple(_ended(number, heard) for number, heard in sorted(came.heard.items()))
    return ExampleResult(example.name, example.spot.line, tuple(looks), events)


def _looked_at(
    example: ExampleTest, simulation: Simulation, came: CameOf, account: Account
) -> Iterator[Expected]:
    """Let all happen, and yield what is to be so when it is time to look."""
    waiting = list(example.then)
    for number, event in enumerate(example.events, 1):
        while waiting and waiting[0].at is not None and waiting[0].at < event.comes_at:
            _wait(waiting[0].at, simulation, came)
            yield waiting.pop(0)
        _wait(event.comes_at, simulation, came)
        came.note(simulation.hears(_delivery(event, account)), number)
    for expected in waiting:
        if expected.at is not None:
            _wait(expected.at, simulation, came)
        yield expected


def _wait(moment: datetime, simulation: Simulation, came: CameOf) -> None:
    for heard in simulation.waits_until(moment):
        came.note(heard)


def _delivery(event: ExampleEvent, account: Account) -> Delivery:
    app = next(iter(account.apps), "") if event.app is None else event.app
    body = {"id": event.id, "type": event.type, "time": time_text(event.at), "data": event.data}
    key = f"{event.type}.{app}" if app else event.type
    return Delivery(json.dumps(body).encode(), key, {}, exchange=EXCHANGE)


def _ended(number: int, heard: HowEnded) -> str:
    kind = "" if heard.event is None else f"{heard.event.type} "
    said = f": {heard.said}" if heard.said else ""
    return f"event {number}: {kind}{heard.kind.value}{said}"
