"""What an event does later, in the words of the history."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.unit.examples import NOON, change, event, order
from worker.accounts import later as module
from worker.accounts.account import Account
from worker.accounts.later import later_of
from worker.events.event import Event
from worker.mapping import Asked
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.item import Later
from worker.subscribers.parts import Part

AT = NOON + timedelta(days=31)
ACCOUNT = Account("main")


@pytest.fixture
def then(monkeypatch: pytest.MonkeyPatch) -> list[Asked | None]:
    """What the event asks for at its time; the test puts it here."""
    answers: list[Asked | None] = []

    def interpret(_event: Event, _account: Account, now: datetime) -> Asked | None:
        assert now == AT
        return answers[0]

    monkeypatch.setattr(module, "interpret", interpret)
    return answers


def told(asked: Asked) -> Later:
    later = later_of(event(), ACCOUNT, asked)
    assert later is not None
    return later


def test_an_event_that_is_done_has_no_later() -> None:
    assert later_of(event(), ACCOUNT, Asked(change(add=("VIP",)))) is None


def test_what_waits_as_a_whole_tells_all_of_it(then: list[Asked | None]) -> None:
    asks = change(add=("Cancelled",), remove=("Active",), fields={"Plan": None, "Why": "tea"}, first_name="A")
    then.append(Asked(asks))

    later = told(Asked(again=AT))

    assert later == Later(
        AT, "tag 'Active' off, tag 'Cancelled', Plan cleared, Why 'tea', first name 'A'", alone=True
    )
    assert later.told == f"on 2026-08-01T12:00:00Z: {later.what}"


def test_what_ends_tells_only_what_will_be_otherwise(then: list[Asked | None]) -> None:
    """Given a tag that comes now and goes later, its going is told, and what stays as it is now is not."""
    then.append(Asked(change(remove=("Gold access",), add=("VIP",), fields={"Level": "Gold"})))

    later = told(Asked(change(add=("Gold access", "VIP"), fields={"Level": "Gold"}), again=AT))

    assert later == Later(AT, "tag 'Gold access' off", alone=False)


def test_what_is_taken_from_everybody_is_told(then: list[Asked | None]) -> None:
    yes = Part(value=True, order=order(1))
    then.append(Asked(Change(tags_off=yes, fields_off=yes, unsubscribe=yes)))

    assert told(Asked(again=AT)).what == "all tags off, all fields cleared, unsubscribed"


@pytest.mark.parametrize("answer", [None, Asked(), Asked(NOTHING, again=AT + timedelta(days=1))])
def test_nothing_is_told_as_nothing(then: list[Asked | None], answer: Asked | None) -> None:
    then.append(answer)

    later = told(Asked(again=AT))

    assert later.what == ""
    assert later.told == "on 2026-08-01T12:00:00Z: nothing by the present mapping"
    assert later.alone
