"""An event that is only tried leaves what is in hand as if Kit had taken it."""

from __future__ import annotations

from msgspec import structs

from tests.unit.examples import EMAIL, change, event
from worker.errors import PartlyApplied
from worker.events.delivery import Delivery
from worker.subscribers.as_if_applied import as_if_applied
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Known

NOBODY = Known({}, {}, {})


class Tried:
    """One session's hands, in which events are tried one after another."""

    def __init__(self) -> None:
        self.in_hand = InHand()

    def __call__(self, item: Item) -> str:
        """Try an event; returns how it ends."""
        while any(unknown := self.in_hand.directory.unknown([item])):
            self.in_hand.directory.learn(*unknown, NOBODY)
        end = self.in_hand.take_in(item, 0.0)
        assert end is not None
        if isinstance(end, Outcome):
            self.in_hand.let_go(end.item)
            return end.kind
        as_if_applied(self.in_hand, end, 1.0)
        assert not self.in_hand.directory.at(item.email).events, "it is let go"
        return Kind.APPLIED


def said(number: int, asks: Change, email: str = EMAIL, user_id: str | None = None) -> Item:
    """Event `number`, which may change addresses."""
    return Item(Delivery(b"", ""), event(number, email=email), email, user_id, change=asks, may_move=True)


def test_a_copy_and_what_is_older_are_no_news_any_more() -> None:
    tried = Tried()
    assert tried(said(2, change(2, add=("VIP",)))) == "applied"
    assert tried(said(2, change(2, add=("VIP",)))) == "duplicate"
    assert tried(said(1, change(1, remove=("VIP",)))) == "superseded"
    assert tried(said(3, change(3, remove=("VIP",)))) == "applied"


def test_what_is_owed_by_an_event_is_owed_by_its_copy_as_well() -> None:
    tried = Tried()
    owing = structs.replace(said(1, change(1, add=("VIP",))), refusal=PartlyApplied("tag: no value"))
    assert [tried(owing), tried(owing)] == ["applied", "applied"]


def test_somebody_who_would_be_made_is_in_kit_by_then() -> None:
    tried = Tried()
    tried(said(1, change(1)))
    assert tried.in_hand.directory.at(EMAIL).record.kit_id is not None


def test_somebody_who_may_not_be_made_need_not_be() -> None:
    tried = Tried()
    tried(said(1, structs.replace(change(1, add=("VIP",)), creates=None)))
    assert tried.in_hand.directory.at(EMAIL).record.kit_id is None


def test_a_person_who_moves_has_the_new_address_and_all_that_was_done() -> None:
    tried = Tried()
    tried(said(1, change(1, add=("VIP",)), user_id="u-1"))
    assert tried(said(2, Change(), "new@example.com", user_id="u-1")) == "applied"
    directory = tried.in_hand.directory
    assert directory.at("new@example.com").record.tags.keys() == {"vip"}
    assert directory.at(EMAIL).record.moved is not None
    assert tried(said(3, change(3), "new@example.com", user_id="u-1")) == "applied"


def test_an_older_word_about_the_address_moves_nobody_back() -> None:
    tried = Tried()
    tried(said(1, change(1), user_id="u-1"))
    tried(said(3, Change(), "new@example.com", user_id="u-1"))
    tried(said(2, Change(), "between@example.com", user_id="u-1"))
    assert tried.in_hand.directory.at("new@example.com").record.users.keys() == {"u-1"}
