"""Cursor pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox.pagination import PageRequest, cursor, page_request, paginate
from worker.sandbox.records import Tag

from .harness import kit


@given(ids=st.sets(st.integers(1, 10_000), max_size=60), per_page=st.integers(1, 25))
def test_pages_forward_and_back_show_every_row_once(ids: set[int], per_page: int) -> None:
    rows = [Tag(row_id, f"tag {row_id}", "") for row_id in sorted(ids, reverse=True)]

    seen: list[Tag] = []
    page = paginate(rows, PageRequest(per_page))
    seen += page.rows
    while page.has_next:
        page = paginate(rows, PageRequest(per_page, after=page.rows[-1].id))
        seen += page.rows
        assert page.has_previous
    back = list(page.rows)
    while page.has_previous:
        page = paginate(rows, PageRequest(per_page, before=page.rows[0].id))
        back = [*page.rows, *back]

    assert seen == rows
    assert back == rows


def test_a_cursor_is_as_kits_examples_show_it() -> None:
    assert cursor(1) == "WzFd"
    assert page_request({"after": "WzFd"}).after == 1


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


async def test_the_default_sort_may_be_named_and_another_is_refused() -> None:
    async with kit() as call:
        ids = [await call.subscriber(f"{name}@example.com") for name in ("ada", "ben")]
        named = await call("GET", "/v4/subscribers?sort_field=id&sort_order=desc")
        others = [
            await call("GET", f"/v4/subscribers?{query}")
            for query in ("sort_order=asc", "sort_field=updated_at")
        ]

    assert (named.status, [each["id"] for each in named.json["subscribers"]]) == (200, ids[::-1])
    assert [(each.status, each.json) for each in others] == [
        (422, {"errors": ["This sandbox does not support the parameter sort_order=asc"]}),
        (422, {"errors": ["This sandbox does not support the parameter sort_field=updated_at"]}),
    ]


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
