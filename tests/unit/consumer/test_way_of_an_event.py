"""The whole way of one event, from what RabbitMQ gave to the ack: good, and bad.

The three stages are the real ones; the queue, the ledger, the dead-letter queue and Kit are held by the test.
Read these from top to bottom to learn what the worker does.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta

import pytest

from tests.unit.consumer.world import World, adds, unavailable
from tests.unit.examples import EMAIL, NOON, change, order
from tests.unit.virtual_time import now, run, settle
from worker.accounts import later
from worker.accounts.account import Account
from worker.consumer import interpreting
from worker.consumer.due_message import due_again
from worker.errors import CredentialRefused, EpochLost, KitRejected, RateLimited, Reason
from worker.events.event import Event
from worker.mapping import Asked
from worker.ops.again import EVENT_TYPE, again_message
from worker.subscribers.known import DueEffect
from worker.subscribers.record import Record

ADA, BOB = EMAIL, "bob@example.com"


def test_an_event_is_applied_written_and_only_then_acked() -> None:
    """Given an idle account, when an event comes, then Kit has it, the ledger knows, and it is acked."""

    async def main() -> None:
        world = World(account=adds("VIP"))
        async with world.running():
            number = world.comes(1, ADA)
            await world.until_settled()

        assert world.kit.log == [f"{ADA} +VIP"]
        (batch,) = world.ledger.batches
        assert [(entry.email, entry.outcome) for entry in batch.entries] == [(ADA, "applied")]
        assert world.consumer.acked == [number]
        assert world.kinds == {number: "applied"}

    run(main())


def nothing_is_known_of_kit(world: World) -> bool:
    """Whether the ledger has nothing but who somebody is."""
    batches = world.ledger.batches
    return not any(batch.entries or any(not each.is_blank for each in batch.records) for batch in batches)


def test_nothing_is_acked_before_kit_has_answered() -> None:
    """Given a slow Kit, when an event is under way, then it is neither written nor acked until the answer."""

    async def main() -> None:
        world = World()
        world.kit.seconds = 5.0
        async with world.open():
            number = world.comes(1)
            await asyncio.sleep(4.9)
            assert world.consumer.acked == []
            assert nothing_is_known_of_kit(world)
            await world.until_settled()
            assert (world.kit.now, world.consumer.acked) == (5.0, [number])

    run(main())


def test_what_waits_for_one_person_is_one_change() -> None:
    """Given Kit's budget is spent, when three events of Ada come, then one change carries what stands."""

    async def main() -> None:
        world = World()
        world.kit.budget.clear()
        async with world.running():
            for number in (1, 2, 3):
                world.comes(number, ADA)
            await settle()
            world.kit.budget.set()
            await world.until_settled()

        assert len(world.kit.starts) == 1
        assert set(world.kinds.values()) == {"applied"}

    run(main())


def test_events_of_one_person_keep_their_order_and_others_do_not_wait() -> None:
    """Given Ada's event is under way, when more come, then hers follow it and Bob's goes out beside it."""

    async def main() -> None:
        world = World()
        world.kit.seconds = 1.0
        async with world.open():
            world.comes(1, ADA)
            await settle()
            world.comes(2, ADA)
            world.comes(3, BOB)
            await world.until_settled()

        assert world.kit.starts == [(0.0, ADA), (0.0, BOB), (1.0, ADA)]

    run(main())


def test_a_copy_of_an_event_is_acked_and_changes_nothing() -> None:
    """Given an event that was applied, when RabbitMQ delivers it again, then no call is made."""

    async def main() -> None:
        world = World()
        async with world.running():
            world.comes(1)
            await world.until_settled()
            calls, again = list(world.kit.log), world.comes(1)
            await world.until_settled()

        assert world.kinds[again] == "duplicate"
        assert world.kit.log == calls

    run(main())


def test_an_event_that_no_mapping_names_is_acked() -> None:
    """Given a mapping that does not name the type, when an event comes, then nobody is asked about it."""

    async def main() -> None:
        world = World(account=adds("VIP", kind="order.paid"))
        async with world.running():
            number = world.comes(1)
            await world.until_settled()

        assert (world.kinds, world.kit.log) == ({number: "ignored"}, [])

    run(main())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", Reason.UNDECODABLE),
        (b"[1, 2]", Reason.UNDECODABLE),
        (json.dumps({"type": "user.signed_up", "data": {"user": {}}}).encode(), Reason.INVALID_EVENT),
    ],
)
def test_what_is_no_event_is_a_dead_letter_and_then_acked(body: bytes, reason: Reason) -> None:
    """Given a message that can never be applied, then it is safe in the dead-letter queue before the ack."""

    async def main() -> None:
        world = World()
        world.dead_letters.problem = "the queue takes nothing"
        async with world.running():
            number = world.delivers(body)
            await asyncio.sleep(60)
            assert (world.dead_letters.published, world.consumer.acked) == ([], [])
            world.dead_letters.problem = ""
            await world.until_settled()

        assert world.settled == {number: reason}
        assert world.consumer.acked == [number]

    run(main())


def test_what_kit_rejects_is_a_dead_letter_and_the_next_event_goes_on() -> None:
    """Given Kit says 422 to Ada's event, then it is a dead letter with Kit's words, and Bob's is applied."""

    async def main() -> None:
        world = World()
        world.kit.broken[ADA] = lambda: KitRejected("Kit answered 422: no")
        async with world.running():
            bad, good = world.comes(1, ADA), world.comes(2, BOB)
            await world.until_settled()

        assert world.settled == {bad: Reason.KIT_REJECTED, good: None}
        assert world.details[bad] == "Kit answered 422: no"

    run(main())


@pytest.mark.parametrize("error", [unavailable(), RateLimited("Kit asks to slow down (429)")])
def test_while_kit_is_down_events_wait_in_hand_and_nothing_is_lost(error: Exception) -> None:
    """Given Kit fails for ten minutes, then the account is held, and afterwards all is applied, uncounted."""

    async def main() -> None:
        world = World()
        world.kit.down = lambda: error if now() < 600 else None
        async with world.running():
            number = world.comes(1)
            await asyncio.sleep(300)
            assert world.holds.hold
            assert world.consumer.acked == []
            await world.until_settled()
            assert not world.holds.hold

        assert (world.kinds, world.attempts) == ({number: "applied"}, {number: 1})

    run(main())


def test_a_refused_credential_leaves_everything_unsettled() -> None:
    """Given Kit says 401, then nothing is acked: the session ends, and the messages wait in their queue."""

    async def main() -> None:
        world = World()
        world.kit.down = lambda: CredentialRefused("Kit refused the credential (401)")
        async with world.running():
            number = world.comes(1)
            await world.holds.refused.wait()
            await asyncio.sleep(60)

        assert list(world.consumer.unsettled) == [number]
        assert world.consumer.acked == []
        assert nothing_is_known_of_kit(world)

    run(main())


def test_once_another_worker_has_the_account_nothing_is_written_or_acked() -> None:
    """Given the ledger says that somebody else took the account, then the stages end, and settle nothing."""

    async def main() -> None:
        world = World()
        world.ledger.error = EpochLost("taken over")
        async with world.running() as tasks:
            world.comes(1)
            with pytest.raises(EpochLost):
                await tasks[0]

        assert (world.kit.log, world.consumer.acked) == ([], [])

    run(main())


def test_while_the_broker_is_not_heard_no_change_begins() -> None:
    """Given a broker that may have given the queue away, then events wait until it is heard again."""

    async def main() -> None:
        world = World()
        world.consumer.is_ours = False
        async with world.running():
            world.comes(1)
            await asyncio.sleep(60)
            assert world.kit.starts == []
            world.consumer.is_ours = True
            await world.until_settled()

        assert set(world.kinds.values()) == {"applied"}

    run(main())


# -- later ---------------------------------------------------------------------------------------------------

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
