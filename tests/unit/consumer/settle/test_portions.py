"""A large batch is written in portions: nothing is lost, and what belongs to one person stays together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.consumer.settle.ends import World
from tests.unit.examples import NOON, change, event, order
from tests.unit.virtual_time import run, settle
from worker.consumer.portions import MOST, Ended, portions
from worker.errors import EpochLost
from worker.events.delivery import Delivery
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved
from worker.subscribers.subscriber import Subscriber

PEOPLE = [f"p{number}@example.com" for number in range(8)]
addresses = st.sampled_from(PEOPLE)


def ended(number: int, email: str | None) -> Ended:
    """Return how event `number` ended; None: it is about nobody."""
    subscriber = None if email is None else Subscriber(Record(email))
    item = Item(Delivery(b"", "", tag=number), event(number), email or "", subscriber=subscriber)
    return Ended(Outcome(item, Kind.APPLIED), NOON.timestamp(), None)


def record(email: str, moved_to: str | None) -> Record:
    """Return what is known of somebody, who may have left the address."""
    return Record(email, moved=None if moved_to in {None, email} else Moved(moved_to, order(1)))


def tags(ends: Sequence[Ended]) -> list[int]:
    """Return the numbers of events."""
    return [each.outcome.item.delivery.tag for each in ends]


def people_of(batch: Batch, ends: Sequence[Ended]) -> set[str]:
    """Return of whom a portion says anything."""
    subscribers = [each.outcome.item.subscriber for each in ends]
    named = {each.record.email for each in subscribers if each is not None}
    return named | {each.email for each in batch.records} | {each.email for each in batch.people}


@given(
    st.lists(st.none() | addresses, max_size=30),
    st.dictionaries(addresses, st.none() | addresses, max_size=8),
    st.lists(addresses, unique=True, max_size=8),
    st.integers(1, 12),
)
def test_all_of_it_is_in_just_one_portion_and_all_of_a_person_in_the_same(
    about: list[str | None], moved: dict[str, str | None], new: list[str], most: int
) -> None:
    batch = Batch(
        [record(*each) for each in moved.items()],
        [Person(f"u-{email}", email) for email in new],
        taggings={1: 2},
        holds=True,
    )
    ends = [ended(number, email) for number, email in enumerate(about, start=1)]

    found = list(portions(batch, ends, most))

    assert sorted(tags([each for _, some in found for each in some])) == tags(ends)
    assert sorted(each.email for part, _ in found for each in part.records) == sorted(moved)
    assert sorted(each.email for part, _ in found for each in part.people) == sorted(new)
    said = [people_of(part, some) for part, some in found]
    for email in PEOPLE:
        assert sum(email in each for each in said) <= 1
    for old, left_for in moved.items():
        assert not left_for or sum(bool({old, left_for} & each) for each in said) == 1
    assert [part.taggings for part, _ in found] == [{1: 2}] + [{}] * (len(found) - 1)
    assert all(part.holds for part, _ in found)
    for _, some in found:
        of_one = [each for each in some if each.outcome.item.subscriber is not None]
        for email in PEOPLE:
            theirs = tags([each for each in of_one if people_of(Batch(), [each]) == {email}])
            assert theirs == sorted(theirs)


def test_a_portion_is_hardly_larger_than_it_may_be() -> None:
    """Given a thousand people with one event each, no write is longer than a portion."""
    emails = [f"p{number}@example.com" for number in range(1000)]
    batch = Batch([Record(email) for email in emails])

    found = list(portions(batch, [ended(number, email) for number, email in enumerate(emails)]))

    assert [len(part.records) + len(some) for part, some in found] == [MOST] * 6 + [200]


def test_of_many_who_are_new_no_more_are_written_at_once_either() -> None:
    """Given a thousand people of whom the ledger is to know no more than who they are."""
    batch = Batch(people=[Person(f"u-{number}", f"p{number}@example.com") for number in range(1000)])

    found = list(portions(batch, []))

    assert [len(part.people) for part, _ in found] == [MOST] * 3 + [100]


def test_a_batch_in_which_somebody_moved_is_written_whole() -> None:
    batch = Batch([Record(email) for email in PEOPLE], moves=[(PEOPLE[0], PEOPLE[1])])
    ends = [ended(number, email) for number, email in enumerate(PEOPLE)]
    assert [(part, tags(some)) for part, some in portions(batch, ends, 2)] == [(batch, tags(ends))]


def many_end(world: World, count: int) -> None:
    """Let as many people's events end in one moment."""
    for number in range(1, count + 1):
        email = f"p{number}@example.com"
        asked = event(number, received_at=NOON + timedelta(hours=1))
        item = Item(Delivery(b"", "", tag=number), asked, email, change=change(number, add=("VIP",)))
        world.in_hand.directory.learn([email], [], Known({}, {}, {}))
        taken = world.in_hand.take_in(item, world.clock.time())
        assert isinstance(taken, Item)
        world.settle.put(Outcome(taken, Kind.APPLIED))


def test_what_one_portion_settles_is_acked_before_the_next_is_written() -> None:
    """Given a thousand people, RabbitMQ may send more, and other accounts write, long before all is done."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        acked: list[int] = []
        async with world.running():
            await settle()
            many_end(world, 1000)
            await settle()
            while not world.settle.clean:
                acked.append(len(world.consumer.acked))
                await asyncio.sleep(1.0)
            await world.settle.emptied()
        assert [len(batch.records) for batch in world.ledger.batches] == [MOST // 2] * 6 + [100]
        assert [len(batch.entries) for batch in world.ledger.batches] == [MOST // 2] * 6 + [100]
        assert acked == sorted(acked)
        assert len(set(acked)) >= 6
        assert len(world.consumer.acked) == 1000

    run(main())


def test_an_account_that_is_lost_between_two_portions_keeps_what_was_written() -> None:
    """Given another worker that takes over in the middle, nobody's event is acked that is not written."""

    async def main() -> None:
        world = World()
        world.ledger.writes = 1.0
        async with world.running() as tasks:
            await settle()
            many_end(world, 1000)
            await asyncio.sleep(2.5)
            world.ledger.error = EpochLost("taken over")
            with pytest.raises(EpochLost):
                await tasks[1]
        written = [entry.event_id for batch in world.ledger.batches for entry in batch.entries]
        assert len(written) == MOST
        assert 0 < len(world.consumer.acked) <= len(written)
        assert not world.settle.clean

    run(main())
