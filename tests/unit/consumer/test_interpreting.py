"""What an event asks for is asked at its moment, and what of it comes later goes along."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, NOON, change, event
from worker.accounts.account import Account
from worker.consumer import interpreting
from worker.consumer.interpreting import interpreted
from worker.errors import InvalidEvent, PartlyApplied
from worker.events.delivery import Delivery
from worker.events.event import Due, Event, Origin
from worker.mapping import Asked
from worker.subscribers.change import Change
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.parts import Part

AT = NOON + timedelta(hours=1)
ACCOUNT = Account("main")


class Mapping:
    """A mapping that answers what a test wants, and notes when it is asked for."""

    def __init__(self, answer: Asked | None) -> None:
        self.answer = answer
        self.asked_at: list[datetime] = []

    def interpret(self, _event: Event, _account: Account, now: datetime) -> Asked | None:
        self.asked_at.append(now)
        return self.answer


def asking(
    monkeypatch: pytest.MonkeyPatch, answer: Asked | None, item: Item
) -> tuple[Item | Outcome, Mapping]:
    mapping = Mapping(answer)
    monkeypatch.setattr(interpreting, "interpret", mapping.interpret)
    monkeypatch.setattr("worker.accounts.later.interpret", mapping.interpret)
    return interpreted(item, ACCOUNT), mapping


def item(due: Due | None = None, received_at: datetime = NOON) -> Item:
    return Item(Delivery(b"", "", received_at=received_at), structs.replace(event(), due=due), EMAIL)


def test_an_event_is_asked_for_at_the_moment_of_its_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    asks, mapping = asking(monkeypatch, Asked(change(add=("VIP",)), ("a part",)), item())

    assert isinstance(asks, Item)
    assert (asks.change, asks.later, mapping.asked_at) == (change(add=("VIP",)), None, [NOON])
    assert isinstance(asks.refusal, PartlyApplied)
    assert str(asks.refusal) == "a part"


@pytest.mark.parametrize(
    ("answer", "note"),
    [(None, ""), (Asked(skipped="rule 2"), "skipped: rule 2 of user.signed_up says so")],
)
def test_an_event_that_no_mapping_names_or_that_a_rule_skips_is_ignored(
    monkeypatch: pytest.MonkeyPatch, answer: Asked | None, note: str
) -> None:
    ends, _ = asking(monkeypatch, answer, structs.replace(item(), later=Later(AT, "", alone=True)))

    assert isinstance(ends, Outcome)
    assert (ends.kind, ends.note, ends.item.later) == (Kind.IGNORED, note, None)


@pytest.mark.parametrize(("late_by", "moment"), [(-3, AT), (5, AT + timedelta(seconds=5))])
def test_what_is_due_has_its_time_though_this_clock_is_behind(
    monkeypatch: pytest.MonkeyPatch, late_by: int, moment: datetime
) -> None:
    """Given a message of the ledger's time, its event is asked for at that time, or at a later receipt."""
    due = item(Due("d-1", AT), AT + timedelta(seconds=late_by))

    assert asking(monkeypatch, Asked(), due)[1].asked_at == [moment]


def test_what_comes_later_goes_along_and_is_dropped_when_it_no_longer_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asks, mapping = asking(monkeypatch, Asked(again=AT), item())
    assert isinstance(asks, Item)
    assert asks.later == Later(AT, "", alone=True)
    assert asks.waits
    assert mapping.asked_at == [NOON, AT]

    again, _ = asking(monkeypatch, Asked(change(add=("VIP",))), asks)

    assert isinstance(again, Item)
    assert (again.later, again.waits) == (None, False)


def test_to_send_all_again_is_asked_by_no_mapping() -> None:
    """Given a type that no file maps, all that Kit has answered until the receipt is to be told again."""
    asked = structs.replace(event(), type="kit-worker.again", origin=Origin.AGAIN)
    asks = interpreted(Item(Delivery(b"", "", received_at=AT), asked, EMAIL), ACCOUNT)

    assert isinstance(asks, Item)
    assert asks.change == Change(creates=Part("active", asked.order), again=AT.timestamp())


def test_to_send_all_again_to_nobody_is_an_invalid_event() -> None:
    asked = structs.replace(event(email="nobody"), origin=Origin.AGAIN)
    with pytest.raises(InvalidEvent):
        interpreted(Item(Delivery(b"", ""), asked), ACCOUNT)
