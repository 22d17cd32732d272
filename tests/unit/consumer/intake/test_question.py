"""The first stage: one question to the ledger for all that have come, and what waits for it."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.consumer.world import World, adds
from tests.unit.examples import EMAIL, NOON
from tests.unit.virtual_time import run, settle
from worker.consumer.due_message import due_again
from worker.consumer.intake import LOOK_AGAIN, MOST_AT_ONCE
from worker.consumer.own_message import anew_effect
from worker.errors import EpochLost

NEW = "ada.new@example.com"


def test_events_that_come_during_a_question_are_asked_about_together() -> None:
    async def main() -> None:
        world = World()
        world.ledger.reads = 1.0
        async with world.running(dispatch=False):
            world.comes(0, "p0@example.com")
            await settle()
            for number in range(1, 1 + MOST_AT_ONCE):
                world.comes(number, f"p{number}@example.com")
            assert len(world.intake) == MOST_AT_ONCE + 1
            await asyncio.sleep(2.5)
        assert [len(emails) for emails in world.ledger.asked] == [1, MOST_AT_ONCE]
        assert world.folded == list(range(1, MOST_AT_ONCE + 2))

    run(main())


def test_even_for_a_person_in_hand_the_ledger_is_asked_whose_the_account_is() -> None:
    """Given a known person, a question without a name is asked all the same: it checks the epoch."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            world.comes(2)
            await settle()
        assert world.ledger.asked == [{EMAIL}, set()]

    run(main())


def test_nothing_is_asked_before_the_account_is_surely_ours() -> None:
    async def main() -> None:
        world = World()
        world.consumer.is_ours = False
        async with world.running(dispatch=False):
            world.comes(1)
            await asyncio.sleep(5)
            assert (world.ledger.asked, len(world.intake)) == ([], 1)
            world.consumer.is_ours = True
            await asyncio.sleep(1)
            assert world.folded == [1]

    run(main())


def test_only_the_first_of_a_session_may_take_the_account_anew() -> None:
    """Given older events in hand, a question says so: what they rest on must still hold."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            world.comes(2)
            await settle()
        assert world.ledger.may_take == [True, False]

    run(main())


def test_a_lost_account_ends_it() -> None:
    async def main() -> None:
        world = World()
        world.ledger.error = EpochLost("taken over")
        async with world.running(dispatch=False) as tasks:
            world.comes(1)
            with pytest.raises(EpochLost):
                await tasks[0]
        assert world.folded == []

    run(main())


def test_a_move_waits_until_the_work_at_the_new_address_is_done() -> None:
    """Given work in hand at the new address, the event is looked at again until it can be taken."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            first, there = world.comes(1, user_id="u-ada"), world.comes(2, NEW)
            await settle()
            move = world.comes(3, NEW, "u-ada", previous_email=EMAIL)
            await asyncio.sleep(1)
            assert (world.folded, len(world.intake)) == ([first, there], 1)
            world.lets_go(there)
            await asyncio.sleep(1)
            assert sorted(world.folded) == [first, there, move]

    run(main())


def test_what_is_heard_anew_waits_until_the_ledger_has_all_that_came_before() -> None:
    """Given an event that is under way, what asks for all anew is looked at again until it is written."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 5.0
        effect = anew_effect(EMAIL, "apply-1", 1, world.account.version, NOON.timestamp())
        message = due_again("main", effect.message)
        world.kit.budget.clear()
        async with world.running():
            first = world.comes(1)
            await settle()
            world.delivers(message.body, message.routing_key, message.properties["headers"])
            await asyncio.sleep(1)
            assert (world.settled, len(world.intake)) == ({}, 1)
            world.kit.budget.set()
            await world.until_settled()
        (kept,) = [each for batch in world.ledger.batches for each in batch.newest]
        (anew,) = [each for batch in world.ledger.batches for each in batch.anew]
        assert list(world.kinds) == [first, first + 1]
        assert {name.type for name in anew[1].events} == {kept.event_type}

    run(main())


def test_a_move_that_waited_goes_on_though_other_events_never_cease_to_come() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            world.comes(1, user_id="u-ada")
            there = world.comes(2, NEW)
            await settle()
            move = world.comes(3, NEW, "u-ada", previous_email=EMAIL)
            await settle()
            world.lets_go(there)
            for number in range(4, 24):
                await asyncio.sleep(LOOK_AGAIN / 2)
                world.comes(number, f"p{number}@example.com")
            assert move in world.folded

    run(main())


def test_a_new_mapping_decides_about_what_waits_here() -> None:
    """Given events that wait for the ledger, a corrected rule holds for them, and may drop them."""

    async def main() -> None:
        world = World()
        world.ledger.reads = 1.0
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            waits = world.comes(2)
            world.reloads(adds("New", version="2"))
            await asyncio.sleep(3)
            changes = {item.delivery.tag: item.change for item in world.backlog.items()}
            assert changes[waits].tags.keys() == {"new"}
            assert changes[1].tags.keys() == {"new"}
            late = world.comes(3)
            await settle()
            world.reloads(adds("VIP", kind="order.paid", version="3"))
            await asyncio.sleep(3)
        assert world.kinds == {1: "ignored", waits: "ignored", late: "ignored"}
        assert world.folded == []

    run(main())


def test_what_is_no_event_is_a_dead_letter_also_while_the_ledger_is_asked() -> None:
    async def main() -> None:
        world = World()
        world.ledger.reads = 600.0
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            world.delivers(b"no event")
            await settle()
            assert len(world.dead_letters.published) == 1
            assert len(world.intake) == 1

    run(main())


def test_what_waits_keeps_its_message_and_not_what_was_read_of_it() -> None:
    """Given a body of small objects, which take ten times its size once they are read, only it is kept."""

    async def main() -> None:
        world = World(account=adds("VIP"))
        async with world.running(dispatch=False):
            world.comes(1, notes=[{"a": 1}] * 1000)
            await settle()
        (item,) = world.backlog.items()
        assert item.event is not None
        assert (item.event.data, item.event.id) == ({}, "event-1")
        assert b'"notes"' in item.delivery.body

    run(main())


def test_what_waits_to_become_a_dead_letter_keeps_only_its_message_too() -> None:
    async def main() -> None:
        world = World()
        world.dead_letters.problem = "full"
        async with world.running(dispatch=False):
            world.comes(1, "no address", notes=[{"a": 1}] * 1000)
            await settle()
            world.dead_letters.problem = ""
            await world.until_settled()
        (outcome,) = world.dead_letters.published
        assert outcome.item.event is not None
        assert outcome.item.event.data == {}

    run(main())
