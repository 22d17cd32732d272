"""What a window allows, over lives that can be counted by hand."""

from dataclasses import replace
from datetime import timedelta

from tests.bench.allowed import bulk_calls_allowed, single_calls_allowed
from tests.bench.life import CANCELED, EVENTS, GRANTED, SIGNED_UP, STARTED, Event, backlog, newcomers
from tests.bench.model import LEAN, plain_calls

SUBSCRIPTION = {"id": "sub_1", "plan": "Annual", "status": "active"}
DETAILS = {
    SIGNED_UP: {},
    STARTED: {"subscription": SUBSCRIPTION},
    CANCELED: {"subscription": {**SUBSCRIPTION, "status": "canceled"}},
    GRANTED: {"access": {"level": "Gold"}},
}


def life(*kinds: str) -> list[Event]:
    """Return what happens to one person, one thing after the other."""
    (first,) = newcomers(1)
    user = {"user": first.data["user"]}
    return [
        replace(first, type=kind, time=first.time + timedelta(seconds=at), data={**user, **DETAILS[kind]})
        for at, kind in enumerate(kinds)
    ]


def test_a_new_person_has_no_tags_to_take_off() -> None:
    assert single_calls_allowed(life(STARTED)) == 2  # the person, and Active Member


def test_what_is_folded_takes_one_round_of_calls() -> None:
    events = life(SIGNED_UP, STARTED, CANCELED)
    assert single_calls_allowed(events) == 2  # the person, and Cancelled
    assert single_calls_allowed(events, window=1) == 1 + 3 + 3  # each with its tags


def test_what_kit_has_is_not_sent_again() -> None:
    assert single_calls_allowed(life(GRANTED, GRANTED), window=1) == 2


def test_more_than_ten_fields_take_two_calls() -> None:
    (event,) = life(STARTED)
    full = {"started_at": "s", "canceled_at": "c", "ends_at": "e", "cancel_reason": "r"}
    access = {"level": "Gold", "granted_at": "g", "expires_at": "x"}
    wide = replace(event, data={**event.data, "subscription": {**SUBSCRIPTION, **full}, "access": access})
    assert single_calls_allowed([wide]) == 3


def test_a_bulk_call_holds_a_hundred_entries_of_one_kind() -> None:
    assert bulk_calls_allowed(newcomers(50), LEAN) == 3  # people, levels, tags
    assert bulk_calls_allowed(newcomers(101), LEAN) == 6
    assert bulk_calls_allowed(newcomers(101), LEAN, window=100) == 6


def test_bulk_calls_take_tags_off_new_people_too() -> None:
    assert bulk_calls_allowed(life(STARTED), LEAN) == 4  # the person, the plan, Cancelled, Active Member


def test_a_larger_window_never_takes_more() -> None:
    events = backlog()
    single = [single_calls_allowed(events, window=size) for size in (1, 100, 500, EVENTS)]
    bulk = [bulk_calls_allowed(events, window=size) for size in (100, 500, EVENTS)]
    assert single == sorted(single, reverse=True)
    assert bulk == sorted(bulk, reverse=True)
    assert single[0] < plain_calls(events)
