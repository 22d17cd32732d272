"""Cursor pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.pagination import Order, PageRequest, cursor, page_request, paginate
from worker.sandbox.records import Tag

from .harness import kit


@given(
    tags=st.dictionaries(st.integers(1, 10_000), st.sampled_from("abc"), max_size=60),
    per_page=st.integers(1, 25),
    descending=st.booleans(),
)
def test_pages_forward_and_back_show_every_row_once_in_order(
    tags: dict[int, str], per_page: int, *, descending: bool
) -> None:
    """Given names that several tags share, so that the id has to tell them apart."""
    by_name: Order[Tag] = Order(lambda tag: (tag.name, tag.id), (str, int), descending)
    rows = [Tag(tag_id, name, "") for tag_id, name in tags.items()]

    page = paginate(rows, PageRequest(per_page), by_name)
    assert not page.has_previous
    seen = list(page.rows)
    while page.has_next:
        page = paginate(rows, PageRequest(per_page, after=by_name.key(page.rows[-1])), by_name)
        seen += page.rows
        assert page.has_previous
    back = list(page.rows)
    while page.has_previous:
        page = paginate(rows, PageRequest(per_page, before=by_name.key(page.rows[0])), by_name)
        back = [*page.rows, *back]
        assert page.has_next

    assert seen == sorted(rows, key=by_name.key, reverse=descending)
    assert back == seen


KITS_OWN = "WyIyMDIzLTAyLTE3VDExOjQzOjU1LjAwMFoiLDExXQ=="  # of the people who have a tag


def test_a_cursor_is_as_kits_examples_show_it() -> None:
    by_time: Order[Tag] = Order(lambda tag: (tag.created_at, tag.id), (str, int))

    assert cursor((1,)) == "WzFd"
    assert page_request({"after": "WzFd"}).after == (1,)
    assert cursor(("2023-02-17T11:43:55.000Z", 11)) == KITS_OWN
    assert page_request({"before": KITS_OWN}, by_time).before == ("2023-02-17T11:43:55.000Z", 11)


def test_per_page_is_500_unless_given_and_never_beyond_1000() -> None:
    assert page_request({}).per_page == 500
    assert page_request({"per_page": "5000"}).per_page == 1000
    assert page_request({"per_page": "7"}).per_page == 7


async def test_a_client_follows_end_cursors_through_a_list_that_grows() -> None:
    async with kit() as call:
        for number in range(5):
            await call.tag(f"tag {number}")
        first = (await call("GET", "/v4/tags?per_page=3&include_total_count=true")).json
        await call.tag("a new one, before the first page")
        after = first["pagination"]["end_cursor"]
        second = (await call("GET", f"/v4/tags?per_page=3&after={after}")).json

    assert [tag["name"] for tag in first["tags"]] == ["tag 4", "tag 3", "tag 2"]
    assert first["pagination"]["total_count"] == 5
    assert first["pagination"]["has_next_page"] is True
    assert first["pagination"]["has_previous_page"] is False
    assert [tag["name"] for tag in second["tags"]] == ["tag 1", "tag 0"]
    assert second["pagination"]["has_next_page"] is False
    assert second["pagination"]["has_previous_page"] is True


@pytest.mark.parametrize("said", ["1", "true"])
async def test_a_total_is_asked_for_with_1_or_true(said: str) -> None:
    async with kit() as call:
        await call.tag()
        page = (await call("GET", f"/v4/tags?include_total_count={said}")).json["pagination"]

    assert page["total_count"] == 1


async def test_an_empty_list_has_no_cursors() -> None:
    async with kit() as call:
        page = (await call("GET", "/v4/tags")).json["pagination"]

    assert page == {
        "has_previous_page": False,
        "has_next_page": False,
        "start_cursor": None,
        "end_cursor": None,
        "per_page": 500,
    }
