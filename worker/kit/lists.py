"""Kit's lists of tags and custom fields: read to their end, and compared with what names meant before.

Lists page by cursor (Kit API reference, "Pagination"). One that brings nothing new, or leads nowhere or in a
circle, is not Kit's: an outage, as any other answer that cannot be true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import structlog

from worker.errors import KitRejected, KitUnavailable
from worker.kit.answers import LISTED, Answer, Row
from worker.kit.client import KitClient
from worker.kit.names import Names, Shift, shifts
from worker.subscribers.known import KitName

log = structlog.get_logger()

PAGE: Final = "1000"
MAX_PAGES: Final = 1000
MAX_LETTERS: Final = 50_000_000
"""Of all names of a list together."""
CALLED: Final = {"tags": "name", "custom_fields": "label"}
"""Under which key a row has what people call it."""
LISTS_LAG: Final = 360.0
"""Seconds after which a list surely shows what was written (Kit API reference, "Consistency": 5 minutes)."""
NEWEST: Final = float("inf")
"""When something came that no earlier refusal is about."""
LIST_AGAIN_AFTER: Final = 60.0
"""Seconds after which what a list lacked is looked for again."""


class Lists:
    """The lists of one Kit account.

    Attributes:
        client: The way to Kit.
        shifts: By kind, which names are called otherwise in Kit, as of the last look.
    """

    def __init__(self, client: KitClient) -> None:
        self.client = client
        self.shifts: dict[str, list[Shift]] = {}
        self._names = Names()
        self._called: dict[str, dict[int, str]] = {"tags": {}, "custom_fields": {}}
        self._listed_at: dict[str, float] = {}
        self._refused: dict[tuple[str, ...], tuple[KitRejected, float]] = {}
        self._made: dict[tuple[str, str], tuple[int, float]] = {}
        self._recalled: dict[tuple[str, str], tuple[int, float]] = {}

    async def read(self, kind: str) -> list[Row]:
        """Return all rows of a kind; raises as `read_list` does."""
        self._listed_at[kind] = self.client.clock.monotonic()
        rows = await read_list(self.client, kind)
        self._called[kind] = {row["id"]: row[CALLED[kind]] for row in rows}
        return rows

    async def make(self, path: str, body: Mapping[str, str], since: float) -> Answer:
        """Have Kit make something, or find it by its name.

        What Kit has refused is not asked again for events that had come by then: a whole backlog may want it.

        Args:
            path: Of the endpoint.
            body: Says the name.
            since: When the newest of the events came that want it, by `Clock.monotonic`.

        Raises:
            KitWorkerError: As `KitClient.call` raises it.
        """
        made = path, *body.values()
        error, at = self._refused.get(made, (None, 0.0))
        if error is not None and since < at:
            raise error.with_traceback(None)
        try:
            return await self.client.call("POST", path, json=body)
        except KitRejected as refusal:
            self._refused[made] = refusal, self.client.clock.monotonic()
            raise

    def is_old(self, kind: str) -> bool:
        """Tell whether the list was read so long ago that another look may show more."""
        return self.client.clock.monotonic() - self._listed_at[kind] >= LIST_AGAIN_AFTER

    # -- what a list may not show yet -----------------------------------------------------------------

    def made(self, kind: str, name: str, id_: int) -> None:
        """Note what a name means, by an answer of Kit's to a call that would have made it."""
        self._made[kind, name] = id_, self.client.clock.monotonic()

    def gone(self, kind: str, name: str) -> None:
        """Note that what a name meant is there no more."""
        self._made.pop((kind, name), None)
        self._recalled.pop((kind, name), None)

    def made_lately(self, kind: str) -> Mapping[str, int]:
        """Return what was made, and the list may be late to show."""
        return self._unlisted(kind, self._made)

    def known_before(self, kind: str) -> Mapping[str, int]:
        """Return what names meant when this worker began, and the list may be late to show."""
        return self._unlisted(kind, self._recalled)

    def _unlisted(self, kind: str, known: Mapping[tuple[str, str], tuple[int, float]]) -> dict[str, int]:
        since = self.client.clock.monotonic() - LISTS_LAG
        lately = ((name, id_) for (of, name), (id_, at) in known.items() if of == kind and at > since)
        return {name: id_ for name, id_ in lately if id_ not in self._called[kind]}

    # -- what somebody has renamed in Kit ---------------------------------------------------------------

    def recall(self, names: Iterable[KitName]) -> None:
        """Learn what names have meant so far, from the ledger; what they mean may have been made just now."""
        names = list(names)
        self._names.recall(names)
        now = self.client.clock.monotonic()
        self._recalled = {(one.kind, one.name): (one.kit_id, now) for one in names}

    @property
    def has_named(self) -> bool:
        """Whether there is anything for `take_named` to return."""
        return self._names.has_new

    def take_named(self) -> list[KitName]:
        """Return what names mean, as far as that is new to the ledger."""
        return self._names.take_new()

    def met(self, kind: str, name: str, id_: int, called: str) -> None:
        """Note what a name means, and what Kit calls it, where its list does not say."""
        self._names.note(KitName(kind, name, id_, self._called[kind].get(id_, called)))

    def followed(self, kind: str, bearer: Callable[[str], int | None]) -> list[KitName]:
        """Return what goes on being meant by names that Kit has no more; say once what is called otherwise.

        Args:
            kind: Of which list.
            bearer: Returns the id of what bears a name in it.
        """
        self.shifts[kind] = shifts(self._names.of(kind), bearer, self._called[kind])
        for shift in self.shifts[kind]:
            if self._names.note(shift.now):
                log.warning("renamed_in_kit", account=self.client.account, kind=kind, problem=str(shift))
        return [shift.was for shift in self.shifts[kind] if shift.bearer is None]


async def read_list(client: KitClient, kind: str, include: str = "") -> list[Row]:
    """Return all tags, or all custom fields, each as a row with no more than `LISTED` has of it.

    Args:
        client: The way to Kit.
        kind: Of which list.
        include: What each row is to have besides; an older Kit, which does not know it, leaves it out.

    Raises:
        KitUnavailable: There is no answer, or it is not Kit's.
        KitWorkerError: As `KitClient.call` raises it.
    """
    rows, letters, kept = dict[int, Row](), 0, (*LISTED[kind], include)
    first = {"per_page": PAGE, "include": include} if include else {"per_page": PAGE}
    params, seen = first, set[str]()
    while True:
        answer = await client.get(f"/v4/{kind}", params)
        new = [row for row in answer.items(kind) if row["id"] not in rows]
        rows |= {row["id"]: {name: row[name] for name in kept if name in row} for row in new}
        letters += sum(len(str(value)) for row in new for value in rows[row["id"]].values())
        after = next_page(answer)
        if after is None:
            return list(rows.values())
        if not new or after in seen or len(seen) >= MAX_PAGES or letters > MAX_LETTERS:
            raise _endless(answer)
        seen.add(after)
        params = {**first, "after": after}


def next_page(answer: Answer) -> str | None:
    """Return the cursor of the page that follows; None after the last one.

    Raises:
        KitUnavailable: The answer says that there is one, and not where.
    """
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
