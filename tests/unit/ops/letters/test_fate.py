"""What is said of a letter's fate, and why."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, change, event
from worker.errors import InvalidEvent, PartlyApplied
from worker.events.delivery import Delivery
from worker.ops.letters.fate import Fate, fate_of
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

MADE = event()
ITEM = Item(Delivery(b"", ""), MADE, EMAIL, change=change(), subscriber=Subscriber(Record(EMAIL)))


def test_what_is_news_is_applied_and_needs_no_reason() -> None:
    assert fate_of("invalid_event", ITEM) == Fate(Kind.APPLIED)


def test_what_takes_effect_later_says_when_and_what() -> None:
    later = Later(MADE.time, "+VIP", alone=True)
    assert fate_of("invalid_event", structs.replace(ITEM, later=later)) == Fate(Kind.SCHEDULED, later.told)


def test_what_ends_later_is_said_of_what_is_applied_now() -> None:
    later = Later(MADE.time, "-VIP")
    assert fate_of("invalid_event", structs.replace(ITEM, later=later)) == Fate(Kind.APPLIED, later.told)


@pytest.mark.parametrize("error", [InvalidEvent("no"), PartlyApplied("tag: no value")])
def test_what_is_refused_or_owes_a_part_is_dead_again_for_that(error: InvalidEvent | PartlyApplied) -> None:
    fate = Fate(Kind.DEAD_LETTERED, str(error), error.reason)
    assert fate_of("kit_rejected", structs.replace(ITEM, refusal=error)) == fate
    assert fate_of("kit_rejected", Outcome(ITEM, Kind.DEAD_LETTERED, error)) == fate


def test_the_rule_that_skips_is_said_where_it_is_known() -> None:
    assert fate_of("", Outcome(ITEM, Kind.IGNORED, note="skipped: rule 1")).why == "skipped: rule 1"


@pytest.mark.parametrize("kind", [Kind.SUPERSEDED, Kind.DUPLICATE])
def test_that_it_may_be_because_of_another_letter_is_said(kind: Kind) -> None:
    alone, after = (fate_of("", Outcome(ITEM, kind), after_others=each) for each in (False, True))
    assert "put back before it" not in alone.why
    assert "put back before it" in after.why
