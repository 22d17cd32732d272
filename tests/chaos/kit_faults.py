"""Faults of Kit, for rows and the soak. All strike the main account only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from tests.chaos.faults import Inject, fault
from tests.chaos.harness import Arena
from worker.sandbox import Fault, FaultKind, Rule

LASTING: Final[Mapping[str, Fault]] = {
    "429": Fault(FaultKind.RATE_LIMITED),
    "500": Fault(FaultKind.STATUS, status=500),
    "500-landed": Fault(FaultKind.STATUS, status=500, applied=True),
    "html-502": Fault(FaultKind.STATUS, status=502),
    "hang-in-headers": Fault(FaultKind.HANG_IN_HEADERS),
    "hang-landed": Fault(FaultKind.HANG, applied=True),
    "drip": Fault(FaultKind.DRIP, delay=0.1),
    "cut-json": Fault(FaultKind.CUT_JSON, applied=True),
    "cut-body": Fault(FaultKind.CUT_BODY),
    "html": Fault(FaultKind.HTML),
    "nothing": Fault(FaultKind.EMPTY),
    "login": Fault(FaultKind.LOGIN),
}
"""What every answer is, for a while; the account must be held."""

RESETS: Final = {"POST": 5, "PUT": 2, "DELETE": 3}
"""By method, about each how-manieth request is read and reset; one half of them has landed."""


@contextmanager
def in_force(arena: Arena, *rules: Rule) -> Iterator[None]:
    """Let Kit go wrong as these rules say."""
    faults = arena.sandbox.faults
    for rule in rules:
        faults.add(rule)
    try:
        yield
    finally:
        faults.rules[:] = [rule for rule in faults.rules if all(rule is not ours for ours in rules)]


def _lasting(name: str, what: Fault) -> Inject:
    async def inject(arena: Arena) -> AsyncIterator[None]:
        with in_force(arena, Rule(what, account=arena.main.name)):
            yield

    return fault(f"kit-{name}", group="kit-answers")(inject)


ANSWERS: Final = {name: _lasting(name, what) for name, what in LASTING.items()}


def _reset(method: str) -> Inject:
    async def inject(arena: Arena) -> AsyncIterator[None]:
        rules = [
            Rule(
                Fault(FaultKind.RESET, applied=landed),
                method=method,
                account=arena.main.name,
                every=2 * RESETS[method],
            )
            for landed in (True, False)
        ]
        with in_force(arena, *rules):
            yield

    return fault(f"kit-reset-{method.lower()}", group="kit-resets")(inject)


AFTER_READING: Final = {method: _reset(method) for method in RESETS}


@fault("kit-keep-alive-closed", group="kit-keep-alive")
async def keep_alive_closed(arena: Arena) -> AsyncIterator[None]:
    """Close connections unannounced a moment after an answer, when the next request may be on its way."""
    with in_force(arena, Rule(Fault(FaultKind.CLOSE, delay=0.01), account=arena.main.name, every=4)):
        yield


@fault("kit-401", group="kit-answers", seconds=4)
async def refused(arena: Arena) -> AsyncIterator[None]:
    """Refuse the credential."""
    with in_force(arena, Rule(Fault(FaultKind.UNAUTHORIZED), account=arena.main.name)):
        yield


@fault("kit-things-deleted", group="kit-things")
async def things_deleted(arena: Arena) -> AsyncIterator[None]:
    """Delete every tag and custom field once, when somebody is about to get it for the first time.

    What somebody had already is gone with them, and Kit tells nobody; so these are of nobody yet.
    """
    view = arena.sandbox.account(arena.main.key)
    deleted: set[str] = set()

    async def delete() -> None:
        while True:
            used = {name for person in view.subscribers().values() for name in (*person.tags, *person.fields)}
            for name in view.tags().keys() - used - deleted:
                view.delete_tag(name)
                deleted.add(name)
            for key in view.custom_fields().keys() - used - deleted:
                view.delete_custom_field(key)
                deleted.add(key)
            await asyncio.sleep(0.005)

    task = asyncio.create_task(delete())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
