"""Whose rows are whose in a file, and in which order they are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from worker.events.event import OrderKey
from worker.ops.backfill.people import PeopleInFile

START = datetime(2024, 1, 1, tzinfo=UTC)


def people(*rows: tuple[str, str, int]) -> list[list[int]]:
    """Return the order of rows, each with its address, its id and its day."""
    found = PeopleInFile()
    for number, (address, id_, day) in enumerate(rows):
        order = OrderKey("", START + timedelta(days=day), number)
        found.add(address, [f"id {id_}"] if id_ else [], order)
    return list(found.in_order())


def test_the_newest_of_a_person_come_first_wherever_they_stand() -> None:
    assert people(("ada", "", 1), ("bob", "", 9), ("ada", "", 3), ("ada", "", 2)) == [[2, 3, 0], [1]]


def test_of_one_moment_what_stands_later_is_newer() -> None:
    assert people(("ada", "", 1), ("ada", "", 1)) == [[1, 0]]


def test_an_id_makes_two_addresses_one_person_whose_oldest_come_first() -> None:
    """Given that an event tells how one address became the other, it has to come in its turn."""
    assert people(("ada", "1", 3), ("new", "", 9), ("new", "1", 2)) == [[2, 0, 1]]


def test_people_are_joined_by_what_comes_later() -> None:
    assert people(("a", "1", 1), ("b", "2", 1), ("c", "", 1), ("b", "1", 1)) == [[0, 1, 3], [2]]


SIGNS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["", "1", "2", "3"]), st.integers(0, 3)), max_size=12
)


@given(SIGNS)
def test_rows_that_share_a_sign_are_together_and_each_is_there_once(rows: list[tuple[str, str, int]]) -> None:
    found = people(*rows)
    assert sorted(number for group in found for number in group) == list(range(len(rows)))
    of = {number: at for at, group in enumerate(found) for number in group}
    for one, (address, id_, _) in enumerate(rows):
        for other, (other_address, other_id, _) in enumerate(rows):
            if address == other_address or (id_ and id_ == other_id):
                assert of[one] == of[other]
