"""A move after a worker was killed: RabbitMQ gives events back in any order."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.examples import change, order
from tests.unit.kit.addresses.desk import NEW, OLD, Desk
from tests.unit.kit.harness import WRITTEN, account
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.parts import TagWish


@pytest.fixture
async def empty() -> AsyncIterator[Desk]:
    """A ledger that knows nobody, and a Kit account with nobody in it."""
    async with account() as of:
        for name in ("VIP", "Gold"):
            of.kit.add_tag(name)  # to make a tag has all that is known written
        yield Desk(of)


async def test_what_it_gave_a_newcomer_is_found_though_the_move_comes_first(empty: Desk) -> None:
    await empty.killed(empty.take(1, OLD, "VIP"))

    await empty.apply(empty.take(2, NEW))
    await empty.apply(empty.take(1, OLD, "VIP"))

    assert empty.tags == {NEW: {"VIP"}}


async def test_what_a_subscription_gave_does_not_stay_at_the_old_address(empty: Desk) -> None:
    """Given a newcomer's tag that goes with a subscription, and a new address that Kit has already."""
    gold = Change(
        facts=(Fact(order(1), opens=True, tags={"gold": TagWish("Gold", present=True)}),),
        creates=change().creates,
    )
    await empty.killed(empty.take_change(1, OLD, gold))
    empty.of.kit.add_subscriber(NEW)
    assert empty.tags == {OLD: {"Gold"}, NEW: set()}

    opening = empty.take_change(1, OLD, gold)
    await empty.apply(opening, empty.take(2, NEW))

    assert empty.tags == {OLD: set(), NEW: {"Gold"}}


async def test_a_newcomer_who_moves_on_from_where_kit_had_another_one_leaves_nothing(empty: Desk) -> None:
    """Given it gave tags to Kit's subscriber at the second address, and then the third comes first."""
    third = "ada.newest@example.com"
    empty.of.kit.add_subscriber(NEW)
    await empty.apply(empty.take(1, OLD))
    await empty.killed(empty.take(2, NEW, "VIP"))
    assert empty.tags[NEW] == {"VIP"}

    await empty.apply(empty.take(3, third))
    await empty.apply(empty.take(2, NEW, "VIP"))

    assert {email: tags for email, tags in empty.tags.items() if tags} == {third: {"VIP"}}


@pytest.mark.parametrize("applied", [False, True])
async def test_whom_it_was_moving_is_moved_back_where_a_newer_event_says_so(
    desk: Desk, *, applied: bool
) -> None:
    """Given a move whose answer never came, an event that names the address as it is makes sure of it."""
    moving = Rule(Fault(FaultKind.RESET, applied=applied), method="PUT", path="/v4/subscribers/*", times=1)
    desk.of.sandbox.faults.add(moving)
    await desk.killed(desk.take(2, NEW))
    assert set(desk.tags) == {NEW if applied else OLD}

    await desk.apply(desk.take(3, OLD))
    await desk.apply(desk.take(2, NEW, "VIP"))

    assert desk.tags == {OLD: {"VIP"}}
    desk.of.calls()
    await desk.apply(desk.take(4, OLD, "Gold"))
    assert WRITTEN not in desk.of.calls()  # it is known now


async def test_whom_it_was_moving_is_made_anew_where_kit_has_nobody_any_more(desk: Desk) -> None:
    await desk.apply(desk.take(2, OLD, "VIP"))
    moving = Rule(Fault(FaultKind.RESET), method="PUT", path="/v4/subscribers/*", times=1)
    desk.of.sandbox.faults.add(moving)
    await desk.killed(desk.take(3, NEW))
    desk.of.kit.delete_subscriber(OLD)

    await desk.apply(desk.take(4, OLD))

    assert desk.tags == {OLD: {"VIP"}}


async def test_who_took_the_address_meanwhile_has_all_of_it_then(desk: Desk) -> None:
    """Given Kit has somebody else at the old address by the time, that one is the person."""
    moving = Rule(Fault(FaultKind.RESET, applied=True), method="PUT", path="/v4/subscribers/*", times=1)
    await desk.apply(desk.take(2, OLD, "VIP"))
    desk.of.sandbox.faults.add(moving)
    await desk.killed(desk.take(3, NEW))
    desk.of.kit.add_subscriber(OLD, tags=["By hand"])

    await desk.apply(desk.take(4, OLD, "Gold"))

    assert desk.tags == {OLD: {"By hand", "VIP", "Gold"}, NEW: set()}


@pytest.fixture
async def behind(desk: Desk) -> Desk:
    """Given a tag of which nobody knows, and then a move to an address that Kit has: the tag stays behind."""
    desk.of.kit.add_tag("VIP")
    desk.of.kit.add_subscriber(NEW)
    await desk.killed(desk.take(2, OLD, "VIP"))
    await desk.apply(desk.take(3, NEW, again=True))
    assert desk.tags == {OLD: {"VIP"}, NEW: set()}
    return desk


async def test_what_the_move_left_behind_is_taken_off_as_its_event_comes_again(behind: Desk) -> None:
    await behind.apply(behind.take(2, OLD, "VIP", again=True))
    assert behind.tags == {OLD: set(), NEW: {"VIP"}}


async def test_it_is_also_where_something_newer_has_taken_it_off(behind: Desk) -> None:
    await behind.apply(behind.take_change(4, NEW, change(4, remove=("VIP",))))
    await behind.apply(behind.take(2, OLD, "VIP", again=True))
    assert behind.tags == {OLD: set(), NEW: set()}


async def test_nobody_looks_there_for_an_event_that_was_never_delivered_before(behind: Desk) -> None:
    behind.of.calls()
    await behind.apply(behind.take(0, OLD, "Gold"))
    assert behind.tags[NEW] == {"Gold"}
    assert not any(call.startswith("DELETE") for call in behind.of.calls())


async def test_nor_at_an_address_that_nobody_had(behind: Desk) -> None:
    behind.of.calls()
    await behind.apply(behind.take(0, "ada.older@example.com", "Gold", again=True))
    assert behind.tags[NEW] == {"Gold"}
    assert not any(call.startswith("DELETE") for call in behind.of.calls())
