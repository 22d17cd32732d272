"""All faults by name, so that the soak can draw from them; each is in force within an `async with`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.chaos.harness import Arena

Inject = Callable[["Arena"], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Registered:
    """One fault.

    Attributes:
        name: In the soak's diary.
        group: Of one group, such as `broker`, only one fault is in force at a time.
        inject: The fault, given the arena.
        seconds: For how long it stays in force in the soak, at most.
    """

    name: str
    group: str
    inject: Inject
    seconds: float


FAULTS: Final[dict[str, Registered]] = {}
PREPARATIONS: Final[list[Inject]] = []


def fault(
    name: str, *, group: str, seconds: float = 6.0
) -> Callable[[Callable[[Arena], AsyncIterator[None]]], Inject]:
    """Register a fault: what stands before its `yield` injects it, and what stands after undoes it.

    It must not assert: in the soak, other faults may be in force beside it. It must undo what it did also
    when it is cancelled (`try … finally`), where the arena's end does not.
    """

    def register(function: Callable[[Arena], AsyncIterator[None]]) -> Inject:
        inject = asynccontextmanager(function)
        if name in FAULTS:
            raise ValueError(f"there are two faults named {name}")
        FAULTS[name] = Registered(name, group, inject, seconds)
        return inject

    return register


def preparation(function: Callable[[Arena], AsyncIterator[None]]) -> Inject:
    """Register what the soak must set up before its workers start, such as a proxy in the way to Kit."""
    inject = asynccontextmanager(function)
    PREPARATIONS.append(inject)
    return inject
