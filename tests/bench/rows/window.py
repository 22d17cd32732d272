"""The backlog at Kit's limit, while newcomers' events come: how many calls, and how long do newcomers wait?

It would take 42 minutes with one call an event, so all of Kit's times are shorter here by `FASTER`: the
minute of the limit, at Kit as at the worker, its answers, and the pauses between newcomers. What is told is
at Kit's pace.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.allowed import single_calls_allowed
from tests.bench.bench import Bench, events_over, explaining
from tests.bench.consumers import KITS_OWN, WORKER, kit_worker
from tests.bench.figures import Line, percentile, spread
from tests.bench.life import EVENTS, PEOPLE, Event, backlog, newcomers
from tests.bench.model import final_states, wrong_people
from tests.bench.processes import Program
from tests.bench.stand_in import Call
from worker.kit.limiter import WINDOW

NAME: Final = "window"
FASTER: Final = 20
LIMITS: Final = {"api_key": 120}
LATENCY: Final = 0.08
EVERY: Final = 30.0
"""Seconds between two newcomers, at Kit's pace."""
CALLS_OF_NEWCOMER: Final = 2
LOOK: Final = 0.5
PATIENCE: Final = 600.0
MAX_CALLS: Final = 1.0
MAX_SECONDS: Final = 10.0
SHOWN: Final = (500, 2500)
"""Messages in hand, of which the aim says what they allow."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it.

    Attributes:
        calls: Of the backlog, without the newcomers'.
        waits: Of newcomers, seconds from published until their last call was answered, at Kit's pace.
        wrong: People whose final state in Kit is not that of the model, and events that are left.
    """

    calls: int
    waits: Sequence[float]
    wrong: int


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # the newcomers are its rounds
    """Drain the backlog once."""
    return lines(await run(bench, backlog()))


def lines(run: Run) -> list[Line]:
    """Judge what was measured."""
    allowed = " and ".join(f"{single_calls_allowed(backlog(), window=size) / EVENTS:.2f}" for size in SHOWN)
    aim = f"at most {MAX_CALLS} ({SHOWN[0]:,} and {SHOWN[1]:,} in hand allow {allowed})"
    calls = spread([run.calls / EVENTS])
    waits = spread(run.waits)
    meanwhile = f"a newcomer's event meanwhile ({len(run.waits)}), published until in Kit"
    over = "1 run"
    return [
        Line(
            NAME,
            "Kit calls per event, API key, at Kit's limit",
            {WORKER: calls},
            aim,
            calls.median <= MAX_CALLS,
            digits=3,
            over=over,
        ),
        Line(
            NAME,
            f"{meanwhile}, s",
            {WORKER: waits},
            f"median at most {MAX_SECONDS:.0f}",
            waits.median <= MAX_SECONDS,
            digits=1,
            over=f"{len(run.waits)} newcomers",
        ),
        Line(NAME, "the same, p90, s", {WORKER: spread([percentile(run.waits, 0.9)])}, digits=1, over=over),
        Line(
            NAME,
            f"people with a wrong final state then, of {PEOPLE:,} and the newcomers",
            {WORKER: spread([run.wrong])},
            "0",
            run.wrong == 0,
            failed=run.wrong > 0,
            over=over,
        ),
    ]


async def run(bench: Bench, events: Sequence[Event], *, faster: int = FASTER) -> Run:
    """Drain a backlog that many times faster than at Kit's pace."""
    worker = kit_worker(bench.place, rate_limit=KITS_OWN, faster=faster)
    await bench.kit.open_accounts(worker.key, limits=LIMITS, window=WINDOW / faster, latency=LATENCY / faster)
    await bench.fill(worker, events)
    async with worker.running() as running:
        with explaining(running):
            await bench.first_call(running)
            published = await _published(bench, running, len(events), EVERY / faster)
    calls = await bench.kit.calls()
    tagged = tagged_at(calls, await bench.kit.ids(worker.key))
    came = [event for event, _ in published]
    found = await bench.kit.subscribers(worker.key)
    wrong = len(wrong_people(final_states([*events, *came]), found))
    left = await bench.close(*worker.queues)
    return Run(
        len(calls) - CALLS_OF_NEWCOMER * len(came),
        [(tagged[event.email] - at) * faster for event, at in published if event.email in tagged],
        wrong + left,
    )


def tagged_at(calls: Iterable[Call], ids: Mapping[str, int]) -> dict[str, float]:
    """Return when each person's last tagging was answered, by email address."""
    ended = {
        call.path.rpartition("/")[2]: call.ended
        for call in sorted(calls, key=lambda call: call.ended)
        if call.method == "POST" and "/tags/" in call.path and 200 <= call.status < 300
    }
    return {email: ended[str(number)] for email, number in ids.items() if str(number) in ended}


async def _published(
    bench: Bench, running: Program, backlog_size: int, every: float
) -> list[tuple[Event, float]]:
    """Publish newcomers' events until those and the backlog are over; each with its moment."""
    published: list[tuple[Event, float]] = []
    coming = iter(newcomers(int(PATIENCE / every)))
    next_at = time.monotonic() + every
    async with asyncio.timeout(PATIENCE):
        while events_over(running) < backlog_size + len(published):
            running.check()
            await asyncio.sleep(max(0.0, min(LOOK, next_at - time.monotonic())))
            if time.monotonic() >= next_at:
                event = next(coming)
                published.append((event, time.monotonic()))
                next_at += every
                await bench.platform.publish([event])
    return published
