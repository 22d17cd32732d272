"""Kit's lists, read to their last page, and to no page more than a list can have.

Lists page by cursor (Kit API reference, "Pagination"). One that brings nothing new, or leads nowhere or in a
circle, is not Kit's: an outage, as any other answer that cannot be true.
"""

from __future__ import annotations

from typing import Final

from worker.errors import KitUnavailable
from worker.kit.answers import LISTED, Answer, Row
from worker.kit.client import KitClient

PAGE: Final = "1000"
MAX_PAGES: Final = 1000
MAX_LETTERS: Final = 50_000_000
"""Of all names of a list together."""


async def read_list(client: KitClient, kind: str) -> list[Row]:
    """Return all tags, or all custom fields, each as a row with no more than `LISTED` has of it.

    Raises:
        KitUnavailable: There is no answer, or it is not Kit's.
        KitWorkerError: As `KitClient.call` raises it.
    """
    rows, letters = dict[int, Row](), 0
    params, seen = {"per_page": PAGE}, set[str]()
    while True:
        answer = await client.get(f"/v4/{kind}", params)
        new = [row for row in answer.items(kind) if row["id"] not in rows]
        rows |= {row["id"]: {name: row[name] for name in LISTED[kind]} for row in new}
        letters += sum(len(str(value)) for row in new for value in rows[row["id"]].values())
        after = _next(answer)
        if after is None:
            return list(rows.values())
        if not new or after in seen or len(seen) >= MAX_PAGES or letters > MAX_LETTERS:
            raise _endless(answer)
        seen.add(after)
        params = {"per_page": PAGE, "after": after}


def _next(answer: Answer) -> str | None:
    page = answer.body.get("pagination")
    if not (isinstance(page, dict) and page.get("has_next_page")):
        return None
    after = page.get("end_cursor")
    if not (isinstance(after, str) and after):
        raise _endless(answer)
    return after


def _endless(answer: Answer) -> KitUnavailable:
    error = answer.lacking("an end of the list")
    error.endpoint = ""  # its pages did come, which says nothing for the list
    return error
