"""Kit's lists: read to their end, which they must have."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.kit.client.talking import talking_to
from tests.unit.kit.raw_server import Request, http
from worker.errors import KitUnavailable
from worker.kit import lists
from worker.kit.lists import read_list


def page(*ids: int, after: object = None, more: bool = True) -> dict[str, Any]:
    tags = [{"id": id_, "name": f"Tag {id_}", "created_at": "2026-01-01"} for id_ in ids]
    return {"tags": tags, "pagination": {"has_next_page": more, "end_cursor": after}}


class Pages:
    """Answers with one page after another, and with the last for ever."""

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = iter(pages)
        self.asked: list[str | None] = []

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.asked.append(parse_qs(urlsplit(request.target).query).get("after", [None])[0])
        self._last = next(self._pages, getattr(self, "_last", None))
        writer.write(http(200, json.dumps(self._last).encode()))


async def test_a_list_is_read_to_its_last_page_and_keeps_what_is_needed() -> None:
    pages = Pages(page(1, 2, after="a"), page(3, after="b"), page(4, more=False))
    async with talking_to(pages) as (_, kit):
        rows = await read_list(kit, "tags")

    assert rows == [{"id": id_, "name": f"Tag {id_}"} for id_ in (1, 2, 3, 4)]
    assert pages.asked == [None, "a", "b"]


@pytest.mark.parametrize(
    ("pages", "calls"),
    [
        ([page(1, after="a")], 2),
        ([page(1, after="a"), page(2, after="b"), page(3, after="a")], 3),
        ([page(1, after="a"), page(1, after="b")], 2),
        ([page(after="a")], 1),
        ([page(1, after=None)], 1),
        ([page(1, after=7)], 1),
        ([page(1, after="")], 1),
    ],
    ids=["again", "circle", "nothing new", "empty", "no cursor", "number", "blank"],
)
async def test_a_list_that_leads_nowhere_is_an_outage(pages: list[dict[str, Any]], calls: int) -> None:
    answers = Pages(*pages)
    async with talking_to(answers) as (_, kit):
        with pytest.raises(
            KitUnavailable, match=r"^GET /v4/tags: Kit answered 200 without an end of the list"
        ):
            await read_list(kit, "tags")

    assert len(answers.asked) == calls


async def test_a_list_that_never_ends_is_an_outage_and_nobody_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given pages that do come, the list does not, and the endpoint has not worked for anybody else."""
    monkeypatch.setattr(lists, "MAX_PAGES", 5)
    answers = Pages(*(page(number, after=str(number)) for number in itertools.islice(itertools.count(1), 50)))
    async with talking_to(answers) as (_, kit):
        with pytest.raises(KitUnavailable) as caught:
            await read_list(kit, "tags")
        assert kit.worked_at(caught.value.endpoint) == float("-inf")

    assert len(answers.asked) == 6


async def test_more_names_than_any_account_has_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_LETTERS", 20)
    answers = Pages(page(1, 2, after="a"), page(3, 4, after="b"), page(5, after="c"))
    async with talking_to(answers) as (_, kit):
        with pytest.raises(KitUnavailable):
            await read_list(kit, "tags")

    assert len(answers.asked) == 2
