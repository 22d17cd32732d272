"""Changes of many people that are written together: each ends as if it had been written by itself."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from tests.unit.consumer.fake_kit import FakeKit, unavailable
from tests.unit.consumer.world import World, adds
from tests.unit.examples import EMAIL, event, order
from tests.unit.virtual_time import run, settle
from worker.consumer.apply import ALONE_AFTER, called_for, came_of
from worker.consumer.backlog import Pending
from worker.errors import CredentialRefused, KitRejected, RateLimited, Reason
from worker.events.delivery import Delivery
from worker.kit.job import NobodyThere
from worker.kit.refused import RefusedPart
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.item import Item, Kind
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Call, Subscriber


def many() -> World:
    """A session of an account that may write many changes together."""
    return World(FakeKit(bulk=True, concurrency=2))


def single(world: World) -> list[str]:
    """Who was written by single calls, since many were last written well."""
    return [email for _, email in world.kit.starts]


def test_all_that_waits_makes_up_a_round_and_what_comes_meanwhile_the_next() -> None:
    async def main() -> None:
        world = many()
        for number in range(5):
            world.arrives(f"p{number}", add=("VIP",))
        async with world.open():
            await settle()
            world.arrives("p0", remove=("VIP",))
            world.arrives("late", add=("VIP",))
            await world.until_settled()
        assert world.kit.rounds == [[f"p{number}" for number in range(5)], ["p0", "late"]]
        assert world.kit.tags["p0"] == set()
        assert set(world.settled.values()) == {None}

    run(main())


def test_one_change_is_written_by_itself() -> None:
    async def main() -> None:
        world = many()
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()
        assert (world.kit.rounds, single(world)) == ([], ["ada"])

    run(main())


def test_whoever_is_left_is_written_by_itself_and_holds_up_nobody() -> None:
    """Given one person who cannot be written with others, and whom Kit refuses, only that one is refused."""

    async def main() -> None:
        world = many()
        world.kit.alone = {"bad"}
        world.kit.broken["bad"] = lambda: KitRejected("no")
        numbers = {email: world.arrives(email, add=("VIP",)) for email in ("ada", "bad", "cleo")}
        async with world.running():
            await world.until_settled()
        assert world.settled == {
            numbers["ada"]: None,
            numbers["bad"]: Reason.KIT_REJECTED,
            numbers["cleo"]: None,
        }

    run(main())


@pytest.mark.parametrize("bulk", [False, True])
def test_an_event_that_creates_nobody_is_ignored_where_kit_has_nobody(*, bulk: bool) -> None:
    async def main() -> None:
        world = many() if bulk else World()
        world.kit.alone = {"nobody"}
        world.kit.broken["nobody"] = NobodyThere
        numbers = {email: world.arrives(email, add=("VIP",)) for email in ("ada", "nobody", "cleo")}
        async with world.open():
            await world.until_settled()
            assert world.apply.succeeded.is_set()
        assert world.kinds[numbers["nobody"]] == "ignored"
        assert (
            world.notes[numbers["nobody"]] == "Kit has nobody of this address, and the event creates nobody"
        )
        assert [world.kinds[numbers[email]] for email in ("ada", "cleo")] == ["applied", "applied"]
        assert world.backlog.taken == 0

    run(main())


def test_while_somebody_is_written_alone_the_next_round_goes_on() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        class SlowKit(FakeKit):
            async def apply(
                self, subscriber: Subscriber, asked: Change, since: float = 0.0
            ) -> list[RefusedPart]:
                if subscriber.record.email == "slow":
                    await gate.wait()
                return await super().apply(subscriber, asked, since)

        world = World(SlowKit(bulk=True, concurrency=2))
        world.kit.alone = {"slow"}
        slow = world.arrives("slow", add=("VIP",))
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await asyncio.sleep(1)
            numbers = [world.arrives(email, add=("VIP",)) for email in ("ben", "cleo")]
            await asyncio.sleep(1)
            assert all(number in world.settled for number in numbers)
            assert slow not in world.settled
            gate.set()
            await world.until_settled()

    run(main())


@pytest.mark.parametrize("error", [RateLimited("slow down"), unavailable("POST /v4/bulk/subscribers")])
def test_a_round_that_fails_is_a_hold_after_which_all_are_tried_again(error: Exception) -> None:
    async def main() -> None:
        world = many()
        world.kit.errors = [(error, {"ada"})]
        for email in ("ada", "ben", "cleo"):
            world.arrives(email, add=("VIP",))
        async with world.open():
            await asyncio.sleep(0.2)
            assert world.holds.hold
            assert len(world.backlog) == 3
            await world.until_settled()
        assert not world.holds.hold
        assert set(world.settled.values()) == {None}
        assert single(world) == []
        assert world.kit.careful == [False, True]

    run(main())


def test_whoever_fails_again_and_again_in_company_is_tried_alone() -> None:
    """Given one person whom no bulk call survives, the others are written, and only that one fails."""

    async def main() -> None:
        world = many()
        everybody = [f"p{number}" for number in range(6)]
        world.kit.last_worked = 0.0
        failing = unavailable("POST /v4/bulk/subscribers")
        world.kit.errors = [(failing, set(everybody))] * 50
        world.kit.broken["p3"] = unavailable
        numbers = {email: world.arrives(email, add=("VIP",)) for email in everybody}
        async with world.running():
            await asyncio.sleep(60)
            assert world.settled.keys() == set(numbers.values()) - {numbers["p3"]}
            assert len(world.kit.rounds) <= ALONE_AFTER + 1
            for _ in range(30):  # Kit goes on serving others
                world.arrives("other", add=("VIP",))
                await asyncio.sleep(30)
            assert world.settled[numbers["p3"]] is Reason.KIT_UNAVAILABLE
        assert world.settled.keys() == set(range(1, world.count + 1))

    run(main())


def test_a_credential_that_is_refused_ends_the_session_with_all_put_back() -> None:
    async def main() -> None:
        world = many()
        world.kit.errors = [(CredentialRefused("no"), set())]
        for email in ("ada", "ben"):
            world.arrives(email, add=("VIP",))
        async with world.running():
            await asyncio.sleep(30)
        assert world.holds.refused.is_set()
        assert len(world.backlog) == 2
        assert world.settled == {}

    run(main())


def test_a_bug_with_many_refuses_nobody() -> None:
    """Given a crash while many were written, each is written by itself, where it hits only one."""

    async def main() -> None:
        world = many()
        world.kit.crashes = True

        def bug() -> Exception:
            return ZeroDivisionError()

        world.kit.broken["bad"] = bug
        numbers = {email: world.arrives(email, add=("VIP",)) for email in ("ada", "bad", "cleo")}
        async with world.running():
            await world.until_settled()
        assert world.settled[numbers["bad"]] is Reason.HANDLER_ERROR
        assert [world.settled[numbers[email]] for email in ("ada", "cleo")] == [None, None]

    run(main())


def test_a_session_that_ends_puts_a_round_back() -> None:
    async def main() -> None:
        world = many()
        world.kit.seconds = 100.0
        for email in ("ada", "ben"):
            world.arrives(email, add=("VIP",))
        async with world.open():
            await settle()
            assert len(world.backlog) == 0
        assert len(world.backlog) == 2
        assert world.backlog.taken == 0
        assert world.dispatch.idle

    run(main())


def test_a_mapping_that_changes_meanwhile_counts_for_what_is_put_back() -> None:
    async def main() -> None:
        world = World(FakeKit(bulk=True), account=adds("Old"))
        world.kit.errors = [(RateLimited("slow down"), set())]
        async with world.running():
            numbers = [world.comes(1, "ada@example.com"), world.comes(2, "ben@example.com")]
            await settle()
            world.reloads(adds("New", version="2"))
            await world.until_settled()
        assert [world.kinds[number] for number in numbers] == ["applied", "applied"]
        assert world.kit.tags == {"ada@example.com": {"New"}, "ben@example.com": {"New"}}

    run(main())


def test_where_nothing_could_be_written_that_is_no_success() -> None:
    """Given two events that Kit rejects, neither shows that writing works."""

    async def main() -> None:
        world = World()
        world.kit.broken["+VIP"] = lambda: KitRejected("no such tag")
        async with world.open():
            world.comes(1)
            world.comes(2)
            await world.until_settled()
            assert set(world.kinds.values()) == {"dead_lettered"}
            assert not world.apply.succeeded.is_set()
            world.kit.broken.clear()
            world.comes(3)
            await world.until_settled()
            assert world.apply.succeeded.is_set()

    run(main())


# -- what was otherwise in Kit ------------------------------------------------------------------------------


@pytest.mark.parametrize("adopts", [False, True])
def test_of_each_difference_it_is_told_what_came_of_it(*, adopts: bool) -> None:
    """Given two, of which one is done, the event is applied; given none is, it is ignored, and says why."""
    tag = Remedy(DriftRow(DriftKind.TAG_MISSING, "VIP"), order(9), adopts)
    field = Remedy(DriftRow(DriftKind.FIELD, "Plan", "Silver"), order(9), adopts)
    ada = Subscriber(Record(EMAIL), looked_at={tag: "Kit has it already", field: ""})
    item = Item(Delivery(b"", ""), change=Change(remedies=frozenset({field, tag})))

    done = ["custom field 'Plan': taken over from Kit"] if adopts else []
    assert came_of(item, ada) == (Kind.APPLIED, "; ".join([*done, "tag 'VIP': Kit has it already"]))
    assert ada.looked_at == {}

    ada.looked_at[field] = "nobody is resubscribed"
    item = structs.replace(item, change=Change(remedies=frozenset({field})))
    assert came_of(item, ada) == (Kind.IGNORED, "custom field 'Plan': nobody is resubscribed")


def test_any_other_event_is_applied_with_nothing_to_tell() -> None:
    assert came_of(Item(Delivery(b"", "")), Subscriber(Record(EMAIL))) == (Kind.APPLIED, "")


def test_what_an_event_brings_about_of_others_is_told_of_the_newest() -> None:
    """Given calls for two events that end now, and for one that has ended, the newer of the two has that."""
    ada = Subscriber(Record(EMAIL))
    calls = [Call("POST /v4/subscribers", f"call {number}", 201) for number in range(4)]
    ada.calls = {order(number): [calls[number]] for number in (3, 1, 2)}
    one, two = (Item(Delivery(b"", ""), event(number), EMAIL, subscriber=ada) for number in (1, 2))

    assert called_for(Pending(ada, [two, one])) == [(two, (calls[2], calls[3])), (one, (calls[1],))]
    assert ada.calls == {}

    ada.calls = {order(number): [calls[number]] for number in (1, 2)}
    all_again = structs.replace(one, change=Change(again=1.0))
    copy = structs.replace(all_again, doubled=True)
    told = called_for(Pending(ada, [all_again, copy, two]))
    assert [calls for _, calls in told] == [(calls[2],), (calls[1],), ()]
