"""The people that the benchmark makes up, and the model that it judges them by."""

from dataclasses import replace
from itertools import pairwise

from tests.bench.life import CANCELED, EVENTS, GRANTED, PEOPLE, SIGNED_UP, STARTED, TYPES, backlog, many
from tests.bench.model import CANCELLED, LEAN, MEMBER, final_states, plain_calls, wrong_people


def test_the_backlog_has_its_size_all_types_and_times_that_grow() -> None:
    events = backlog()
    assert len(events) == EVENTS
    assert len({event.email for event in events}) == PEOPLE
    assert {event.type for event in events} == set(TYPES)
    assert all(one.time < next_.time for one, next_ in pairwise(events))


def test_the_backlog_is_the_same_every_time() -> None:
    assert [event.body() for event in backlog()] == [event.body() for event in backlog()]


def test_what_happens_to_a_person_follows_as_in_life() -> None:
    follows = {SIGNED_UP: STARTED, STARTED: GRANTED, GRANTED: CANCELED, CANCELED: STARTED}
    lives: dict[str, list[str]] = {}
    for event in backlog():
        lives.setdefault(event.email, []).append(event.type)
    assert all(follows[one] == next_ for life in lives.values() for one, next_ in pairwise(life))
    assert any(life.count(STARTED) > 1 for life in lives.values())


def test_a_persons_events_lie_near_each_other_and_far_apart() -> None:
    places: dict[str, list[int]] = {}
    for place, event in enumerate(backlog()):
        places.setdefault(event.email, []).append(place)
    gaps = [later - earlier for own in places.values() for earlier, later in pairwise(own)]
    assert sum(gap < 50 for gap in gaps) > len(gaps) / 4
    assert sum(gap > 500 for gap in gaps) > len(gaps) / 4


def test_messages_in_bulk_have_ids_of_their_own() -> None:
    bodies = [body for _, body in many(EVENTS + 10)]
    assert len(set(bodies)) == EVENTS + 10


def test_the_model_takes_the_latest_by_time_whatever_the_order() -> None:
    events = backlog(events=200, people=20)
    assert final_states(events) == final_states(list(reversed(events)))
    for email, state in final_states(events).items():
        kinds = [event.type for event in events if event.email == email]
        last = next((kind for kind in reversed(kinds) if kind in {STARTED, CANCELED}), None)
        assert (MEMBER in state.tags) == (last == STARTED)
        assert (CANCELLED in state.tags) == (last == CANCELED)


def test_a_missing_person_a_wrong_tag_and_a_wrong_field_are_each_noticed() -> None:
    wanted = final_states(backlog(events=40, people=4))
    assert wrong_people(wanted, wanted) == []
    tagged, fielded, missing, right = wanted
    found = {
        tagged: replace(wanted[tagged], tags={*wanted[tagged].tags, "Other"}),
        fielded: replace(wanted[fielded], fields={**wanted[fielded].fields, "mk_user_id": "someone"}),
        right: wanted[right],
    }
    assert wrong_people(wanted, found) == [tagged, fielded, missing]


def test_a_lean_account_has_plan_and_level_and_the_same_tags() -> None:
    events = backlog(events=200, people=20)
    full, lean = final_states(events), final_states(events, LEAN)
    assert {name for state in lean.values() for name in state.fields} == set(LEAN.fields)
    assert all(state.first_name is None for state in lean.values())
    assert {email: state.tags for email, state in lean.items()} == {
        email: state.tags for email, state in full.items()
    }


def test_one_call_for_each_change_is_one_for_the_person_and_one_for_each_tag() -> None:
    calls = {SIGNED_UP: 1, STARTED: 3, CANCELED: 3, GRANTED: 2}
    events = backlog(events=100, people=20)
    assert plain_calls(events) == sum(calls[event.type] for event in events)
