"""Gives subscribers new addresses in Kit, so that a crash at any moment leaves nobody's tags behind."""

from __future__ import annotations

import structlog

from worker.errors import KitRejected
from worker.events.event import FIRST, OrderKey
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.job import SubscriberGone, id_of
from worker.kit.persistence import Persistence
from worker.kit.plan import RemoveTag
from worker.kit.single_calls import SingleCalls
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.parts import Part
from worker.subscribers.subscriber import Call, Subscriber

log = structlog.get_logger()


class AddressChanges:
    """Makes the moves of one account's subscribers.

    Args:
        catalog: The account's, which has the way to Kit.
        in_hand: Whose addresses change there, too.
        single: Finds subscribers, and takes tags off.
        persistence: Keeps who had the old address.
    """

    def __init__(
        self, catalog: Catalog, in_hand: InHand, single: SingleCalls, persistence: Persistence
    ) -> None:
        self._client = catalog.client
        self._in_hand = in_hand
        self._single = single
        self._persistence = persistence

    async def move(self, subscriber: Subscriber, address: Part[str], change: Change) -> None:
        """Give the subscriber a new address; tags and history stay.

        Args:
            subscriber: Who moves.
            address: Where to, and by which event.
            change: All that is asked of the subscriber; its tags may have landed though nobody knows it.

        Raises:
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        kit_id = subscriber.record.kit_id
        if kit_id is None and (kit_id := await self._id_at_old_address(subscriber, change)) is None:
            # Kit has nobody to move.
            other = subscriber.joined.get(address.value)
            self._in_hand.moved(
                subscriber, address, other.record.kit_id if other else None, self._client.clock.time()
            )
            return
        try:
            answer = await self._give(subscriber, address.value)
        except NotFound:
            # The subscriber was deleted in Kit. Whoever has the new address is owed all that was ever done.
            self._in_hand.moved(subscriber, address, None, self._client.clock.time())
        except KitRejected as error:
            if error.status != 422:
                raise
            await self._move_to_who_is_there(subscriber, address, change)
        else:
            self._moved(subscriber, address, kit_id, answer, "email address")

    async def stay(self, subscriber: Subscriber, change: Change) -> None:
        """Have Kit keep a subscriber where they are, after a call to move them that was not answered.

        Args:
            subscriber: Who stays.
            change: As in `move`.

        Raises:
            SubscriberGone: Kit has the subscriber no more, or the address is another one's by now.
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        try:
            await self._give(subscriber, subscriber.record.email)
        except NotFound:
            raise SubscriberGone from None
        except KitRejected as error:
            if error.status != 422:
                raise
            await self._take_all_off(subscriber, change, subscriber.record.placed or FIRST)
            raise SubscriberGone from None

    async def leave_nothing_behind(self, subscriber: Subscriber, change: Change) -> None:
        """Take off what a worker that was killed may have given at an address that the subscriber has left.

        Whoever Kit has there stays, and gets mail as before: the person may come back.

        Args:
            subscriber: Whose all else is applied by now.
            change: All that is asked.

        Raises:
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        for email in list(subscriber.behind):
            if subscriber.record.email != email:
                for part in change.asked_tags.values():
                    await self._single.take_off_at(email, part.value)
            subscriber.behind.discard(email)

    async def _give(self, subscriber: Subscriber, email: str) -> Answer:
        """Give a subscriber an address in Kit.

        The ledger knows of it before. Were it forgotten after a crash, nobody could tell who had the old
        address; and an event that comes first then might leave the person where an older one has led.
        """
        record = subscriber.record
        record.moving = True
        self._in_hand.touch(subscriber)
        await self._persistence.written()
        try:
            answer = await self._client.call(
                "PUT", "/v4/subscribers/{}", id_of(subscriber), json={"email_address": email}
            )
        except KitRejected:
            record.moving = False
            raise
        record.moving = False
        return answer

    async def _id_at_old_address(self, subscriber: Subscriber, change: Change) -> int | None:
        """Return the id of whoever has the old address, which events have named, but no answer of Kit's."""
        upserts, email = self._single.upserts, subscriber.record.email
        try:
            if change.creates is None:
                kit_id = await upserts.find(email)
            else:
                kit_id = (await upserts.find_or_create(email, change.creates)).id_of("subscriber")
        except KitRejected:
            return None  # it never was an address for Kit
        if kit_id is None:
            return None
        subscriber.record.kit_id = kit_id
        return kit_id

    async def _move_to_who_is_there(self, subscriber: Subscriber, address: Part[str], change: Change) -> None:
        """Move the person to the subscriber who has the new address already, and leave nothing behind.

        Neither tags stay at the old address, nor mail that the person gets at the new one. Nothing is noted
        before all of that is done, so that after a crash it is done again from the start. A tag of the change
        itself may have been given before, by a call whose answer never came.
        """
        answer = await self._single.upserts.find_or_create(address.value, change.creates)
        new_id, what = answer.id_of("subscriber"), "email address, which Kit had already"
        if new_id != subscriber.record.kit_id:
            await self._take_all_off(subscriber, change, address.order)
            if not await self._unsubscribe_old(subscriber, address, answer):
                what += f"; the old one, subscriber {subscriber.record.kit_id}, still gets mail"
        self._moved(subscriber, address, new_id, answer, what)

    async def _take_all_off(self, subscriber: Subscriber, change: Change, order: OrderKey) -> None:
        for key, part in {**change.asked_tags, **subscriber.record.maybe_tags}.items():
            # It is the move that takes it off, not the event that gave it.
            await self._single.remove_tag(subscriber, RemoveTag(key, Part(part.value, order)))

    async def _unsubscribe_old(self, subscriber: Subscriber, address: Part[str], new: Answer) -> bool:
        """Unsubscribe the old address, where the person gets mail at the new one; tell whether that is done.

        Otherwise the person would get everything twice, also at an address that is theirs no more. Where the
        new one gets none (unsubscribed, bounced, not confirmed), the old one may be all that reaches the
        person, and a mistake could be undone by nobody but them: that is left to people.
        """
        kit_id = id_of(subscriber)
        if new.item("subscriber").get("state") != "active":
            log.warning("old_address_left", account=self._client.account, kit_id=kit_id)
            return False
        if (answer := await self._single.upserts.unsubscribe(kit_id)) is not None:
            call = Call(answer.endpoint, "the old address unsubscribed", answer.status)
            self._in_hand.called(subscriber, call, address.order)
        return True

    def _moved(
        self, subscriber: Subscriber, address: Part[str], kit_id: int, answer: Answer, what: str
    ) -> None:
        self._in_hand.moved(subscriber, address, kit_id, self._client.clock.time())
        self._in_hand.called(subscriber, Call(answer.endpoint, what, answer.status), address.order)
