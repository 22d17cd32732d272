"""Whose an event is, and whether it gives the person another address. Pure.

A person is told by the platform's id, else by address. The address of a known person is what the newest event
says that may say so; it does not matter which of them comes first. What cannot be told is a conflict, and is
never guessed about.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from worker.errors import IdentityConflict
from worker.events.event import FIRST, OrderKey
from worker.subscribers.directory import Directory
from worker.subscribers.item import Item
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber
from worker.subscribers.trails import Trail, follow, has_led, is_nobodys

OTHER_ADDRESS: Final = (
    "data.user.email: this user.id is known by another address, which this event may not change; nothing was "
    "applied. Publish the new address by user.updated, or another type of options.address_changes, and "
    "then replay this; where an id is not one person's, tell people apart by options.identity: email"
)
SHARED: Final = (
    "data.user.email: another user.id shares the address that this one would leave; nothing was applied, for "
    "the two are one subscriber in Kit. Part them in Kit and forget the address (kit-worker forget), then "
    "replay this; where an id is not one person's, tell people apart by options.identity: email"
)
HELD: Final = (
    "data.user.email: another user.id is known by the new address, and nothing was applied, for two people "
    "never become one. Publish the other one's new address by user.updated, then replay this; where an id is "
    "not one person's, tell people apart by options.identity: email"
)


class Whose(NamedTuple):
    """Whose an event is.

    Attributes:
        subscriber: Who is meant.
        address: Which address the subscriber should have by this event; None where it has no say in that.
        former: An address that the event shows to have been the person's; empty where it shows none.
        conflict: Why nothing of the event may be applied to anybody.
    """

    subscriber: Subscriber
    address: Part[str] | None = None
    former: str = ""
    conflict: IdentityConflict | None = None

    @property
    def moves(self) -> str:
        """The address that the subscriber is to get; empty where that is the present one."""
        address = self.address
        return "" if address is None or address.value == self.subscriber.record.email else address.value

    def said(self, order: OrderKey) -> OrderKey:
        """Return the newest event that said which address the person has, as far as that is true by now.

        Args:
            order: Of the event itself; an address that it asks for is not true before it is applied.
        """
        address = self.address
        return FIRST if address is None or (self.moves and address.order == order) else address.order


def named_by(directory: Directory, item: Item) -> set[str]:
    """Return the addresses and the id that an event names, and where whoever is known by these is now.

    What names one of them, and comes after an event that has to wait, is judged after it: whose it is may
    depend on that.
    """
    ends = {directory.at(email).record.email for email in item.addresses}
    names = {*item.addresses, *ends}
    if item.user_id is not None:
        person = directory.person(item.user_id)
        names |= {item.user_id} if person is None else {item.user_id, person.email}
    return names


def whose(directory: Directory, item: Item, order: OrderKey) -> Whose | None:
    """Return whose an event is; None where that shows once somebody else's work has ended.

    Args:
        directory: It has learned of the event's people.
        item: The event.
        order: Its place among the events of a person.
    """
    if item.by_address:
        trail = Trail(item.email, directory.at(item.email))
        return _unless_moving(item, trail, Whose(trail.subscriber))
    if item.change.new_address:
        trail = follow(directory, item.email, order)
        return _unless_moving(item, trail, _adopted(directory, item.change.new_address, trail, order))
    if (known := _person(directory, item, order)) is not None:
        trail, placed = known
        found = _known(directory, item, order, trail.subscriber, placed)
    else:
        trail = _at_address(directory, item, order)
        # Without an id, the address itself is the person, and says no more than that.
        says = bool(item.previous) or (item.may_move and item.user_id is not None)
        here = says and trail.email == item.email
        found = Whose(trail.subscriber, Part(item.email, order) if here else None)
    if found is not None and item.previous and is_nobodys(directory, item.previous):
        found = found._replace(former=found.former or item.previous)
    return _unless_moving(item, trail, found)


def _person(directory: Directory, item: Item, order: OrderKey) -> tuple[Trail, OrderKey] | None:
    """Return who is known by the event's id, or by an address that it says was the person's before.

    With that comes the newest event that said which address the person has.
    """
    if item.user_id is not None and (person := directory.person(item.user_id)) is not None:
        subscriber = directory.at(person.email)
        said = subscriber.record.users.get(item.user_id, FIRST), *subscriber.asking
        return Trail(person.email, subscriber), max(said)
    if not item.previous:
        return None
    before, now = follow(directory, item.previous, order), follow(directory, item.email, order)
    known = not is_nobodys(directory, before.email)
    if not known and (item.user_id is not None or now.email == item.email):
        return None
    trail = before if known else now
    subscriber, users = trail.subscriber, trail.subscriber.record.users
    placed = max((trail.order, subscriber.record.placed or FIRST, *users.values(), *subscriber.asking))
    if (users or order <= placed) if item.user_id is not None else len(users) > 1:
        return None  # an id that is new is somebody else's
    return trail, placed


def _at_address(directory: Directory, item: Item, order: OrderKey) -> Trail:
    """Return who has an address, or has left it, unless the event has an id that is new."""
    if item.user_id is None:
        return follow(directory, item.email, order)
    return Trail(item.email, directory.at(item.email))


def _adopted(directory: Directory, email: str, trail: Trail, order: OrderKey) -> Whose:
    """Return where somebody is to be known whom Kit has at another address by now.

    That is done where nobody else is known by it: two people never become one, and what one was given is not
    owed to the other.
    """
    subscriber = trail.subscriber
    placed = max((subscriber.record.placed or FIRST, *subscriber.record.users.values(), *subscriber.asking))
    is_new = email != subscriber.record.email
    free = is_new and (is_nobodys(directory, email) or has_led(directory, email, subscriber, order))
    as_of = order.after(placed)
    return Whose(subscriber, Part(email, as_of) if free and as_of is not None else None)


def _unless_moving(item: Item, trail: Trail, found: Whose | None) -> Whose | None:
    """Return what was found, unless somebody else is about to get the address, or to leave it.

    The move may still be rejected, which leaves both where they are.
    """
    subscriber, joined = trail.subscriber, trail.email in trail.subscriber.joined
    says = found is not None and found.address is not None
    if item.user_id in subscriber.record.users:
        # The person's own address is about to be another's: where that goes has to show first.
        return None if joined and says else found
    leaves = bool(subscriber.asking) and (says or item.user_id is not None)
    return None if leaves or joined else found


def _known(
    directory: Directory, item: Item, order: OrderKey, subscriber: Subscriber, placed: OrderKey
) -> Whose | None:
    """Return whether an event of a subscriber who is known may be applied; None where that shows later.

    `placed` is the newest event that said which address the person has.
    """
    leads = has_led(directory, item.email, subscriber, order)
    # It says from where to where: it is enough that the person has, or had, one of the two.
    says = item.may_move or bool(
        item.previous and (leads or has_led(directory, item.previous, subscriber, order))
    )
    if order <= placed:
        return Whose(subscriber) if leads else _late(directory, item, subscriber, placed)
    if not says:
        return Whose(subscriber, conflict=None if leads else IdentityConflict(OTHER_ADDRESS))
    address = _address(directory, item, order)
    other = directory.at(address.value)
    if other is not subscriber:
        joined = address.value in other.joined
        if (why := _why_not_move(item, subscriber, Record("") if joined else other.record)) is not None:
            return Whose(subscriber, conflict=IdentityConflict(why))
        if other.events or joined:
            return None  # what is in hand there has to be done before
    # Also where it is the address as it is, for an older event may still ask for another one.
    return Whose(subscriber, address)


def _address(directory: Directory, item: Item, order: OrderKey) -> Part[str]:
    """Return which address an event says is its person's; if nothing else tells who, where it led since."""
    trail = follow(directory, item.email, order)
    went_on = item.user_id is None and trail.order > order
    return Part(trail.email, trail.order) if went_on else Part(item.email, order)


def _why_not_move(item: Item, subscriber: Subscriber, there: Record) -> str | None:
    own = subscriber.record.users.keys() if item.user_id is None else {item.user_id}
    if subscriber.record.users.keys() - own or len(own) > 1:
        return SHARED
    return HELD if there.users.keys() - own else None


def _late(directory: Directory, item: Item, subscriber: Subscriber, placed: OrderKey) -> Whose | None:
    """Return whose a delayed event is of a person who has moved on.

    It shows an address that was the person's. What came to it by the address alone is the person's, too.
    """
    there = directory.at(item.email)
    if is_nobodys(directory, item.email):
        return Whose(subscriber, former=item.email)
    # By the same ids it is where a worker was killed that was about to bring the person from there.
    users = there.record.users.keys() - subscriber.record.users.keys() - {item.user_id}
    is_anothers = users or there.record.moved or item.email in there.joined
    if is_anothers or there.asking or (there.record.placed or FIRST) >= placed:
        return Whose(subscriber)
    if subscriber.events:
        return None
    return Whose(there, Part(subscriber.record.email, placed))
