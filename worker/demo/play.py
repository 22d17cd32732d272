"""Plays the story: publishes events, looks up what became of each, and notes what changed in Kit."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from worker.accounts.load import load_accounts
from worker.accounts.preview import preview
from worker.clock import Clock
from worker.contract.publish import Addressed, publish_all
from worker.contract.samples import Sample
from worker.dead_letters.listing import look
from worker.dead_letters.selection import Selection
from worker.demo.process import PATIENCE, DemoFailedError
from worker.demo.stage import API_KEY, Stage
from worker.demo.story import DEAD_LETTERS, ENDINGS, NEVER_TAGGED, SCENES, Scene, times
from worker.ledger.history import Line, find_history
from worker.sandbox import Call, FaultKind, Person

_SET_UP = re.compile(r"(GET|POST) /v4/(tags|custom_fields)$")
"""Calls that learn or create ids: made once, not for each event."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an event: its outcome in the ledger's history, and why, where it is a dead letter."""

    outcome: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What is different about one person after a scene; fields by key."""

    email: str
    created: bool
    first_name: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    fields: Mapping[str, str]

    def __bool__(self) -> bool:
        """Tell whether anything is."""
        return bool(self.created or self.first_name or self.added or self.removed or self.fields)


@dataclass(frozen=True, slots=True)
class Played:
    """A scene, and what came of it.

    Attributes:
        became: What became of each of its events.
        changes: One for each person with a difference.
        calls: Calls that Kit had, without those that only learn or create ids.
        set_up: Those.
        milliseconds: From publishing until the last of them was done.
    """

    scene: Scene
    became: tuple[Became, ...]
    changes: tuple[Changed, ...]
    calls: int
    set_up: int
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Review:
    """The whole, afterwards.

    Attributes:
        people: By address, as they stand in Kit.
        one_by_one: Calls that it would have taken to apply each event by itself.
        faults: What is not as it should be, one sentence each; empty where all is.
    """

    people: Mapping[str, Person]
    one_by_one: int
    faults: tuple[str, ...]


async def play(on: Stage) -> AsyncIterator[Played]:
    """Play the scenes, one after the other.

    Raises:
        DemoFailedError: Nothing becomes of an event.
        BrokerUnavailable: An event could not be published.
    """
    happened = iter(times(Clock().now()))
    for scene in SCENES:
        yield await _play_one(on, scene, [next(happened) for _ in scene.happenings])


async def _play_one(on: Stage, scene: Scene, when: list[datetime]) -> Played:
    known = len(await _history(on))
    before, seen = on.sandbox.account(API_KEY).subscribers(), len(on.sandbox.calls())
    started = time.monotonic()
    events = [
        _addressed(each.id, each.type, each.body(at)) for each, at in zip(scene.happenings, when, strict=True)
    ]
    if scene.slow:
        await _publish_before_an_answer(on, events.pop(0), scene.slow)
    await publish_all(on.connection, on.exchange, events)
    done = await _done(on, [each.id for each in scene.happenings], known)
    took = time.monotonic() - started
    calls = on.sandbox.calls()[seen:]
    set_up = sum(map(_is_set_up, calls))
    after = on.sandbox.account(API_KEY).subscribers()
    changes = tuple(filter(None, (_changed(email, before.get(email), after[email]) for email in after)))
    became = tuple([await _became(on, line) for line in done])
    return Played(scene, became, changes, len(calls) - set_up, set_up, round(took * 1000))


async def _publish_before_an_answer(on: Stage, event: Addressed, slow: float) -> None:
    """Publish an event, and return while Kit has been asked but has not answered yet."""
    seen = len(on.sandbox.calls())
    on.sandbox.fail(FaultKind.SLOW, method="POST", path="/v4/subscribers", times=1, delay=slow)
    await publish_all(on.connection, on.exchange, [event])
    try:
        async with asyncio.timeout(PATIENCE):
            await on.sandbox.until(lambda: len(on.sandbox.calls()) > seen)
    except TimeoutError:
        raise DemoFailedError(f"the worker did not call Kit within {PATIENCE:.0f} s") from None


async def _history(on: Stage) -> list[Line]:
    """Return what each event did so far, as `kit-worker history` tells it."""
    return await find_history(on.ledger, account=on.account)


async def _done(on: Stage, ids: list[str], known: int) -> list[Line]:
    """Wait until events are done, and return their lines of history; the first `known` lines are older."""

    async def look() -> list[Line] | None:
        lines = {line.event_id: line for line in (await _history(on))[known:]}
        return [lines[id_] for id_ in ids] if lines.keys() >= set(ids) else None

    return await on.worker.until(look, f"nothing became of one of the events {', '.join(ids)}")


async def _became(on: Stage, line: Line) -> Became:
    if line.outcome != "dead_lettered" or line.event_id is None:
        return Became(line.outcome)
    listing = await look(on.connection, on.account, Selection(ids=frozenset({line.event_id})))
    return Became(line.outcome, listing.letters[-1].reason, listing.letters[-1].detail)


def _addressed(id_: str, kind: str, body: bytes) -> Addressed:
    return Addressed(Sample("demo", body, type=kind, id=id_), kind)


def _is_set_up(call: Call) -> bool:
    return _SET_UP.match(f"{call.method} {call.path}") is not None


def _changed(email: str, before: Person | None, after: Person) -> Changed:
    tags = before.tags if before else frozenset()
    fields = before.fields if before else {}
    name = before.first_name if before else None
    return Changed(
        email=email,
        created=before is None,
        first_name=after.first_name or "" if after.first_name != name else "",
        added=tuple(sorted(after.tags - tags)),
        removed=tuple(sorted(tags - after.tags)),
        fields={key: value for key, value in after.fields.items() if fields.get(key) != value},
    )


async def review(on: Stage) -> Review:
    """Hold what came out against what should have."""
    people = on.sandbox.account(API_KEY).subscribers()
    faults = [*_wrong_people(people), *_tagged_after_all(on), *await _wrong_dead_letters(on)]
    return Review(people, _one_by_one(on), tuple(faults))


def _wrong_people(people: Mapping[str, Person]) -> list[str]:
    faults = [f"{email} should not be in Kit" for email in people if email not in ENDINGS]
    for email, ending in ENDINGS.items():
        person = people.get(email)
        if person is None:
            faults.append(f"{email} is missing from Kit")
        elif (person.first_name, person.tags, dict(person.fields)) != (
            ending.first_name, ending.tags, dict(ending.fields),
        ):  # fmt: skip
            faults.append(
                f"{email} should have the tags {sorted(ending.tags)} and the fields {ending.fields}"
            )
    return faults


def _tagged_after_all(on: Stage) -> list[str]:
    """Look for a tagging that should never have been, not even for a moment."""
    email, tag = NEVER_TAGGED
    account = on.sandbox.account(API_KEY)
    person, tag_id = account.find(email), account.tags().get(tag)
    path = f"/v4/tags/{tag_id}/subscribers/{person.id if person else 0}"
    tagged = any(call.method == "POST" and call.path == path for call in on.sandbox.calls())
    return [f"{email} was tagged {tag} for a moment"] if tagged else []


async def _wrong_dead_letters(on: Stage) -> list[str]:
    listing = await look(on.connection, on.account)
    found = {letter.event_id: letter.reason for letter in listing.letters}
    return [] if found == DEAD_LETTERS else [f"the dead letters should be {DEAD_LETTERS}, and are {found}"]


def _one_by_one(on: Stage) -> int:
    """Return the calls for every event by itself, as `kit-worker preview` shows them."""
    account = load_accounts(on.config_dir, {"KIT_API_KEY": API_KEY}).accounts[on.account]
    now = Clock().now()
    happenings = [each for scene in SCENES for each in scene.happenings]
    deliveries = [
        _addressed(each.id, each.type, each.body(now)).sample.delivery(each.type, now) for each in happenings
    ]
    return sum(len(preview(delivery, account).calls) for delivery in deliveries)
