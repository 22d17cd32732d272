"""A person who changes the address while other events come, or calls fail; each of these once ended wrong."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import structlog

from tests.unit.examples import change, event, order
from tests.unit.kit.harness import WRITTEN, Account, account, nobody_in_hand
from worker.errors import KitUnavailable
from worker.events.delivery import Delivery
from worker.ledger.record_json import dump_record, load_record
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import Change, merge_all
from worker.subscribers.fact import Fact
from worker.subscribers.item import Item
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.parts import TagWish
from worker.subscribers.subscriber import Subscriber

OLD, NEW = "ada@example.com", "ada.new@example.com"
USER = "u-ada"


def subscriber_of(item: Item) -> Subscriber:
    """Whom an event that was taken in is about."""
    assert item.subscriber is not None
    return item.subscriber


@dataclass
class Desk:
    """Takes events of one person in, and applies them, over one ledger."""

    of: Account
    records: dict[str, tuple[int | None, str, str | None]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)

    def take(self, number: int, email: str, *add: str, again: bool = False) -> Item:
        """Take event `number` in, which names an address, and perhaps was delivered before."""
        return self.take_change(number, email, change(number, add=add), again=again)

    def take_change(self, number: int, email: str, wanted: Change, *, again: bool = False) -> Item:
        """Take event `number` in, which asks for a change."""
        delivery = Delivery(b"", "", redelivered=again)
        asked = Item(delivery, event(number), email, USER, wanted, may_move=True)
        emails, users = self.of.in_hand.directory.unknown([asked])
        people = {user: self.people[user] for user in users & self.people.keys()}
        named = {*emails, *(person.email for person in people.values())} & self.records.keys()
        records = {address: load_record(address, *self.records[address]) for address in named}
        self.of.in_hand.directory.learn(emails, users, Known(records, people, {}))
        taken = self.of.in_hand.take_in(asked, time.time())
        assert isinstance(taken, Item)
        return taken

    async def apply(self, *taken: Item) -> None:
        """Apply events of one subscriber that were taken in."""
        await self.of.writer.apply(subscriber_of(taken[0]), merge_all(item.change for item in taken))
        for item in taken:
            self.of.in_hand.applied(item)
            self.of.in_hand.let_go(item)
        self._write(self.of.in_hand.unsaved.take())
        self.of.in_hand.unsaved.saved()

    def _write(self, batch: Batch) -> None:
        for written in (*self.of.batches, batch):  # what the writer waited for came first
            self.records |= {each.email: (each.kit_id, *dump_record(each)) for each in written.records}
            self.people |= {person.user_id: person for person in written.people}
        self.of.batches.clear()

    async def killed(self, *taken: Item) -> None:
        """Apply events, and let the worker be killed before it has written what it did."""
        with contextlib.suppress(KitUnavailable):
            await self.of.writer.apply(subscriber_of(taken[0]), merge_all(item.change for item in taken))
        self._write(Batch())
        self.of.in_hand = nobody_in_hand()

    @property
    def tags(self) -> dict[str, set[str]]:
        """Everybody's tags, as Kit has them."""
        return {email: set(person.tags) for email, person in self.of.kit.subscribers().items()}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A person who was applied under the old address."""
    async with account() as of:
        desk = Desk(of)
        await desk.apply(desk.take(1, OLD))
        yield desk


async def test_an_older_event_that_comes_during_a_move_does_not_undo_it(desk: Desk) -> None:
    newer = desk.take(5, NEW)
    older = desk.take(3, OLD, "VIP")  # taken in before the move is done
    await desk.apply(newer)
    await desk.apply(older)
    assert desk.tags == {NEW: {"VIP"}}


async def test_a_way_back_that_a_crash_cut_off_is_made_after_it(desk: Desk) -> None:
    """Given a move, and a newer one back to the old address, the second is not done before a crash."""
    there = desk.take(2, NEW)
    desk.take(3, OLD)
    await desk.apply(there)
    desk.of.in_hand = nobody_in_hand()

    await desk.apply(desk.take(3, OLD))

    assert desk.tags == {OLD: set()}


async def test_a_tag_whose_answer_was_lost_does_not_stay_at_the_old_address(desk: Desk) -> None:
    """Given a gift that landed unanswered, then a move to an address that Kit has, only that one has it."""
    desk.of.kit.add_subscriber(NEW)
    desk.of.sandbox.faults.add(
        Rule(Fault(FaultKind.RESET, applied=True), path="/v4/tags/*/subscribers/*", times=1)
    )
    gift = desk.take(4, OLD, "Gold")
    with pytest.raises(KitUnavailable):
        await desk.apply(gift)
    assert desk.tags == {OLD: {"Gold"}, NEW: set()}
    await desk.apply(gift, desk.take(5, NEW))
    assert desk.tags == {OLD: set(), NEW: {"Gold"}}


async def test_a_tag_in_doubt_does_not_stay_either(desk: Desk) -> None:
    """Given a removal that never landed and had no answer, the tag is taken off the old address."""
    desk.of.kit.add_subscriber(NEW)
    await desk.apply(desk.take(2, OLD, "Gold"))
    desk.of.sandbox.faults.add(
        Rule(Fault(FaultKind.RESET), method="DELETE", path="/v4/tags/*/subscribers/*", times=1)
    )
    subscriber = subscriber_of(desk.take(3, OLD))
    without = change(3, remove=("Gold",))
    with pytest.raises(KitUnavailable):
        await desk.of.writer.apply(subscriber, without)
    await desk.of.writer.apply(subscriber, without.merge(desk.take(4, NEW).change))
    assert desk.tags == {OLD: set(), NEW: set()}


async def test_the_old_address_is_unsubscribed_where_kit_has_the_new_one_already(desk: Desk) -> None:
    """Given two active subscribers, the person would get everything twice."""
    desk.of.kit.add_subscriber(NEW)
    await desk.apply(desk.take(2, OLD, "Gold"))
    desk.of.calls()
    item = desk.take(3, NEW)
    await desk.of.writer.apply(subscriber_of(item), item.change)
    calls = desk.of.calls()

    assert "the old address unsubscribed" in [call.what for call in desk.of.in_hand.let_go(item)]
    assert desk.tags == {OLD: set(), NEW: {"Gold"}}
    states = {email: person.state for email, person in desk.of.kit.subscribers().items()}
    assert states == {OLD: "cancelled", NEW: "active"}
    assert "POST /v4/subscribers/{id}/unsubscribe 204" in calls


@pytest.mark.parametrize("state", ["cancelled", "inactive", "bounced", "complained"])
async def test_the_old_address_stays_and_is_named_where_the_new_one_gets_no_mail(
    desk: Desk, state: str
) -> None:
    """Given nobody is reached at the new address, the old one may be all that is left: people decide."""
    desk.of.kit.add_subscriber(NEW, state=state)
    await desk.apply(desk.take(2, OLD, "Gold"))
    old_id = desk.of.kit.subscriber(OLD).id
    item = desk.take(3, NEW)
    with structlog.testing.capture_logs() as logs:
        await desk.of.writer.apply(subscriber_of(item), item.change)

    assert desk.of.kit.subscriber(OLD).state == "active"
    assert [(line["event"], line["kit_id"]) for line in logs] == [("old_address_left", old_id)]
    (said,) = [call.what for call in desk.of.in_hand.let_go(item) if "already" in call.what]
    assert said == f"email address, which Kit had already; the old one, subscriber {old_id}, still gets mail"


@pytest.mark.parametrize("applied", [False, True])
async def test_a_move_whose_unsubscribing_failed_is_done_again(desk: Desk, *, applied: bool) -> None:
    desk.of.kit.add_subscriber(NEW)
    fault = Fault(FaultKind.RESET, applied=applied)
    desk.of.sandbox.faults.add(Rule(fault, path="/v4/subscribers/*/unsubscribe", times=1))
    item = desk.take(3, NEW, "Gold")
    with pytest.raises(KitUnavailable):
        await desk.apply(item)
    await desk.apply(item)

    assert desk.tags == {OLD: set(), NEW: {"Gold"}}
    assert desk.of.kit.subscriber(OLD).state == "cancelled"


async def test_an_old_subscriber_who_is_deleted_meanwhile_is_in_nobodys_way(desk: Desk) -> None:
    desk.of.kit.add_subscriber(NEW)
    desk.of.sandbox.fail("status", status=404, path="/v4/subscribers/*/unsubscribe", times=1)
    await desk.apply(desk.take(3, NEW, "Gold"))
    assert desk.tags[NEW] == {"Gold"}


async def test_a_person_whose_address_was_changed_in_kit_stays_one(desk: Desk) -> None:
    """Given the creator corrected the address there, fields and name go to the same subscriber, by id."""
    kit_id = desk.of.kit.subscriber(OLD).id
    changed = {"email_address": "corrected@example.com"}
    await desk.of.client.call("PUT", "/v4/subscribers/{}", kit_id, json=changed)
    desk.of.calls()
    item = desk.take(2, OLD)
    asked = change(2, add=("Gold",), fields={"Plan": "Annual"}, first_name="Ada")
    await desk.of.writer.apply(subscriber_of(item), asked)

    assert desk.tags == {"corrected@example.com": {"Gold"}}
    person = desk.of.kit.subscriber("corrected@example.com")
    assert (person.first_name, person.fields) == ("Ada", {"plan": "Annual"})
    assert [call for call in desk.of.calls() if "/v4/subscribers" in call.split("tags")[0]] == [WRITTEN]


# -- after a worker was killed: RabbitMQ gives events back in any order --------------------------------------


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
