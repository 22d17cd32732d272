"""The benchmark's own parts: the people it makes up, the model it judges by, and its verdicts."""

from dataclasses import replace
from itertools import pairwise

from tests.bench.figures import percentile, rows
from tests.bench.life import CANCELED, EVENTS, GRANTED, PEOPLE, SIGNED_UP, STARTED, TYPES, backlog, many
from tests.bench.model import CANCELLED, MEMBER, final_states, wrong_people
from tests.bench.report import Report
from tests.bench.runs import BacklogRun, MemoryRun

PLAIN = BacklogRun("plain", 500.0, 2.5, 80, 1.5, 0.6, {}, 0, (45.0,) * 40)
WORKER = BacklogRun("kit-worker", 500.0, 1.6, 0, 1.5, 0.6, {}, 0, (55.0,) * 40)
SMALL = MemoryRun(1000, 900, 119.9)


def report(worker: BacklogRun = WORKER, memory: MemoryRun = SMALL) -> Report:
    return Report([PLAIN, worker], [memory], 1, 2, 0.0, 60.0)


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
    assert final_states(events) == final_states(reversed(events))
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


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 41)]
    assert percentile(values, 0.5) == 20.0
    assert percentile(values, 0.99) == 40.0
    assert percentile([7.0], 0.5) == 7.0


def test_at_the_bounds_every_aim_is_met() -> None:
    assert report().missed == []
    assert report().conclusion() == ["Every aim was met."]
    assert not report().failed


def test_each_aim_can_be_missed() -> None:
    beyond = [
        report(replace(WORKER, wrong=1)),
        report(replace(WORKER, calls_per_event=1.61)),
        report(replace(WORKER, events_per_second=499.0)),
        report(replace(WORKER, idle_ms=(55.1,) * 40)),
        report(memory=replace(SMALL, peak_mb=120.0)),
    ]
    assert [len(each.missed) for each in beyond] == [1, 1, 1, 1, 1]
    assert [each.failed for each in beyond] == [True, True, False, False, True]


def test_an_event_that_was_left_fails_the_benchmark() -> None:
    assert report(replace(WORKER, left=2)).failed
    assert any("2 messages" in line for line in report(replace(WORKER, left=2)).conclusion())


def test_without_idle_events_there_are_no_lines_about_them() -> None:
    quick = rows([replace(PLAIN, idle_ms=()), replace(WORKER, idle_ms=())], [])
    assert not any("idle" in row.what for row in quick)
