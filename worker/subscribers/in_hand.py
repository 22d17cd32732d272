"""The events in one session's hands, and what of them is news. Pure."""

from __future__ import annotations

from msgspec import structs

from worker.errors import MovesHeld, PartlyApplied
from worker.events.event import FIRST, Event, OrderKey
from worker.subscribers.change import Change
from worker.subscribers.copies import in_doubt, in_its_place, place_earlier, shows_earlier
from worker.subscribers.desired import is_news
from worker.subscribers.directory import Directory
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.learning import learn
from worker.subscribers.mark import event_mark
from worker.subscribers.move_guard import MoveGuard
from worker.subscribers.moving import begin_move, end_move, is_in_the_way
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Call, Subscriber
from worker.subscribers.tagging_guard import TaggingGuard
from worker.subscribers.trails import is_nobodys
from worker.subscribers.unsaved import Unsaved
from worker.subscribers.whose import Whose, whose


class InHand:
    """The events in one session's hands, judged by what is known of their people.

    Attributes:
        directory: Whom addresses and user ids lead to. It has to `learn` of an event's before `take_in`.
        moves: How many addresses changed lately.
        taggings: How many new taggings there were lately.
        unsaved: What is to be written of them.
    """

    def __init__(self) -> None:
        self.directory = Directory()
        self.moves = MoveGuard()
        self.taggings = TaggingGuard()
        self._marks: set[str] = set()
        self.unsaved = Unsaved(self.directory)

    # -- taking an event in ---------------------------------------------------------------------------

    def take_in(self, item: Item, now: float) -> Item | Outcome | None:
        """Take an event in whose people the directory knows; `let_go` must follow, unless it has to wait.

        Args:
            item: The event, and what it asks for.
            now: Seconds since 1970.

        Returns:
            The item with its subscriber and what is to be done; or how it ends at once, because there is
            nothing to do; or None where it cannot be taken in before somebody else's work has ended.
        """
        event, here = _event_of(item), self.directory.at(item.email)
        if self.directory.is_forgotten(item.email, item.user_id, event.time):
            # Also where the event is refused: a dead letter would name its person.
            return self._ends(structs.replace(item, refusal=None), here, Kind.FORGOTTEN)
        found = whose(self.directory, item, event.order)
        if found is not None:
            if not self._makes_way(item, found):
                return None
            item, found = self._in_its_place(item, found)
        if item.refusal is not None and not isinstance(item.refusal, PartlyApplied):
            return self._ends(item, here if found is None else found.subscriber, Kind.DEAD_LETTERED)
        return None if found is None else self._judge(item, found, now)

    def _makes_way(self, item: Item, found: Whose) -> bool:
        """Give what is known the place that a copy shows; not so while somebody works by the later one."""
        subscriber = found.subscriber
        if found.conflict is not None or not shows_earlier(subscriber.record, item.change):
            return True
        if subscriber.events:
            return False
        place_earlier(subscriber.record, item.change)
        self.unsaved.touch(subscriber)
        return True

    def _in_its_place(self, item: Item, found: Whose) -> tuple[Item, Whose | None]:
        """Return an event, and whose it is, in the place of its first copy, which may be this one."""
        placed = in_its_place(item, _event_of(item), found.subscriber.record)
        if placed is item:
            return item, found
        return placed, whose(self.directory, placed, _event_of(placed).order)

    def _judge(self, item: Item, found: Whose, now: float) -> Item | Outcome | None:
        mark = event_mark(_event_of(item))
        if self._is_applied(item, found, mark):
            return self._ends(item, found.subscriber, Kind.DUPLICATE)
        if mark is not None and mark in self._marks:
            self._hold(item, found.subscriber)
            # What is owed is owed once: the other copy says so. This one may have been delivered before.
            facts = Change(facts=item.change.facts)
            return structs.replace(
                item, subscriber=found.subscriber, change=facts, refusal=None, later=None, doubled=True
            )
        if (conflict := found.conflict or self._why_held(item, found, now)) is not None:
            # It is told under the address that it names, for it is about nobody who is known.
            here = self.directory.at(item.email)
            return self._ends(structs.replace(item, refusal=conflict), here, Kind.DEAD_LETTERED)
        return self._take_in_news(item, found, mark, now)

    def _is_applied(self, item: Item, found: Whose, mark: str | None) -> bool:
        """Tell whether a copy of an event was applied, and nobody doubts what came of it."""
        record = found.subscriber.record
        if mark in record.seen:
            return found.conflict is not None or not in_doubt(found.subscriber, item.change)
        named = [item.previous] if item.previous else []
        if record.moved is not None or not self.directory.leads_to(item.email, found.subscriber):
            named.append(item.email)  # somebody has left it
        # By whoever had such an address: it may have been claimed since.
        return any(mark in each.record.seen for email in named for each in self.directory.all_of(email))

    def _ends(self, item: Item, subscriber: Subscriber, kind: Kind) -> Outcome:
        self._hold(item, subscriber)
        # What is old now may hold a tag when something newer has ended, and then not beyond its own time.
        lasts = kind is Kind.SUPERSEDED and item.change.facts
        later = item.later if lasts else None
        return Outcome(structs.replace(item, subscriber=subscriber, later=later), kind, item.refusal)

    def _hold(self, item: Item, subscriber: Subscriber) -> None:
        """Count an event as in hand that teaches nothing about its person."""
        self.directory.hold(subscriber)
        if item.user_id is not None:
            self.directory.ask_again(item.user_id)

    def _why_held(self, item: Item, found: Whose, now: float) -> MovesHeld | None:
        """Return why an address may not be changed now, though the event may say so."""
        new = found.moves and found.moves not in found.subscriber.asking.values()
        return self.moves.why_not(now) if new and not item.change.new_address else None

    def _take_in_news(self, item: Item, found: Whose, mark: str | None, now: float) -> Item | Outcome | None:
        order, subscriber, moves = _event_of(item).order, found.subscriber, found.moves
        change = item.change if found.address is None else structs.replace(item.change, address=found.address)
        change = _unless_over(change, subscriber.record)
        is_behind = self._may_be_behind(item, found, mark)
        stays = item.refusal is None and found.address is None and not item.waits and not is_behind
        if moves and is_in_the_way(self.directory, subscriber, moves):
            return None
        if found.former:  # that is news, even where all else of the event is old
            self.unsaved.touch(self.directory.note_former(found.former, subscriber, order))
        if stays and self._is_old(subscriber, change):
            self._note_new_user(item, subscriber, found)
            is_copy = mark in subscriber.record.seen  # nobody doubts by now what came of it
            return self._ends(item, subscriber, Kind.DUPLICATE if is_copy else Kind.SUPERSEDED)
        self.directory.hold(subscriber)
        if mark is not None:
            self._marks.add(mark)
        if item.user_id is not None:
            self.directory.note_user(item.user_id, order, subscriber, found.said(order))
        if found.address is not None and not moves:
            subscriber.record.placed = max(subscriber.record.placed or FIRST, found.address.order)
        if is_behind:
            subscriber.behind.add(item.email)
        if moves:
            self._begin_move(item, subscriber, moves, now)
        self.unsaved.met(subscriber)
        return structs.replace(item, subscriber=subscriber, change=change, mark=mark)

    def _note_new_user(self, item: Item, subscriber: Subscriber, found: Whose) -> None:
        """Note whose an event is of which nothing else is news, as if what is newer were not done yet."""
        if item.user_id is None or item.user_id in subscriber.record.users:
            return
        order = _event_of(item).order
        self.directory.note_user(item.user_id, order, subscriber, found.said(order))
        self.unsaved.touch(subscriber)

    def _may_be_behind(self, item: Item, found: Whose, mark: str | None) -> bool:
        """Tell whether a worker that was killed may have applied an event at an address that was left since.

        The move, which came first this time, has left there what it did not know of.
        """
        if not item.delivery.redelivered or item.email == found.subscriber.record.email:
            return False
        return self.directory.at(item.email).record.is_left and mark not in found.subscriber.record.seen

    def _is_old(self, subscriber: Subscriber, change: Change) -> bool:
        """Tell whether a change asks for nothing that is not known already, and note what it says.

        Where facts speak, what is in hand may change what they mean, so that is judged in its turn.
        """
        record = subscriber.record
        facts = bool(record.facts or change.facts)
        if (facts and subscriber.events) or is_news(record, change):
            return False
        if facts:
            learn(record, change)
            self.unsaved.touch(subscriber)
        return True

    def _begin_move(self, item: Item, subscriber: Subscriber, email: str, now: float) -> None:
        if email not in subscriber.asking.values() and not item.change.new_address:
            self.moves.count(now)  # what somebody has changed in Kit is no fault of the platform
        begin_move(self.directory, subscriber, email, _event_of(item).order)

    # -- while it is worked on ------------------------------------------------------------------------

    def touch(self, subscriber: Subscriber) -> None:
        """Have the subscriber's record written."""
        self.unsaved.touch(subscriber)

    def lost(self, subscriber: Subscriber) -> None:
        """Note that Kit no longer has the subscriber."""
        subscriber.record.lost()
        self.unsaved.touch(subscriber)

    def called(self, subscriber: Subscriber, call: Call, order: OrderKey) -> None:
        """Note a call that was answered, for an event that asked for it."""
        self.unsaved.touch(subscriber)
        subscriber.calls.setdefault(order, []).append(call)

    def moved(self, subscriber: Subscriber, address: Part[str], kit_id: int | None, now: float) -> None:
        """Note that the subscriber has a new address; see `end_move`."""
        end_move(self.directory, self.unsaved, subscriber, address, kit_id, now)

    # -- when it is done ------------------------------------------------------------------------------

    def applied(self, item: Item) -> None:
        """Note an event that was taken in as applied."""
        subscriber = _subscriber_of(item)
        self.unsaved.touch(subscriber)
        if item.mark is not None:
            subscriber.record.see(item.mark)

    def let_go(self, item: Item) -> tuple[Call, ...]:
        """Count an event that was taken in as in hand no longer; return calls of its own that nobody told."""
        subscriber, order = _subscriber_of(item), _event_of(item).order
        self.directory.release(subscriber)
        asks = item.change.address is not None  # a copy that is dropped asks for nothing any more
        asked = subscriber.asking.pop(order, None) if asks else None
        if asked is not None and asked not in subscriber.asking.values():
            self.directory.part(subscriber, asked)
            if (subscriber.record.placed or FIRST) > order and is_nobodys(self.directory, asked):
                # A newer event had said otherwise before the person got there.
                self.unsaved.touch(subscriber, self.directory.note_former(asked, subscriber, order))
        if item.mark is not None:
            self._marks.discard(item.mark)
        return () if item.doubled else tuple(subscriber.calls.pop(order, ()))

    def is_busy_with(self, email: str) -> bool:
        """Tell whether the ledger may not know yet all that was taken in of whoever has an address."""
        subscriber = self.directory.at(email)
        return bool(subscriber.events) or self.unsaved.has(subscriber)

    def drop_idle(self) -> None:
        """Drop what nobody in hand needs any more; the ledger has it."""
        self.directory.drop_idle(keep=self.unsaved.subscribers)


def _unless_over(change: Change, record: Record) -> Change:
    """Return a change that creates nobody for whom no event has asked, or none since all was over."""
    if change.creates is None:
        return change
    ended = record.ended
    own = change.is_by_no_mapping and (record.ensured == FIRST or ended is not None)
    late = ended is not None and change.creates.order <= ended
    return structs.replace(change, creates=None) if own or late else change


def _event_of(item: Item) -> Event:
    if item.event is None:
        raise AssertionError("nobody is known by a message that could not be read")
    return item.event


def _subscriber_of(item: Item) -> Subscriber:
    if item.subscriber is None:
        raise AssertionError("an event is let go only after it was taken in")
    return item.subscriber
