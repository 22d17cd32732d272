"""The first stage: one question to the ledger for all that have come, order is kept, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from tests.unit.consumer.world import World, adds
from tests.unit.examples import EMAIL
from tests.unit.virtual_time import run, settle
from worker.accounts.account import Account
from worker.consumer.end import End
from worker.consumer.intake import LOOK_AGAIN
from worker.consumer.settle import history_entry
from worker.errors import EpochLost, Reason
from worker.events.event import OrderKey, arrival_of
from worker.mapping import Condition, EventMapping, Rule, Template
from worker.subscribers.learning import finish

NEW = "ada.new@example.com"


def test_events_that_come_during_a_question_are_asked_about_together() -> None:
    async def main() -> None:
        world = World()
        world.ledger.reads = 1.0
        async with world.running(dispatch=False):
            world.comes(0, "p0@example.com")
            await settle()
            for number in range(1, 101):
                world.comes(number, f"p{number}@example.com")
            assert len(world.intake) == 100 + 1
            await asyncio.sleep(2.5)
        assert [len(emails) for emails in world.ledger.asked] == [1, 100]
        assert world.folded == list(range(1, 102))

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


def test_what_is_no_news_ends_at_once() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            pending = world.backlog.take(0.0)
            assert pending is not None
            pending.subscriber.record.note(pending.change, 1.0, {})
            finish(pending.subscriber.record, pending.change)
            world.in_hand.applied(pending.items[0])
            duplicate, older = world.comes(1), world.comes(0)
            await settle()
        assert world.kinds == {duplicate: "duplicate", older: "superseded"}

    run(main())


def test_what_cannot_be_read_or_applied_is_a_dead_letter() -> None:
    """Given no JSON, nobody, and an id of the wrong form, each ends with a reason of its own."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            broken = world.delivers(b"{")
            nobody = world.comes(2, "ada(at)example.com")
            odd = world.comes(3, id=["Ada"])
            await settle()
        assert world.settled == {
            broken: Reason.UNDECODABLE,
            nobody: Reason.INVALID_EVENT,
            odd: Reason.INVALID_EVENT,
        }
        assert world.consumer.unsettled == {}

    run(main())


def test_an_event_that_a_rule_skips_ends_without_a_question_and_says_which_rule() -> None:
    """Given somebody who wants no mail, nobody is looked up or created, and the history names the rule."""

    async def main() -> None:
        skips = Rule(when=(Condition("data.user.consent", ("false",)),), skip=True)
        mapping = EventMapping(Rule((Template("Member"),)), (skips,))
        world = World(account=Account("main", events={"user.signed_up": mapping}, version="1"))
        async with world.running():
            skipped = world.comes(1, consent=False)
            await settle()
            assert (world.kinds, world.ledger.asked) == ({skipped: "ignored"}, [])
            taken = world.comes(2, consent=True)
            await world.until_settled()
        assert world.kinds[taken] == "applied"
        entry = history_entry(world.report.outcomes[0], 0.0)
        assert entry is not None
        assert entry.detail == "skipped: rule 1 of user.signed_up says so"

    run(main())


def test_an_event_of_which_a_part_is_owed_goes_on_with_the_rest_and_says_what_is() -> None:
    """Given a tag that lacks its value, the event waits with all else, and keeps what it ends with."""

    async def main() -> None:
        world = World(account=adds("Member", "{data.user.plan} plan"))
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            (item,) = world.backlog.items()
        assert item.change.tags.keys() == {"member"}
        assert str(item.refusal).startswith("data.user.plan: has no value")
        assert world.settled == {}

    run(main())


def test_an_event_that_no_mapping_names_is_acked_and_asks_nobody() -> None:
    async def main() -> None:
        world = World(account=adds("VIP", kind="order.paid"))
        async with world.running(dispatch=False):
            number = world.comes(1)
            await settle()
        assert world.kinds == {number: "ignored"}
        assert world.consumer.acked == [number]
        assert world.ledger.asked in ([], [set()])

    run(main())


def test_a_bug_in_reading_costs_one_message() -> None:
    class Odd(dict[str, object]):
        def get(self, *_: object) -> object:
            raise ZeroDivisionError

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            crashing = world.delivers(b"{}", headers=Odd())
            fine = world.comes(2)
            await settle()
        assert world.settled == {crashing: Reason.HANDLER_ERROR}
        assert world.folded == [fine]

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


async def orders_of(world: World, *numbers: int) -> list[OrderKey]:
    """Let events of one moment come, and return their order keys as they reach the backlog."""
    async with world.running(dispatch=False):
        for number in numbers:
            world.comes(0, f"p{number}@example.com")
        await settle()
    return [item.event.order for item in world.backlog.items() if item.event is not None]


def test_of_one_moment_the_later_tenure_is_newer_whichever_process_began_first() -> None:
    """Given the later tenure read its event first, as a process whose own count began earlier would."""

    async def main() -> None:
        earlier, later = World(), World()
        earlier.ledger.epoch, later.ledger.epoch = 5, 6
        (second,) = await orders_of(later, 1)
        first = (await orders_of(earlier, *range(50)))[-1]
        assert first < second

    run(main())


def test_what_is_read_while_the_account_is_taken_keeps_its_place() -> None:
    """Given events read before, during and after the take, they have its numbers, in their order."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes, world.ledger.reads = 0, 2**40, 1.0
        async with world.running(dispatch=False):
            for number in range(3):
                world.comes(0, f"p{number}@example.com")
                await asyncio.sleep(0.4)
            await asyncio.sleep(2)
            world.comes(0, "p3@example.com")
            await asyncio.sleep(2)
        orders = [item.event.order for item in world.backlog.items() if item.event is not None]
        assert [order.arrival for order in orders] == [arrival_of(2**40, tag) for tag in (1, 2, 3, 4)]

    run(main())


def test_an_account_that_is_taken_anew_numbers_what_is_read_anew() -> None:
    """Given somebody else had the account meanwhile, what waits here came after what they applied."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes = 5, 7
        (order,) = await orders_of(world, 1)
        assert order.arrival == arrival_of(7, 1)

    run(main())


def test_a_replay_keeps_the_number_of_its_first_time() -> None:
    async def main() -> None:
        world = World()
        world.ledger.takes = 9
        async with world.running(dispatch=False):
            world.comes(0)
            body = world.consumer.unsettled[1].body
            world.delivers(
                body, headers={"x-event-arrival": "17", "x-original-routing-key": "user.signed_up"}
            )
            await settle()
        orders = [item.event.order for item in world.backlog.items() if item.event is not None]
        assert orders[1].arrival == 17

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


# -- times ------------------------------------------------------------------------------------------------


def ahead(world: World, minutes: float, email: str = EMAIL) -> int:
    """Let an event come that is dated so many minutes ahead of this machine's clock."""
    time = (world.clock.now() + timedelta(minutes=minutes)).isoformat()
    return world.delivers(json.dumps({"time": time, "data": {"user": {"email": email}}}).encode())


def test_an_event_that_is_dated_ahead_is_a_dead_letter_while_the_clock_may_be_right() -> None:
    """Given a clock that others agree with, it is the event that is wrong; the ledger was asked before."""

    async def main() -> None:
        world = World()
        world.clock.heard("Kit", world.clock.time(), within=1.0)
        async with world.running(dispatch=False):
            early, current = ahead(world, 10), ahead(world, 0)
            await settle()
        assert world.settled == {early: Reason.INVALID_EVENT}
        assert world.folded == [current]
        assert world.ledger.asked
        assert world.consumer.ends == []

    run(main())


def test_a_clock_that_is_behind_makes_no_dead_letters() -> None:
    """Given that Kit's clock is ten minutes ahead of ours, current events wait, and the session ends."""

    async def main() -> None:
        world = World()
        world.ledger.reads = 1.0
        async with world.running(dispatch=False):
            for number in range(100):
                ahead(world, 10, f"p{number}@example.com")
            await settle()
            world.clock.heard(
                "Kit", world.clock.time() + 600, within=1.0
            )  # the answer to who has the account
            await asyncio.sleep(5)
            assert len(world.intake) == len(world.consumer.unsettled) == 100
        assert world.settled == {}
        assert set(world.consumer.ends) == {End.CLOCK_WRONG}

    run(main())


def times(world: World) -> list[float]:
    """When the events in the backlog happened, in seconds since the world began."""
    began = world.clock.began
    return [item.event.time.timestamp() - began for item in world.backlog.items() if item.event is not None]


async def undated(world: World) -> None:
    """Let an event come that has no time of its own."""
    world.delivers(json.dumps({"data": {"user": {"email": f"p{world.count}@example.com"}}}).encode())
    await settle()


def test_of_events_without_a_time_the_later_one_is_later_also_where_the_clock_is_set_back() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            await undated(world)
            world.clock.began -= 120
            await undated(world)
            await undated(world)
            world.clock.began += 180
            await undated(world)
            world.clock.began -= 60
        assert times(world) == [0, 0, 0, 60]

    run(main())


def test_and_also_where_another_host_took_the_one_before() -> None:
    """Given an account that was last written for at a time that lies ahead here, what comes is later."""

    async def main() -> None:
        world = World()
        world.ledger.epoch, world.ledger.takes = 0, 7
        world.ledger.brings = world.clock.now() + timedelta(minutes=2)
        async with world.running(dispatch=False):
            await undated(world)
        assert times(world) == [120]

    run(main())
