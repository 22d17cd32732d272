"""When bulk calls are fewer than single ones, before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples import change, order
from worker.kit.entries import bulk_pays
from worker.kit.plan import MAX_FIELDS, Upsert

UPSERTS = st.builds(
    lambda count, name, known: Upsert(
        change(fields={f"f{number}": "x" for number in range(count)}).fields,
        change(first_name="Ada").first_name if name else None,
        None if known else order(1),
    ),
    st.integers(0, MAX_FIELDS),
    st.booleans(),
    st.booleans(),
)


def upsert(*fields: str, new: bool = False) -> Upsert:
    return Upsert(change(fields=dict.fromkeys(fields, "x")).fields, ensure=order(1) if new else None)


@pytest.mark.parametrize(
    ("upserts", "pays"),
    [
        ([], False),
        ([upsert(new=True)], False),
        ([upsert("plan")], False),
        ([upsert(new=True), upsert(new=True)], True),
        ([upsert("plan"), upsert("plan")], True),
        ([upsert("plan", new=True), upsert("plan", new=True)], False),
        ([upsert("plan", new=True)] * 3, True),
        ([upsert(new=True), upsert("plan")], False),
        ([upsert(new=True), upsert("plan"), upsert("plan")], True),
    ],
)
def test_bulk_calls_are_made_where_they_are_fewer(upserts: list[Upsert], *, pays: bool) -> None:
    assert bulk_pays(upserts) is pays


@given(st.lists(UPSERTS, min_size=3, max_size=200))
def test_of_more_than_two_upserts_bulk_calls_are_always_fewer(upserts: list[Upsert]) -> None:
    """So those that are made in turn are two at most."""
    assert bulk_pays(upserts)
