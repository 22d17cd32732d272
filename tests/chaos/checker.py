"""The checker of all rows, after Jepsen's `total-queue`: what became of everything that was published.

Every published id must be applied, superseded, a duplicate, ignored, a dead letter or still queued. Lost
and unexpected must be none, and so must people who are not what the model says, events applied before an
older one of the same person, calls of one account by two workers at once, and calls beyond Kit's limit.
Dead letters may be doubled, since a confirm that is lost leaves no other way; they are counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.load import Message
from tests.chaos.witness import Outcomes
from tests.integration.expected import expected, wrong_people
from worker.sandbox import Call, Sandbox, overlaps, peak_rate

SHOWN: Final = 5
ALLOWED: Final = frozenset(
    {"lost", "unexpected", "wrong", "misplaced", "disorder", "overlaps", "over_limit", "queued"}
)
"""What a row may allow; see `Verdict` for the meaning of each."""


@dataclass(frozen=True)
class Death:
    """A worker that was killed: its calls under way are beyond recall, and may overlap another's."""

    user_agent: str
    at: float


@dataclass
class Verdict:
    """What the checker found about one account.

    Attributes:
        outcomes: Events by outcome; one event may have several.
        again: Events applied more than once, as redeliveries make them.
        doubled: Dead letters beyond the first of each event.
        calls: Calls to Kit in all.
        peak: The most of them within any 60 s.
        problems: By their name: `lost`: ids without any outcome. `unexpected`: ids and people nobody
            published. `wrong`: people who are not as the model says. `misplaced`: events with an outcome
            they must not have. `disorder`: events applied for the first time after a newer one of the same
            person. `overlaps`: calls of two workers at once. `over_limit`: answers 429 that were no fault
            of the test's making. `queued`: ids that wait although all should have been settled.
    """

    account: str
    events: int
    outcomes: dict[str, int]
    again: int
    doubled: int
    calls: int
    peak: int
    problems: dict[str, list[str]] = field(default_factory=dict)

    def found(self, name: str) -> int:
        """How many problems of that name."""
        return len(self.problems[name])

    def complaints(self, allowed: Collection[str]) -> list[str]:
        """Return a line for each problem that is not allowed."""
        return [
            f"{self.account}: {name} {len(found)}: " + "; ".join(found[:SHOWN])
            for name, found in self.problems.items()
            if found and name not in allowed
        ]


@dataclass
class Row:
    """A row's figures, for the table at the end."""

    name: str
    seconds: float
    verdicts: list[Verdict]
    allowed: Mapping[str, str]

    def __str__(self) -> str:
        main = self.verdicts[0]
        found = {
            name: sum(verdict.found(name) for verdict in self.verdicts) for name in sorted(main.problems)
        }
        figures = {
            "events": sum(verdict.events for verdict in self.verdicts),
            **{
                name: total
                for name in main.outcomes
                if (total := sum(verdict.outcomes[name] for verdict in self.verdicts))
            },
            **{name: found[name] for name in ("lost", "unexpected", "wrong")},
            **{name: count for name, count in found.items() if count},
            "again": sum(verdict.again for verdict in self.verdicts),
            "doubled": sum(verdict.doubled for verdict in self.verdicts),
            "calls": sum(verdict.calls for verdict in self.verdicts),
        }
        text = ", ".join(f"{name} {count}" for name, count in figures.items())
        return f"{self.name}: {text}, {self.seconds:.0f} s"


def check(  # what each party saw
    account: str,
    key: str,
    published: Mapping[str, Message],
    outcomes: Outcomes,
    *,
    dead: Sequence[str],
    queued: Sequence[str],
    sandbox: Sandbox,
    deaths: Sequence[Death],
    in_order: bool,
) -> Verdict:
    """Compare what was published with what came of it.

    Args:
        account: As the logs and the sandbox name it.
        key: Its Kit credential.
        published: By id.
        outcomes: By the workers' logs.
        dead: The ids in its dead-letter queue.
        queued: The ids in its work queue.
        sandbox: As it is now.
        deaths: Of workers, by `sandbox.monotonic`.
        in_order: Whether events were published in the order of their times.
    """
    events = [message.event for message in published.values() if message.event is not None]
    calls = [call for call in sandbox.journal.calls if call.account == account]
    settled = {event_id for event_id, seen in outcomes.of.items() if seen} | set(dead)
    return Verdict(
        account=account,
        events=len(published),
        outcomes={
            **{name: outcomes.total(name) for name in ("applied", "superseded", "duplicate", "ignored")},
            "dead_lettered": len(set(dead)),
        },
        again=sum(1 for seen in outcomes.of.values() if seen["applied"] > 1),
        doubled=len(dead) - len(set(dead)),
        calls=len(calls),
        peak=peak_rate(calls),
        problems={
            "lost": sorted(published.keys() - settled - set(queued)),
            "unexpected": _unexpected(published, settled, sandbox, key, events),
            "wrong": wrong_people(sandbox, events, key),
            "misplaced": _misplaced(published, outcomes, dead),
            "disorder": _disorder(published, outcomes.first_applied) if in_order else [],
            "overlaps": _overlaps(calls, deaths),
            "over_limit": [
                f"call {call.sequence}" for call in calls if call.status == 429 and not call.fault
            ],
            "queued": list(queued),
        },
    )


def _unexpected(
    published: Mapping[str, Message],
    settled: Iterable[str],
    sandbox: Sandbox,
    key: str,
    events: Sequence[Mapping[str, Any]],
) -> list[str]:
    # What cannot be read has no id in the log; its dead letter has, by the header that the test gave it.
    ids = sorted(set(settled) - published.keys() - {"None"})
    return ids + sorted(sandbox.account(key).subscribers().keys() - expected(events).keys())


def _misplaced(published: Mapping[str, Message], outcomes: Outcomes, dead: Collection[str]) -> list[str]:
    found = []
    for message in published.values():
        seen = {name for name, count in outcomes.of.get(message.id, {}).items() if count}
        if message.id in dead:
            seen.add("dead_lettered")
        wrong = seen & {"dead_lettered"} if message.event is not None else seen - {message.becomes}
        if message.becomes or message.event is not None:
            found += [f"{message.id} {name}" for name in sorted(wrong)]
    return found


def _disorder(published: Mapping[str, Message], first_applied: Iterable[str]) -> list[str]:
    newest: dict[str, tuple[str, str]] = {}
    found = []
    for event_id in first_applied:
        event = published[event_id].event if event_id in published else None
        if event is None:
            continue
        user, now = event["data"]["user"]["id"], (str(event["time"]), event_id)
        if user in newest and newest[user] > now:
            found.append(f"{event_id} of {user} after {newest[user][1]}")
        newest[user] = max(now, newest.get(user, now))
    return found


def _overlaps(calls: Sequence[Call], deaths: Sequence[Death]) -> list[str]:
    def is_a_look(call: Call) -> bool:
        """Whether it is what a worker asks before it consumes: whoever is active may be at work then."""
        return call.endpoint == "GET /v4/account"

    def beyond_recall(call: Call) -> bool:
        return any(
            death.user_agent in call.user_agent and call.arrived <= death.at <= (call.ended or death.at)
            for death in deaths
        )

    return [
        f"{one.method} {one.path} {one.user_agent} with {other.method} {other.path} {other.user_agent}"
        for one, other in overlaps([call for call in calls if not (beyond_recall(call) or is_a_look(call))])
    ]
