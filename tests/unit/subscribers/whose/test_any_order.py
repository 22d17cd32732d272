"""Whose events are, in any order, with copies, restarts and replays: nobody has what is somebody else's."""

from __future__ import annotations

import os
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.subscribers.whose.workers import NEW, OLD, A, B, Said, Worker, emails, luck

EXAMPLES: Final = int(os.environ.get("EXAMPLES", "300"))


def shuffled(draw: st.DrawFn, count: int) -> list[int]:
    """Draw any order of so many events, some of them several times."""
    again = draw(st.lists(st.integers(0, count - 1), max_size=count))
    return draw(st.permutations([*range(count), *again]))


anything = st.builds(
    Said, emails, st.sampled_from([A, B, None]), st.booleans(), st.sampled_from(["", "", OLD, NEW])
)


@settings(max_examples=EXAMPLES)
@given(st.lists(anything, min_size=1, max_size=7), st.data())
def test_whatever_is_published_each_event_is_one_persons_or_a_dead_letter(
    events: list[Said], data: st.DataObject
) -> None:
    """Given any events at all, each is applied to one subscriber or not at all, and an id is in one place."""
    worker = Worker(events, data.draw(luck)).run(*data.draw(st.composite(shuffled)(len(events))))
    places = [worker.places(number) for number in range(len(events))]
    assert all(len(found) <= 1 for found in places)
    assert all(found or number in worker.letters for number, found in enumerate(places))
    for user in (A, B):
        mine = [number for number, said in enumerate(events) if said.user == user]
        assert len({email for number in mine for email in places[number]}) <= 1
    for email, numbers in worker.kit.people.items():
        users = {events[number].user for number in numbers} - {None}
        # Several are together only where each has come by an event that names the address.
        came = {said.user for number in numbers if (said := events[number]).email == email}
        moved = any(events[number].previous and events[number].user is None for number in numbers)
        assert len(users) <= 1 or users <= came or moved


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Said], dict[str, set[int]]]:
    """Draw the events of people who move, and where each ends in the end.

    An event names the address that its person has then, or had before; each address is told by an event that
    may say so, or with the id.
    """
    kept = [(A, "a"), (B, "b"), (None, "n")]
    now = {name: f"{name}1@example.com" for _, name in kept}
    had: dict[str, list[str]] = {name: [] for _, name in kept}
    events, mine = list[Said](), dict[str, set[int]]()
    for number in range(draw(st.integers(1, 7))):
        user, name = draw(st.sampled_from(kept))
        address = now[name]
        if not had[name]:
            had[name].append(address)
            events.append(Said(address, user))
        elif draw(st.booleans()):
            new = draw(st.sampled_from([f"{name}{each}@example.com" for each in (1, 2, 3)]))
            by_type = user is not None and draw(st.booleans())
            events.append(Said(new, user, may=by_type, previous="" if by_type else address))
            now[name] = new
            had[name].append(new)
        else:
            events.append(Said(draw(st.sampled_from(had[name])), draw(st.sampled_from([user, None]))))
        mine.setdefault(name, set()).add(number)
    return events, {now[name]: numbers for name, numbers in mine.items()}


@settings(max_examples=EXAMPLES)
@given(lives(), st.data())
def test_in_any_order_everybody_ends_where_the_newest_event_says(
    told: tuple[list[Said], dict[str, set[int]]], data: st.DataObject
) -> None:
    """Given people who move, in any order, with copies, batches and crashes, all is at the last address."""
    events, right = told
    order = data.draw(st.composite(shuffled)(len(events)))
    worker = Worker(events, data.draw(luck)).run(*order).replay()
    assert worker.kit.people == right
    assert worker.letters == []
