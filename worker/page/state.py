"""How one account stands, by what all workers say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from worker.ledger.connecting import TAKEN, Connected
from worker.ledger.registry import Overview, WorkerView
from worker.page.words import (
    ANOTHERS,
    BEST_FIRST,
    NEW_KEY,
    NOBODY,
    NOT_KNOWN,
    REFUSED,
    STATES,
    Told,
    of_pause,
)

IN_FORCE_WITHIN: Final = 5.0
"""Seconds from entering a key, or connecting, until each worker uses it."""


@dataclass(frozen=True, slots=True)
class Workers:
    """What the workers say of themselves in the ledger.

    Attributes:
        overview: None where nobody knows.
        problem: Why not, for people.
        connected: The accounts that are connected to Kit, or whose API key was entered.
        lacking: What is so of those whose files ask for that, and that are not.
    """

    overview: Overview | None = None
    problem: str = ""
    connected: Mapping[str, Connected] = field(default_factory=dict)
    lacking: Mapping[str, Told] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """How one account stands.

    Attributes:
        told: In words.
        worker: Which worker has it, or is nearest to that; empty where none is.
        problem: The latest one, for people; empty where there was none.
        pending: Subscribers whose changes are in hand.
        oldest: Seconds since the oldest event in hand came.
        paused_since: When somebody paused it, if that has not ended, in seconds since 1970.
        others: How many other workers stand by.
        calls: Calls to Kit that count for its limit now.
        held: New tags that wait for somebody to allow them.
    """

    told: Told
    worker: str = ""
    problem: str = ""
    pending: int = 0
    oldest: float = 0.0
    paused_since: float | None = None
    others: int = 0
    calls: int = 0
    held: int = 0


def state_of(name: str, workers: Workers) -> State:
    """Return how an account stands."""
    overview = workers.overview
    if overview is None:
        return State(NOT_KNOWN)
    having = sorted(
        (each for each in overview.workers if each.live and name in each.accounts),
        key=lambda each: (overview.holders.get(name) != each.worker, _rank(each.accounts[name])),
    )
    held = max((int(each.accounts[name].get("taggings_held") or 0) for each in having), default=0)
    if name in overview.paused:
        pause, worker = overview.paused[name], having[0].worker if having else ""
        others = len(having[1:])
        return State(of_pause(pause), worker, paused_since=pause.since, others=others, held=held)
    state = _of_worker(having[0], name, len(having) - 1) if having else State(NOBODY)
    state = replace(
        state, calls=sum(int(each.accounts[name].get("kit_calls") or 0) for each in having), held=held
    )
    if name in workers.lacking:
        return replace(state, told=workers.lacking[name], problem="")
    if state.told is REFUSED and _is_older(having[0], workers.connected.get(name)):
        return replace(state, told=NEW_KEY, problem="")
    return state


def _is_older(worker: WorkerView, connected: Connected | None) -> bool:
    """Tell whether a worker spoke last before it can have used the key that the account has now."""
    return connected is not None and worker.seen_at < connected.at + IN_FORCE_WITHIN


def _of_worker(worker: WorkerView, name: str, others: int) -> State:
    report = worker.accounts[name]
    problem = str(report.get("last_error") or next(iter(report.get("config_errors") or ()), ""))
    told = STATES.get(str(report.get("state")), NOT_KNOWN)
    return State(
        told=ANOTHERS if told is REFUSED and problem.startswith(TAKEN) else told,
        worker=worker.worker,
        problem=problem,
        pending=int(report.get("pending_subscribers") or 0),
        oldest=float(report.get("oldest_unsettled_seconds") or 0.0),
        others=others,
    )


def _rank(report: Mapping[str, Any]) -> int:
    state = report.get("state")
    return BEST_FIRST.index(state) if state in BEST_FIRST else len(BEST_FIRST)
