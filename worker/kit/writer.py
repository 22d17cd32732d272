"""Makes a change true in Kit, in the fewest calls, and keeps account of what has been answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec.structs import replace

from worker.errors import KitRejected
from worker.events.event import OrderKey
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.plan import Upsert, plan
from worker.subscribers.change import Change, Part, TagWish, tag_key
from worker.subscribers.in_hand import InHand
from worker.subscribers.record import UNKNOWN
from worker.subscribers.subscriber import Call, Subscriber

NO_FIELDS: Final = Upsert({})


class _SubscriberGoneError(Exception):
    """The subscriber was deleted in Kit while we worked on it, or another one has its address."""


class Writer:
    """Applies changes to one Kit account.

    Args:
        client: The way to Kit.
        catalog: The account's tags and custom fields.
        in_hand: What is known of the subscribers; every answer is noted there.
        now: Seconds since 1970.
        relied_on: Returns the moment, in seconds since 1970, from which on Kit's answers are relied on, so
            that what it holds is not sent again.
        written: Waits until the ledger has all that the people in hand have noted so far.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        client: KitClient,
        catalog: Catalog,
        in_hand: InHand,
        *,
        now: Callable[[], float],
        relied_on: Callable[[], float],
        written: Callable[[], Awaitable[None]],
    ) -> None:
        self._client = client
        self._catalog = catalog
        self._in_hand = in_hand
        self._now = now
        self._relied_on = relied_on
        self._written = written

    async def apply(self, subscriber: Subscriber, change: Change) -> None:
        """Make a change true. Returning means that every call in it was answered 2xx.

        Whatever is raised, the record holds what was done, so that a later try goes on from there.

        Raises:
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        try:
            await self._apply_once(subscriber, change)
        except _SubscriberGoneError:
            # With the subscriber went all that was ever done for it, so everything is done again, once.
            self._in_hand.lost(subscriber)
            try:
                await self._apply_once(subscriber, change)
            except _SubscriberGoneError:
                raise KitRejected("Kit says that the subscriber it has just made is not there") from None

    async def _apply_once(self, subscriber: Subscriber, change: Change) -> None:
        if change.address is not None and self.moves(subscriber, change):
            await self._move(subscriber, change.address, change)
        if left := await self.left_of(subscriber, change):
            await self._carry_out(subscriber, left)
        subscriber.record.finish(change)

    @staticmethod
    def moves(subscriber: Subscriber, change: Change) -> bool:
        """Tell whether a change gives the subscriber another address than Kit has."""
        address = change.address
        elsewhere = address is not None and address.value != subscriber.record.email
        return elsewhere and address is not None and address.order > subscriber.placed

    async def left_of(self, subscriber: Subscriber, change: Change) -> Change:
        """Return what of a change, its address apart, is to be done: not what Kit said lately that it has."""
        record, catalog = subscriber.record, self._catalog
        left = replace(record.left(change), address=None)
        oldest = self._relied_on()
        if not record.has_answers_since(oldest):
            return left
        await catalog.listed()
        ids = {key: catalog.tag_id(key) for key in left.tags}
        ids |= {name: catalog.field_id(name) for name in left.fields}
        known = record.known(left, lambda at: at > oldest, lambda name: ids[name])
        record.confirm(known)
        return left.without(known)

    async def _carry_out(self, subscriber: Subscriber, left: Change) -> None:
        record = subscriber.record
        todo = plan(left, self._catalog.options, known=record.kit_id is not None)
        # Only now: a tag may be on a subscriber of ours though its answer never came.
        created = False
        for upsert in todo.upserts:
            created = await self._upsert(subscriber, upsert, left) or created
        if todo.name_if_created is not None:
            if record.created:
                await self._upsert(subscriber, Upsert({}, todo.name_if_created), left)
                record.created = False
            else:
                record.note(Change(first_name=todo.name_if_created), UNKNOWN, {})  # it was not sent
        for key, part in todo.removals.items():
            if not created:
                await self._remove(subscriber, part)
            self._note_tag(subscriber, key, part)
        for key, part in todo.additions.items():
            await self._add(subscriber, part)
            self._note_tag(subscriber, key, part)

    def _doubt(self, subscriber: Subscriber, parts: Change) -> None:
        subscriber.record.doubt(parts)
        self._in_hand.touch(subscriber)

    def _note_tag(self, subscriber: Subscriber, key: str, part: Part[TagWish]) -> None:
        ids = {key: self._catalog.tag_id(key)}
        subscriber.record.note(Change(tags={key: part}), self._now(), ids)

    # -- the subscriber -------------------------------------------------------------------------------

    async def _upsert(self, subscriber: Subscriber, upsert: Upsert, left: Change) -> bool:
        """Create or update the subscriber; tell whether it was created, so that it has no tags yet."""
        record = subscriber.record
        asked_before, record.asked = record.asked, record.kit_id is None
        self._doubt(subscriber, Change(fields=upsert.fields, first_name=upsert.first_name))
        answer = await self._upsert_known_fields(record.email, upsert)
        kit_id = answer.id_of("subscriber")
        if record.kit_id not in {None, kit_id}:
            raise _SubscriberGoneError  # its address is another one's by now
        # Who has no name, and may have been created by a call whose answer was lost, was created by it.
        ours = asked_before and not answer.item("subscriber").get("first_name")
        record.created = record.created or ours or answer.status == 201
        record.kit_id, record.asked = kit_id, False
        ids = {name: self._catalog.field_id(name) for name in upsert.fields}
        done = Change(fields=upsert.fields, first_name=upsert.first_name)
        record.note(done, self._now(), ids)
        orders = {name: part.order for name, part in upsert.fields.items()}
        if upsert.first_name is not None:
            orders["first name"] = upsert.first_name.order
        if not orders and left.ensure is not None:
            orders["the subscriber"] = left.ensure.order
        self._called(subscriber, answer, ", ".join(orders), set(orders.values()))
        return answer.status == 201

    async def _upsert_known_fields(self, email: str, upsert: Upsert) -> Answer:
        answer = await self._upsert_once(email, upsert)
        if not answer.warnings:
            return answer
        # Kit ignored a custom field, which was deleted there since we learned of it. Create it again, once.
        for name in upsert.fields:
            key = (await self._catalog.field(name)).key
            if any(key in warning for warning in answer.warnings):
                self._catalog.forget_field(key)
        again = await self._upsert_once(email, upsert)
        if again.warnings:
            raise KitRejected(f"Kit ignored custom fields: {'; '.join(again.warnings)[:300]}")
        return again if answer.status != 201 else answer

    async def _upsert_once(self, email: str, upsert: Upsert) -> Answer:
        keys = {name: (await self._catalog.field(name)).key for name in upsert.fields}
        body = upsert.body(email, self._catalog.options, keys)
        return await self._client.call("POST", "/v4/subscribers", json=body)

    # -- the address ----------------------------------------------------------------------------------

    async def _move(self, subscriber: Subscriber, address: Part[str], change: Change) -> None:
        """Give the subscriber a new address, as a change asks; tags and history stay."""
        kit_id = subscriber.record.kit_id
        if kit_id is None and (kit_id := await self._id_at_old_address(subscriber)) is None:
            other = subscriber.joined.get(address.value)
            # Kit has nobody to move.
            self._in_hand.moved(subscriber, address, other.record.kit_id if other else None)
            return
        try:
            answer = await self._client.call(
                "PUT", "/v4/subscribers/{}", kit_id, json={"email_address": address.value}
            )
        except NotFound:
            self._in_hand.lost(subscriber)
            self._in_hand.moved(subscriber, address, None)
            return
        except KitRejected as error:
            if error.status != 422:
                raise
            await self._move_tags(subscriber, address, change)
            return
        self._in_hand.moved(subscriber, address, kit_id)
        self._called(subscriber, answer, "email address", (address.order,))

    async def _id_at_old_address(self, subscriber: Subscriber) -> int | None:
        """Return the id of whoever has the old address, which events have named, but no answer of Kit's."""
        try:
            answer = await self._upsert_once(subscriber.record.email, NO_FIELDS)
        except KitRejected:
            return None  # it never was an address for Kit
        subscriber.record.kit_id = answer.id_of("subscriber")
        self._in_hand.touch(subscriber)
        # Were it forgotten once the address has changed, nobody could tell who had the old one.
        await self._written()
        return subscriber.record.kit_id

    async def _move_tags(self, subscriber: Subscriber, address: Part[str], change: Change) -> None:
        """Move the person to the subscriber who has the new address already, and leave no tags behind.

        Nothing is noted before all is taken off, so that after a crash it is done again from the start.
        A tag of the change itself may have been given before, by a call whose answer never came.
        """
        answer = await self._upsert_once(address.value, NO_FIELDS)
        new_id = answer.id_of("subscriber")
        if new_id != subscriber.record.kit_id:
            for part in {**change.tags, **subscriber.record.maybe_tags}.values():
                await self._remove(subscriber, part, by=address)
        self._in_hand.moved(subscriber, address, new_id)
        self._called(subscriber, answer, "email address, which Kit had already", (address.order,))

    def _called(
        self,
        subscriber: Subscriber,
        answer: Answer,
        what: str,
        by: Iterable[OrderKey],
        rule: int | None = None,
    ) -> None:
        rules = () if rule is None else (rule,)
        self._in_hand.called(subscriber, Call(answer.endpoint, what, answer.status, rules), by)

    # -- tags -----------------------------------------------------------------------------------------

    async def _remove(self, subscriber: Subscriber, part: Part[TagWish], by: Part[str] | None = None) -> None:
        """Take a tag off, for the event that says so, or for the one that moves the person elsewhere."""
        kit_id, wish = _id_of(subscriber), part.value
        self._doubt(subscriber, Change(tags={tag_key(wish.name): part}))
        try:
            answer = await self._remove_once(kit_id, wish)
        except NotFound:
            # Gone is the subscriber, and the tagging with it, or the tag. A tag of that name may have been
            # made since, with another id.
            answer = None
            if await self._exists(kit_id) and self._catalog.options.create_missing:
                self._catalog.forget_tag(wish.name)
                answer = await self._remove_once(kit_id, wish)
        if answer is not None:
            order = part.order if by is None else by.order
            self._called(subscriber, answer, f"tag {wish.name!r} off", (order,), wish.rule)

    async def _remove_once(self, kit_id: int, wish: TagWish) -> Answer | None:
        tag = await self._catalog.tag(wish)
        if tag.created:
            return None  # nobody can have a tag that did not exist a moment ago
        return await self._client.call("DELETE", "/v4/tags/{}/subscribers/{}", tag.id, kit_id)

    async def _add(self, subscriber: Subscriber, part: Part[TagWish]) -> None:
        kit_id, wish = _id_of(subscriber), part.value
        self._doubt(subscriber, Change(tags={tag_key(wish.name): part}))
        try:
            answer = await self._add_once(kit_id, wish)
        except NotFound:
            if not await self._exists(kit_id):
                raise _SubscriberGoneError from None
            self._catalog.forget_tag(wish.name)
            answer = await self._add_once(kit_id, wish)
        self._called(subscriber, answer, f"tag {wish.name!r}", (part.order,), wish.rule)

    async def _add_once(self, kit_id: int, wish: TagWish) -> Answer:
        tag = await self._catalog.tag(wish)
        return await self._client.call("POST", "/v4/tags/{}/subscribers/{}", tag.id, kit_id)

    async def _exists(self, kit_id: int) -> bool:
        """Ask for the subscriber by id, which is consistent (Kit API reference, "Consistency")."""
        try:
            await self._client.call("GET", "/v4/subscribers/{}", kit_id)
        except NotFound:
            return False
        return True


def _id_of(subscriber: Subscriber) -> int:
    if subscriber.record.kit_id is None:
        raise AssertionError("a plan for an unknown subscriber begins with an upsert")
    return subscriber.record.kit_id
