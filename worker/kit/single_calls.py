"""Carries steps out by a call for each, and puts right what somebody has deleted in Kit meanwhile."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from worker.clock import Clock
from worker.errors import CallsSuspended, CredentialRefused, EventError, KitRejected, RateLimited
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.job import Job, NobodyThere, SubscriberGone, id_of
from worker.kit.plan import AddTag, FindSubscriber, NameIfCreated, RemoveTag, Step, Unsubscribe, Upsert
from worker.kit.taggings import Taggings, Taken
from worker.kit.upserts import Upserts
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.parts import TagWish
from worker.subscribers.record_parts import UNKNOWN
from worker.subscribers.subscriber import Call, Subscriber
from worker.subscribers.tagging_guard import TaggingEnd

NEWLY_TAGGED: Final = 201
"""Kit's status where the tag was not there before (Kit API reference, `POST /v4/tags/{}/subscribers/{}`)."""


class SingleCalls:
    """Carries out the steps of one person.

    Args:
        catalog: The account's tags and custom fields, and the way to Kit.
        in_hand: What is known of the subscribers; every answer is noted there.
        clock: Says when Kit answered.

    Attributes:
        upserts: Write the subscribers.
        taggings: Say which tags may be put on.
    """

    def __init__(self, catalog: Catalog, in_hand: InHand, clock: Clock) -> None:
        self.upserts = Upserts(catalog, in_hand, clock)
        self.taggings = Taggings(catalog, in_hand, clock)
        self._catalog = catalog
        self._client = catalog.client
        self._in_hand = in_hand
        self._clock = clock

    async def carry_out(self, job: Job, step: Step) -> None:
        """Make what a step needs true, and note it; what Kit refuses of it, the job says.

        Raises:
            NobodyThere: Kit has nobody to do it to.
            SubscriberGone: All that was ever done for the subscriber has to be done again.
            KitRejected: Kit does not take the subscriber.
            KitWorkerError: As `KitClient.call` raises it.
        """
        record = job.subscriber.record
        match step:
            case FindSubscriber():
                await self._find(job)
            case Upsert():
                await self.upserts.write(job, step)
            case NameIfCreated(first_name=name) if record.created:
                await self.upserts.write(job, Upsert({}, name))
                record.created = False
            case NameIfCreated(first_name=name):
                record.note(Change(first_name=name), UNKNOWN, {})  # it is not sent
            case RemoveTag():
                await self._tag_step(job, step)
            case AddTag():
                async with self.taggings.taken([(job, step)]) as taken:
                    for each in taken:
                        await self.put_on(each)
            case Unsubscribe():
                await self._unsubscribe(job, step)

    async def _find(self, job: Job) -> None:
        record = job.subscriber.record
        record.kit_id = await self.upserts.find(record.email)
        if record.kit_id is None:
            raise NobodyThere
        self._in_hand.touch(job.subscriber)

    async def _unsubscribe(self, job: Job, step: Unsubscribe) -> None:
        """Unsubscribe somebody; whom Kit does not have gets no mail either."""
        try:
            answer = await self.upserts.unsubscribe(id_of(job.subscriber))
        except EventError as error:
            job.refuse(step.parts, error)
            return
        job.subscriber.record.unsubscribed = step.part
        self._in_hand.touch(job.subscriber)
        if answer is not None:
            call = Call(answer.endpoint, "unsubscribed", answer.status)
            self._in_hand.called(job.subscriber, call, step.part.order)

    async def put_on(self, taken: Taken) -> None:
        """Put a tag on that may be put on; raises as `carry_out` does."""
        await self._tag_step(taken.job, taken)

    # -- tags -----------------------------------------------------------------------------------------

    async def _tag_step(self, job: Job, what: RemoveTag | Taken) -> None:
        step = what.step if isinstance(what, Taken) else what
        try:
            if isinstance(what, Taken):
                await self._add_tag(job, what)
            elif not job.created:
                await self.remove_tag(job.subscriber, what)
        except EventError as error:
            job.refuse(step.parts, error)
        else:
            ids = {step.key: self._catalog.tag_id(step.key)}
            job.subscriber.record.note(step.parts, self._clock.time(), ids)

    def _doubt(self, subscriber: Subscriber, parts: Change) -> None:
        subscriber.record.doubt(parts)
        self._in_hand.touch(subscriber)

    async def remove_tag(self, subscriber: Subscriber, step: RemoveTag) -> None:
        """Take a tag off, which is left to the caller to note; one that Kit does not have is off already."""
        tag_id = await self._catalog.tag_to_remove(step.part.value)
        if tag_id is None or await self._remove(subscriber, step, tag_id):
            return
        # Gone is the subscriber, and the tagging with it, or the tag. A tag of that name may have been made
        # since, with another id.
        await self._catalog.tag_denied(tag_id)
        other_id = await self._catalog.tag_to_remove(step.part.value)
        if other_id is not None and other_id != tag_id:
            await self._remove(subscriber, step, other_id)

    async def take_off_at(self, email: str, wish: TagWish) -> None:
        """Take a tag off whoever has an address, of whom nothing is known here."""
        tag_id = await self._catalog.tag_to_remove(wish)
        if tag_id is not None:
            with suppress(KitRejected):  # nobody is there, or can be
                body = {"email_address": email}
                await self._client.call("DELETE", "/v4/tags/{}/subscribers", tag_id, json=body)

    async def _remove(self, subscriber: Subscriber, step: RemoveTag, tag_id: int) -> bool:
        """Take a tag off; tell whether Kit has both the tag and the subscriber."""
        self._doubt(subscriber, step.parts)
        try:
            answer = await self._client.call(
                "DELETE", "/v4/tags/{}/subscribers/{}", tag_id, id_of(subscriber)
            )
        except NotFound:
            return False
        self._called(subscriber, answer, step)
        return True

    async def _add_tag(self, job: Job, taken: Taken) -> None:
        step, subscriber = taken.step, job.subscriber
        self._doubt(subscriber, step.parts)
        taken.ends(TaggingEnd.MAYBE)
        try:
            answer = await self._add_where_it_is(job, step)
        except (EventError, SubscriberGone, RateLimited, CallsSuspended, CredentialRefused):
            taken.ends(TaggingEnd.NONE)
            raise
        taken.ends(TaggingEnd.NEW if answer.status == NEWLY_TAGGED else TaggingEnd.NONE)
        self._called(subscriber, answer, step)

    async def _add_where_it_is(self, job: Job, step: AddTag) -> Answer:
        """Put a tag on, which may have been made anew under another id."""
        try:
            return await self._add_once(job, step)
        except NotFound:
            if not await self.upserts.exists(id_of(job.subscriber)):
                raise SubscriberGone from None
        self._catalog.forget_tag(step.part.value.name)
        return await self._add_once(job, step)

    async def _add_once(self, job: Job, step: AddTag) -> Answer:
        tag_id = await self._catalog.tag(step.part.value, job.since)
        return await self._client.call("POST", "/v4/tags/{}/subscribers/{}", tag_id, id_of(job.subscriber))

    def _called(self, subscriber: Subscriber, answer: Answer, step: RemoveTag | AddTag) -> None:
        for order, what in step.asked.items():
            call = Call(answer.endpoint, what, answer.status, step.rules)
            self._in_hand.called(subscriber, call, order)
