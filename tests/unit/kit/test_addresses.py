"""A person who changes the address while other events come, or calls fail; each of these once ended wrong."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import structlog
from msgspec import structs

from tests.unit.examples import change, event, order
from tests.unit.kit.harness import WRITTEN, Account, account, nobody_in_hand
from worker.errors import KitUnavailable
from worker.events.delivery import Delivery
from worker.ledger.record_json import dump_record, load_record
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import Change, merge_all
from worker.subscribers.fact import Fact
from worker.subscribers.item import Item
from worker.subscribers.known import Known, Person
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
        asked = change(number, add=add)
        return self.take_item(Item(Delivery(b"", "", redelivered=again), event(number), email, USER, asked))

    def take_item(self, item: Item) -> Item:
        """Take an event in, which may change the address."""
        asked = structs.replace(item, may_move=True)
        emails, users = self.of.in_hand.directory.unknown([asked])
        people = {user: self.people[user] for user in users & self.people.keys()}
        wanted = {*emails, *(person.email for person in people.values())} & self.records.keys()
        records = {address: load_record(address, *self.records[address]) for address in wanted}
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
        batch = self.of.in_hand.changes()
        self.records |= {each.email: (each.kit_id, *dump_record(each)) for each in batch.records}
        self.people |= {person.user_id: person for person in batch.people}

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


# -- after a worker was killed whose last answers nobody knows ---------------------------------------------


@pytest.fixture
async def killed() -> AsyncIterator[Desk]:
    """A person whom a worker made, and tagged, under the old address; of which the ledger has nothing."""
    async with account() as of:
        desk = Desk(of)
        await desk.apply(desk.take(1, OLD, "VIP"))
        desk.records, desk.people = {}, {}
        of.in_hand = nobody_in_hand()
        yield desk


def states(desk: Desk) -> dict[str, str]:
    """Whether each gets mail."""
    return {email: person.state for email, person in desk.of.kit.subscribers().items()}


async def test_what_it_gave_under_the_old_address_is_taken_off_though_the_move_comes_first(
    killed: Desk,
) -> None:
    await killed.apply(killed.take(2, NEW, again=True))
    await killed.apply(killed.take(1, OLD, "VIP", again=True))

    assert killed.tags == {OLD: set(), NEW: {"VIP"}}


async def test_what_a_subscription_gave_there_is_taken_off_as_well(killed: Desk) -> None:
    """Given a tag that goes with a subscription, whose event the killed worker had applied."""
    gold = Change(facts=(Fact(order(3), opens=True, tags={"gold": TagWish("Gold", present=True)}),))
    opening = structs.replace(killed.take(3, OLD, again=True), change=gold)
    killed.of.in_hand = nobody_in_hand()
    await killed.apply(killed.take_item(structs.replace(opening, subscriber=None)))
    assert killed.tags[OLD] == {"VIP", "Gold"}
    killed.records, killed.people = {}, {}
    killed.of.in_hand = nobody_in_hand()

    await killed.apply(killed.take(4, NEW, again=True))
    await killed.apply(killed.take_item(structs.replace(opening, subscriber=None)))
    await killed.apply(killed.take(1, OLD, "VIP", again=True))

    assert killed.tags == {OLD: set(), NEW: {"VIP", "Gold"}}


async def test_a_move_to_an_older_address_that_nobody_noted_is_taken_back(desk: Desk) -> None:
    """Given a worker that had moved the person by the older of two events, Kit has the newer address."""
    await desk.apply(desk.take(5, NEW))
    (kit_id,) = (person.id for person in desk.of.kit.subscribers().values())
    await desk.of.client.call("PUT", "/v4/subscribers/{}", kit_id, json={"email_address": "a@example.com"})

    await desk.apply(desk.take(3, "a@example.com", again=True))

    assert desk.tags == {NEW: set()}


async def test_who_is_there_without_us_keeps_all_else(desk: Desk) -> None:
    """Given somebody at the older address, who may be another person, only what is asked goes."""
    await desk.apply(desk.take(5, NEW))
    desk.of.kit.add_subscriber("a@example.com", tags=["Bob's", "VIP"])

    await desk.apply(desk.take(3, "a@example.com", "VIP", again=True))

    assert desk.tags == {NEW: {"VIP"}, "a@example.com": {"Bob's"}}
    assert states(desk) == {NEW: "active", "a@example.com": "active"}


async def test_where_nobody_was_nobody_is_made(desk: Desk) -> None:
    await desk.apply(desk.take(5, NEW))

    await desk.apply(desk.take(3, "a@example.com", "VIP", again=True))

    assert desk.tags == {NEW: {"VIP"}}


async def test_a_person_who_comes_back_there_gets_mail(killed: Desk) -> None:
    """Given a killed worker's subscriber at the old address, a way there and back ends with all there."""
    await killed.apply(killed.take(2, NEW, again=True))
    await killed.apply(killed.take(1, OLD, "VIP", again=True))

    await killed.apply(killed.take(3, OLD))

    assert killed.tags[OLD] == {"VIP"}
    assert states(killed)[OLD] == "active"


async def test_of_what_the_ledger_has_nobody_asks(desk: Desk) -> None:
    """Given a copy of an event that was applied and written, or one that was never delivered before."""
    await desk.apply(desk.take(5, NEW))
    desk.of.calls()

    await desk.apply(desk.take(3, OLD, "VIP"))

    assert set(desk.tags) == {NEW}
    assert not any("/v4/subscribers" in call and "tags" not in call for call in desk.of.calls())
