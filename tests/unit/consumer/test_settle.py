"""The third stage: a dead letter is safe first, then the ledger has it, then it is acked, then it is told."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from tests.unit.consumer.world import World as Session
from tests.unit.consumer.world import adds
from tests.unit.examples import EMAIL, NOON, change, event, order
from tests.unit.virtual_time import now, run, settle
from worker.consumer.settle import FLUSH_EVERY, history_entry
from worker.errors import EpochLost, InvalidEvent
from worker.events.delivery import Delivery
from worker.events.event import ORIGINAL_ROUTING_KEY
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.known import Known
from worker.subscribers.parts import Part
from worker.subscribers.subscriber import Subscriber


class World(Session):
    """A session in which a test ends the events."""

    def ends(self, number: int, kind: Kind = Kind.IGNORED) -> None:
        """Let event `number` end."""
        item = Item(Delivery(b"", "", tag=number), event(number))
        error = InvalidEvent("no") if kind is Kind.DEAD_LETTERED else None
        self.settle.put(Outcome(item, kind, error))

    def touches(self) -> Subscriber:
        """Let something be noted of a subscriber whose change is not done."""
        item = Item(Delivery(b"", ""), event(1), EMAIL, change=change(1))
        self.in_hand.directory.learn([EMAIL], [], Known({}, {}, {}))
        taken = self.in_hand.take_in(item, self.clock.time())
        assert isinstance(taken, Item)
        assert taken.subscriber is not None
        self.in_hand.touch(taken.subscriber)
        return taken.subscriber

    @property
    def log(self) -> list[str]:
        """How many lines each write had, what was acked, and what was told."""
        saved = [f"saved {len(batch.entries)}" for batch in self.ledger.batches]
        acked = [f"acked {number}" for number in self.consumer.acked]
        return saved + acked + [f"told {number}" for number in self.kinds]


def test_an_event_is_written_then_acked_then_reported() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.ends(1)
            await world.settle.emptied()
        assert world.log == ["saved 1", "acked 1", "told 1"]

    run(main())


def test_with_its_end_it_is_written_which_run_put_it_back() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.settle.put(Outcome(Item(Delivery(b"", "", headers={"x-replay-run": "7"})), Kind.FORGOTTEN))
            await world.settle.emptied()
        assert [batch.replayed for batch in world.ledger.batches] == [{(7, "forgotten"): 1}]

    run(main())


def test_what_ends_during_a_write_is_written_together() -> None:
    """Given a slow write, the hundred events that end meanwhile cost one more."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            world.ends(0)
            await settle()
            for number in range(1, 101):
                world.ends(number)
            await world.settle.emptied()
        assert [len(batch.entries) for batch in world.ledger.batches] == [1, 100]
        assert now() == 2.0

    run(main())


def test_nothing_is_acked_once_the_account_is_lost() -> None:
    async def main() -> None:
        world = World()
        world.ledger.error = EpochLost("taken over")
        async with world.running() as tasks:
            world.ends(1)
            with pytest.raises(EpochLost):
                await tasks[1]
        assert world.log == []

    run(main())


def test_what_the_broker_could_not_be_told_is_not_reported() -> None:
    """Given a channel that is gone, the event comes again, and is counted then."""

    async def main() -> None:
        world = World()
        world.consumer.can_ack = False
        async with world.running():
            world.ends(1)
            await world.settle.emptied()
        assert world.log == ["saved 1"]

    run(main())


def test_what_was_done_of_an_unfinished_change_is_written_within_a_second() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            await asyncio.sleep(10)
            world.touches()
            await asyncio.sleep(FLUSH_EVERY)
            assert [record.email for record in world.ledger.batches[0].records] == [EMAIL]
        assert world.log == ["saved 0"]

    run(main())


def test_whoever_waits_for_the_ledger_goes_on_once_it_has_everything() -> None:
    """Given a note that must be written before the next call, it is, at once and before the wait ends."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            await settle()
            subscriber = world.touches()
            await world.settle.written()
            assert world.log == ["saved 0"]
            assert subscriber.is_written
            assert now() == pytest.approx(0.3)

    run(main())


def test_a_note_made_during_a_write_is_not_taken_for_written() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            world.ends(1)
            await asyncio.sleep(0.1)
            subscriber = world.touches()
            await world.settle.written()
            assert [record.email for record in world.ledger.batches[-1].records] == [subscriber.record.email]
            assert now() == pytest.approx(0.6)

    run(main())


def test_a_write_that_settles_nothing_waits_a_moment_for_what_is_about_to_end() -> None:
    """Given a newcomer and an event that ends within some milliseconds, one write does for both."""

    async def main() -> None:
        world = World()
        world.consumer.unsettled |= {1: Delivery(b"", "", tag=1), 2: Delivery(b"", "", tag=2)}
        async with world.running():
            await settle()
            world.touches()
            async with asyncio.TaskGroup() as group:
                group.create_task(world.settle.written())
                await asyncio.sleep(0.005)
                world.ends(1)
            assert world.log[0] == "saved 1"

    run(main())


def test_emptied_waits_for_what_was_done_as_well() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 0.3
        async with world.running():
            await settle()
            world.touches()
            await world.settle.emptied()
        assert world.log == ["saved 0"]

    run(main())


def test_a_write_that_was_cut_short_counts_as_unwritten() -> None:
    """Given a session that ends during a write, what was in it may be lost, and nobody may rely on it."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            await settle()
            assert world.settle.clean
            world.touches()
            assert not world.settle.clean
            await asyncio.sleep(FLUSH_EVERY + 0.5)
            assert not world.in_hand.unsaved  # it is on its way
            assert not world.settle.clean
        assert world.ledger.batches == []
        assert not world.settle.clean

    run(main())


def test_what_is_written_is_clean() -> None:
    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running():
            world.touches()
            await world.settle.written()
            assert world.settle.clean

    run(main())


def test_a_dead_letter_is_safe_before_the_ledger_has_it_and_holds_up_only_itself() -> None:
    """Given a dead-letter queue that takes nothing, others are settled, and nothing new may begin."""

    async def main() -> None:
        world = World()
        world.dead_letters.problem = "no queue"
        async with world.running():
            world.ends(1, Kind.DEAD_LETTERED)
            await settle()
            world.ends(2)
            await asyncio.sleep(10)
            assert world.kinds == {2: "ignored"}
            assert not world.settle.can_settle
            world.dead_letters.problem = ""
            await world.settle.emptied()
            assert world.settle.can_settle
        assert world.kinds == {2: "ignored", 1: "dead_lettered"}
        assert [entry.outcome for entry in world.ledger.batches[-1].entries] == ["dead_lettered"]
        assert [len(batch.letters) for batch in world.ledger.batches] == [0, 1]  # the index has it, too
        assert world.consumer.acked == [2, 1]

    run(main())


def test_of_somebody_who_was_forgotten_no_history_is_written() -> None:
    async def main() -> None:
        world = World()
        async with world.running():
            world.ends(1, Kind.FORGOTTEN)
            await world.settle.emptied()
        assert world.ledger.batches == []
        assert world.consumer.acked == [1]

    run(main())


def test_the_history_names_the_mapping_under_which_an_event_ended() -> None:
    """Given an event that waits, and a mapping that turns its type off, the new mapping has ended it."""

    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            world.reloads(adds("VIP", kind="order.paid", version="2"))
            await asyncio.sleep(1)
        entries = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert [(entry.outcome, entry.version) for entry in entries] == [("ignored", "2")]

    run(main())


@pytest.mark.parametrize(
    ("kind", "headers", "age"),
    [
        (Kind.APPLIED, {}, 5.0),
        (Kind.APPLIED, {ORIGINAL_ROUTING_KEY: "user.signed_up"}, None),
        (Kind.SUPERSEDED, {}, None),
    ],
)
def test_an_age_is_counted_of_what_was_applied_and_had_not_waited_for_a_person(
    kind: Kind, headers: dict[str, str], age: float | None
) -> None:
    """Given an event that was applied 5 s after it happened, that counts, but not where it was replayed."""
    happened = event(1)
    outcome = Outcome(Item(Delivery(b"", "", headers=headers), happened), kind)

    entry = history_entry(outcome, happened.time.timestamp() + 5.0)

    assert entry is not None
    assert entry.age == age


def test_the_history_tells_what_can_be_read_of_an_event_that_is_invalid() -> None:
    """Given a person and an id in an event without a time that is one, then people find it by either."""
    user = b'{"user": {"id": 7, "email": "Ada@example.com"}}'
    body = b'{"id": "e-1", "type": "order.paid", "time": "?", "data": %b}' % user

    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.delivers(body)
            world.delivers(b"?", type="order.lost")
            await settle()
            await world.settle.emptied()
        entries = [entry for batch in world.ledger.batches for entry in batch.entries]
        known = [(entry.event_id, entry.event_type, entry.email, entry.outcome) for entry in entries]
        assert known == [
            ("e-1", "order.paid", EMAIL, "dead_lettered"),
            (None, "order.lost", "", "dead_lettered"),
        ]
        assert {entry.event_time for entry in entries} == {world.clock.now()}

    run(main())


def test_an_event_that_asks_for_nothing_leaves_no_address_in_the_history() -> None:
    async def main() -> None:
        world = Session()
        async with world.running(dispatch=False):
            world.delivers(b'{"type": "order.other", "data": {"user": {"email": "ada@example.com"}}}')
            await settle()
            await world.settle.emptied()
        (entry,) = [entry for batch in world.ledger.batches for entry in batch.entries]
        assert (entry.outcome, entry.email) == ("ignored", "")

    run(main())


@pytest.mark.parametrize("sign", [("email", EMAIL), ("user", "7")])
def test_an_invalid_event_of_somebody_who_was_forgotten_is_no_dead_letter(sign: tuple[str, str]) -> None:
    """Given one that is invalid, of before and of after that moment, only the later one names the person."""
    data = {"user": {"id": 7, "email": EMAIL}}

    async def main() -> None:
        world = Session()
        world.ledger.gone[sign] = world.clock.now()
        async with world.running(dispatch=False):
            for minutes in (-1, 1):
                time = (world.clock.now() + timedelta(minutes=minutes)).isoformat()
                invalid = {"id": [], "type": "order.paid", "time": time, "data": data}
                world.delivers(json.dumps(invalid).encode())
            await settle()
            await world.settle.emptied()
        assert [each.item.delivery.tag for each in world.dead_letters.published] == [2]
        assert world.kinds == {1: "forgotten", 2: "dead_lettered"}
        assert world.consumer.unsettled == {}

    run(main())


def test_what_has_ended_follows_whoever_moves_before_it_is_written() -> None:
    """Given an event that ended, and its person's move before the write, all is at the new address."""
    home = "ada@home.example"

    async def main() -> None:
        world = World()
        async with world.running():
            later = Later(NOON + timedelta(days=9), "tag 'VIP' off")
            item = Item(Delivery(b"", "", tag=1), event(1), EMAIL, change=change(1), later=later)
            world.in_hand.directory.learn([EMAIL], [], Known({}, {}, {}))
            taken = world.in_hand.take_in(item, world.clock.time())
            assert isinstance(taken, Item)
            assert taken.subscriber is not None
            world.settle.put(Outcome(taken, Kind.APPLIED))
            world.in_hand.moved(taken.subscriber, Part(home, order(2)), 7, world.clock.time())
            await world.settle.emptied()
        (batch,) = world.ledger.batches
        assert batch.moves == [(EMAIL, home)]
        assert [each.email for each in batch.entries] == [home]
        assert [each.email for each in batch.newest] == [home]
        assert [each.email for each in batch.due] == [home]

    run(main())
