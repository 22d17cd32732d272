"""The whole way of an event that takes effect or ends something later: out to a timer, and in again."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.unit.consumer.world import World
from tests.unit.examples import EMAIL, NOON, change, order
from tests.unit.virtual_time import run, settle
from worker.accounts import later
from worker.accounts.account import Account
from worker.consumer import interpreting
from worker.consumer.due_message import due_again
from worker.errors import KitRejected, Reason
from worker.events.event import Event
from worker.mapping import Asked
from worker.ops.again import EVENT_TYPE, again_message
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.record import Record

ADA = EMAIL

DUE = NOON + timedelta(days=30)
WAITS = Asked(again=DUE)


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> dict[bool, Asked]:
    """What events ask for, before their time is over and after."""
    asked = {False: WAITS, True: Asked(change(0, add=("Cancelled",)))}

    def interpret(_event: Event, _account: Account, now: datetime) -> Asked:
        return asked[now >= DUE]

    monkeypatch.setattr(interpreting, "interpret", interpret)
    monkeypatch.setattr(later, "interpret", interpret)
    return asked


def comes_again(world: World, effect: DueEffect) -> int:
    """Let what the ledger has kept come out of the queue; its message's number."""
    message = due_again("main", effect.message)
    properties = {name: value for name, value in message.properties.items() if name != "headers"}
    return world.delivers(message.body, message.routing_key, message.properties["headers"], **properties)


@pytest.mark.usefixtures("mapped")
def test_an_event_that_takes_effect_later_leaves_a_timer_and_comes_again() -> None:
    """Given an event whose time lies ahead, Kit hears nothing of it until its timer's message has come in."""

    async def main() -> None:
        world = World()
        async with world.running():
            number, copy = world.comes(1, ADA), world.comes(1, ADA)
            await world.until_settled()
            assert world.kinds == {number: "scheduled", copy: "duplicate"}
            assert world.kit.log == []
            (effect,) = [each for batch in world.ledger.batches for each in batch.due]
            again = comes_again(world, effect)
            await world.until_settled()
            twice = comes_again(world, effect)
            await world.until_settled()

        assert (effect.email, effect.what, effect.at) == (ADA, "tag 'Cancelled'", DUE.timestamp())
        assert [world.kinds[each] for each in (again, twice)] == ["applied", "duplicate"]
        assert world.kit.log == [f"{ADA} +Cancelled"]
        entries = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert (entries[0].outcome, entries[0].detail) == (
            "scheduled", "on 2026-07-31T12:00:00Z: tag 'Cancelled'",
        )  # fmt: skip
        assert world.consumer.acked == [number, copy, again, twice]

    run(main())


@pytest.mark.usefixtures("mapped")
def test_a_timer_is_written_with_the_end_of_its_event_and_crossed_off_with_the_end_of_its_own() -> None:
    """Given timers, no moment is between an event and its timer: both ends are one write each."""

    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1, ADA)
            await world.until_settled()
            (first,) = [batch for batch in world.ledger.batches if batch.due]
            assert [entry.outcome for entry in first.entries] == ["scheduled"]
            assert first.records[0].seen  # a copy that comes after a crash is known as one
            comes_again(world, first.due[0])
            await world.until_settled()
        (second,) = [batch for batch in world.ledger.batches if batch.past]
        assert second.past == [first.due[0].id]
        assert [entry.outcome for entry in second.entries] == ["applied"]
        assert [batch.past for batch in world.ledger.batches if batch is not second] == [[]] * (
            len(world.ledger.batches) - 1
        )

    run(main())


def test_a_tag_that_ends_leaves_a_timer_and_is_taken_off(mapped: dict[bool, Asked]) -> None:
    """Given a tag with an end, it is put on now, and off when the event has come in again."""
    mapped[False] = Asked(change(1, add=("Gold access",)), again=DUE)
    mapped[True] = Asked(change(2, remove=("Gold access",)))

    async def main() -> None:
        world = World()
        async with world.running():
            number = world.comes(1, ADA)
            await world.until_settled()
            (effect,) = [each for batch in world.ledger.batches for each in batch.due]
            again = comes_again(world, effect)
            await world.until_settled()

        assert world.kinds == {number: "applied", again: "applied"}
        assert world.kit.log == [f"{ADA} +Gold access", f"{ADA} -Gold access"]
        assert effect.what == "tag 'Gold access' off"

    run(main())


def test_what_an_event_owes_is_one_dead_letter_however_often_it_comes_in_again(
    mapped: dict[bool, Asked],
) -> None:
    """Given a tag with an end and a part without a value, its end tells of no part but another one."""
    plan, level = ("data.plan: has no value",), ("data.level: has no value",)
    mapped[False] = Asked(change(1, add=("Gold access",)), owed=plan, again=DUE)

    async def main(owed: tuple[str, ...]) -> World:
        mapped[True] = Asked(change(2, remove=("Gold access",)), owed=owed)
        world = World()
        async with world.running():
            number = world.comes(1, ADA)
            await world.until_settled()
            (effect,) = [each for batch in world.ledger.batches for each in batch.due]
            comes_again(world, effect)
            await world.until_settled()
        assert world.kit.log == [f"{ADA} +Gold access", f"{ADA} -Gold access"]
        assert world.settled[number] is Reason.PARTLY_APPLIED
        return world

    world = run(main(plan))
    assert list(world.settled.values())[1:] == [None]
    entries = [entry for batch in world.ledger.batches for entry in batch.entries]
    assert (entries[-1].outcome, entries[-1].detail) == (
        "applied", "its dead letter of before says what it owes still: data.plan: has no value",
    )  # fmt: skip
    assert list(run(main(level)).settled.values())[1:] == [Reason.PARTLY_APPLIED]


@pytest.mark.usefixtures("mapped")
def test_one_that_is_due_and_fails_is_a_dead_letter_and_its_timer_is_crossed_off() -> None:
    async def main() -> None:
        world = World()
        world.kit.broken["+Cancelled"] = lambda: KitRejected("Kit says no")
        async with world.running():
            world.comes(1, ADA)
            await world.until_settled()
            (effect,) = [each for batch in world.ledger.batches for each in batch.due]
            again = comes_again(world, effect)
            await world.until_settled()

        assert world.settled[again] is Reason.KIT_REJECTED
        assert [batch.past for batch in world.ledger.batches if batch.past] == [[effect.id]]
        assert [batch.due for batch in world.ledger.batches if batch.due] == [[effect]]

    run(main())


@pytest.mark.usefixtures("mapped")
def test_one_that_is_due_and_cannot_be_read_is_crossed_off_as_well() -> None:
    """Given a message that is due and has lost its body, it is a dead letter once, not every few minutes."""

    async def main() -> None:
        world = World()
        async with world.running():
            number = world.delivers(b"?", "kit.main", {"x-origin": "due", "x-due-id": "d-1"})
            await world.until_settled()
        assert world.settled == {number: Reason.UNDECODABLE}
        assert [batch.past for batch in world.ledger.batches if batch.past] == [["d-1"]]

    run(main())


def test_what_is_asked_to_be_sent_again_is_told_last_of_its_persons_events() -> None:
    """Given a message of the page's, an event behind it and a copy, they are one change, and all are told."""

    async def main() -> None:
        world = World()
        world.ledger.records[ADA] = Record(ADA, 7, ensured=order(0))
        world.kit.budget.clear()
        message = again_message("main", ADA, NOON)
        async with world.running():
            asked = world.delivers(message.body, message.routing_key, message.properties["headers"])
            event = world.comes(1, ADA)
            copy = world.delivers(message.body, message.routing_key, message.properties["headers"])
            await settle()
            world.kit.budget.set()
            await world.until_settled()

        assert (len(world.kit.starts), world.kinds) == (
            1,
            {asked: "applied", event: "applied", copy: "duplicate"},
        )
        entries = [entry.event_type for batch in world.ledger.batches for entry in batch.entries]
        assert entries == ["user.signed_up", EVENT_TYPE, EVENT_TYPE]

    run(main())


@pytest.mark.usefixtures("mapped")
def test_what_takes_effect_later_does_not_fail_with_what_is_done_now() -> None:
    """Given an event folded with one that fails as a whole, only that one is a dead letter."""

    async def main() -> None:
        world = World()
        world.kit.budget.clear()
        async with world.running():
            waits = world.comes(1, ADA)
            await settle()
            fails = world.arrives(ADA, add=("Broken",))
            world.kit.broken["+Broken"] = ZeroDivisionError
            world.kit.budget.set()
            await world.until_settled()
        assert world.kinds == {waits: "scheduled", fails: "dead_lettered"}

    run(main())


def test_a_part_that_is_owed_takes_no_end_away(mapped: dict[bool, Asked]) -> None:
    """Given a tag with an end beside a part that is owed, the end comes, whether or not anybody replays."""
    mapped[False] = Asked(change(1, add=("Gold access",)), ("plan: missing",), again=DUE)

    async def main() -> None:
        world = World()
        async with world.running():
            number = world.comes(1, ADA)
            await world.until_settled()
        assert world.settled == {number: Reason.PARTLY_APPLIED}
        assert [len(batch.due) for batch in world.ledger.batches if batch.due] == [1]
        (entry,) = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert entry.detail == "plan: missing; on 2026-07-31T12:00:00Z: tag 'Cancelled'"

    run(main())
