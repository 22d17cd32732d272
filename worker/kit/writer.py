"""Makes a change true in Kit, in the fewest calls, and keeps account of what has been answered."""

from __future__ import annotations

from collections import OrderedDict

from worker.backlog import Progress
from worker.changes import Change, TagWish
from worker.errors import KitRejected
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.plan import Plan, Upsert, plan

MAX_KNOWN_SUBSCRIBERS = 20_000
"""Some 4 MB; whoever drops out costs one upsert more."""


class SubscriberIds:
    """Kit's ids of the subscribers met last."""

    def __init__(self, size: int = MAX_KNOWN_SUBSCRIBERS) -> None:
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._size = size

    def get(self, email: str) -> int | None:
        """Return the id, or None where it is not known."""
        return self._ids.get(email)

    def put(self, email: str, id_: int) -> None:
        """Note an id that Kit's own answer gave."""
        self._ids[email] = id_
        self._ids.move_to_end(email)
        if len(self._ids) > self._size:
            self._ids.popitem(last=False)

    def forget(self, email: str) -> None:
        """Drop a subscriber whom Kit no longer has."""
        self._ids.pop(email, None)


class _SubscriberGoneError(Exception):
    """The subscriber was deleted in Kit while we worked on it."""


class Writer:
    """Applies changes to one Kit account."""

    def __init__(self, client: KitClient, catalog: Catalog, ids: SubscriberIds | None = None) -> None:
        self._client = client
        self._catalog = catalog
        self._ids = ids or SubscriberIds()

    async def apply(self, email: str, change: Change, progress: Progress) -> None:
        """Make a change true. Returning means that every call in it was answered 2xx.

        Whatever is raised, `progress` holds what was done, so that a later try goes on from there.

        Raises:
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        try:
            await self._apply_once(email, change, progress)
        except _SubscriberGoneError:
            # With the subscriber went all that was done for it, so everything is done again, once.
            self._ids.forget(email)
            progress.start_again()
            try:
                await self._apply_once(email, change, progress)
            except _SubscriberGoneError:
                raise KitRejected("Kit says that the subscriber it has just made is not there") from None

    async def _apply_once(self, email: str, change: Change, progress: Progress) -> None:
        left = change.without(progress.done)
        if not left:
            return
        known = self._ids.get(email)
        todo = plan(left, self._catalog.options, known=known is not None)
        id_, created = await self._upsert_all(email, todo, progress, known)
        progress.note(Change(ensure=left.ensure))
        if not created:
            for key, part in todo.removals.items():
                await self._remove(id_, part.value)
                progress.note(Change(tags={key: part}))
        for key, part in todo.additions.items():
            await self._add(id_, part.value)
            progress.note(Change(tags={key: part}))

    async def _upsert_all(
        self, email: str, todo: Plan, progress: Progress, known: int | None
    ) -> tuple[int, bool]:
        """Return the subscriber's id, and whether it has just been created, so that it has no tags yet."""
        created = False
        for upsert in todo.upserts:
            answer = await self._upsert(email, upsert)
            known = answer.id_of("subscriber")
            self._ids.put(email, known)
            created = created or answer.status == 201
            progress.created = progress.created or created
            progress.note(Change(fields=upsert.fields, first_name=upsert.first_name))
        if todo.name_if_created is not None:
            if progress.created:
                known = (await self._upsert(email, Upsert({}, todo.name_if_created))).id_of("subscriber")
            progress.note(Change(first_name=todo.name_if_created))
        if known is None:
            raise AssertionError("a plan for an unknown subscriber begins with an upsert")
        return known, created

    async def _upsert(self, email: str, upsert: Upsert) -> Answer:
        answer = await self._upsert_once(email, upsert)
        if not answer.warnings:
            return answer
        # Kit ignored a custom field, which was deleted there since we learned of it. Create it again, once.
        for name in upsert.fields:
            key = await self._catalog.field_key(name)
            if any(key in warning for warning in answer.warnings):
                self._catalog.forget_field(key)
        again = await self._upsert_once(email, upsert)
        if again.warnings:
            raise KitRejected(f"Kit ignored custom fields: {'; '.join(again.warnings)[:300]}")
        return again if answer.status != 201 else answer

    async def _upsert_once(self, email: str, upsert: Upsert) -> Answer:
        keys = {name: await self._catalog.field_key(name) for name in upsert.fields}
        body = upsert.body(email, self._catalog.options, keys)
        return await self._client.call("POST", "/v4/subscribers", json=body)

    async def _remove(self, id_: int, wish: TagWish) -> None:
        try:
            await self._remove_once(id_, wish)
        except NotFound:
            # Gone is the subscriber, and the tagging with it, or the tag. A tag of that name may have been
            # made since, with another id.
            if await self._exists(id_) and self._catalog.options.create_missing:
                self._catalog.forget_tag(wish.name)
                await self._remove_once(id_, wish)

    async def _remove_once(self, id_: int, wish: TagWish) -> None:
        tag = await self._catalog.tag(wish)
        if not tag.created:  # nobody can have a tag that did not exist a moment ago
            await self._client.call("DELETE", "/v4/tags/{}/subscribers/{}", tag.id, id_)

    async def _add(self, id_: int, wish: TagWish) -> None:
        try:
            await self._add_once(id_, wish)
        except NotFound:
            if not await self._exists(id_):
                raise _SubscriberGoneError from None
            self._catalog.forget_tag(wish.name)
            await self._add_once(id_, wish)

    async def _add_once(self, id_: int, wish: TagWish) -> None:
        tag = await self._catalog.tag(wish)
        await self._client.call("POST", "/v4/tags/{}/subscribers/{}", tag.id, id_)

    async def _exists(self, id_: int) -> bool:
        """Ask for the subscriber by id, which is consistent (Kit API reference, "Consistency")."""
        try:
            await self._client.call("GET", "/v4/subscribers/{}", id_)
        except NotFound:
            return False
        return True
