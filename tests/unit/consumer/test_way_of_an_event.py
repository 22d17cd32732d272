"""The whole way of one event, from what RabbitMQ gave to the ack: good, and bad.

The three stages are the real ones; the queue, the ledger, the dead-letter queue and Kit are held by the test.
Read these from top to bottom to learn what the worker does, then those of `test_way_of_what_is_later.py`.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.unit.consumer.fake_kit import unavailable
from tests.unit.consumer.world import World, adds
from tests.unit.examples import EMAIL
from tests.unit.virtual_time import now, run, settle
from worker.errors import CredentialRefused, EpochLost, KitRejected, RateLimited, Reason

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
