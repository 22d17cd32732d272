"""Carries steps out by a call for each, and puts right what somebody has deleted in Kit meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from worker.clock import Clock
from worker.errors import KitRejected
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.custom_fields import Field
from worker.kit.plan import AddTag, NameIfCreated, RemoveTag, Step, Upsert
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.record import UNKNOWN, Record
from worker.subscribers.subscriber import Call, Subscriber


class SubscriberGone(Exception):
    """The subscriber was deleted in Kit while we worked on it, or another one has its address."""


class Job(Struct, eq=False):
    """What is being done for one person.

    Attributes:
        created: True once a step has created the subscriber, who has no tags yet.
        alone: True once nothing more is done together with others.
    """

    subscriber: Subscriber
    change: Change
    steps: Sequence[Step]
    created: bool = False
    alone: bool = False


class SingleCalls:
    """Carries out the steps of one person.

    Args:
        catalog: The account's tags and custom fields, and the way to Kit.
        in_hand: What is known of the subscribers; every answer is noted there.
        clock: Says when Kit answered.
    """

    def __init__(self, catalog: Catalog, in_hand: InHand, clock: Clock) -> None:
        self._catalog = catalog
        self._client = catalog.client
        self._in_hand = in_hand
        self._clock = clock

    async def carry_out(self, job: Job, step: Step) -> None:
        """Make what a step needs true, and note it.

        Raises:
            SubscriberGone: All that was ever done for the subscriber has to be done again.
            KitWorkerError: As `KitClient.call` and `Catalog` raise it.
        """
        subscriber, record = job.subscriber, job.subscriber.record
        match step:
            case Upsert():
                job.created = await self._upsert(subscriber, step) or job.created
            case NameIfCreated(first_name=name) if record.created:
                await self._upsert(subscriber, Upsert({}, name))
                record.created = False
            case NameIfCreated(first_name=name):
                record.note(Change(first_name=name), UNKNOWN, {})  # it is not sent
            case RemoveTag():
                if not job.created:
                    await self.remove_tag(subscriber, step)
                self._note_tag(subscriber, step)
            case AddTag():
                await self._add_tag(subscriber, step)
                self._note_tag(subscriber, step)

    def _doubt(self, subscriber: Subscriber, parts: Change) -> None:
        subscriber.record.doubt(parts)
        self._in_hand.touch(subscriber)

    def _note_tag(self, subscriber: Subscriber, step: RemoveTag | AddTag) -> None:
        ids = {step.key: self._catalog.tag_id(step.key)}
        subscriber.record.note(step.parts, self._clock.time(), ids)

    # -- the subscriber -------------------------------------------------------------------------------

    async def _upsert(self, subscriber: Subscriber, step: Upsert) -> bool:
        """Create or update the subscriber; tell whether it was created, so that it has no tags yet."""
        record, parts = subscriber.record, step.parts
        asked_before, record.asked = record.asked, record.kit_id is None
        self._doubt(subscriber, parts)
        answer = await self._upsert_known_fields(record, step)
        kit_id = answer.id_of("subscriber")
        if record.kit_id not in {None, kit_id}:
            raise SubscriberGone  # its address is another one's by now
        # Who has no name, and may have been created by a call whose answer was lost, was created by it.
        ours = asked_before and not answer.item("subscriber").get("first_name")
        record.created = record.created or ours or answer.status == 201
        record.kit_id, record.asked = kit_id, False
        record.note(parts, self._clock.time(), {name: self._catalog.field_id(name) for name in step.fields})
        self._called(subscriber, answer, step)
        return answer.status == 201

    async def _upsert_known_fields(self, record: Record, step: Upsert) -> Answer:
        """Write what a step sets; and once more where Kit lacks a custom field that it had, for each of them.

        Kit says so in `warnings`, or by a 422 (Kit API reference; its answers have changed in 2026).
        """
        sent = await self._fields_of(step)
        answer, refusal = await self._answer_to(record, step, sent)
        first, tries = answer, len(step.fields)
        while refusal is not None:
            if not (tries and await self._catalog.fields.look_again(sent, str(refusal))):
                raise refusal
            sent, tries = await self._fields_of(step), tries - 1
            answer, refusal = await self._answer_to(record, step, sent)
        return first if first.status == 201 else answer

    async def _fields_of(self, step: Upsert) -> Mapping[str, Field]:
        return {name: await self._catalog.field(name) for name in step.fields}

    async def _answer_to(
        self, record: Record, step: Upsert, fields: Mapping[str, Field]
    ) -> tuple[Answer, KitRejected | None]:
        """Return Kit's answer, and what it says against the custom fields."""
        try:
            answer = await self._send(record, step, {name: field.key for name, field in fields.items()})
        except KitRejected as error:
            if error.status != 422 or not step.fields:
                raise
            return Answer(error.status, {}), error
        said = "; ".join(answer.warnings)[:300]
        return answer, KitRejected(f"Kit ignored custom fields: {said}") if said and step.fields else None

    async def find_or_create(self, email: str) -> Answer:
        """Return Kit's answer about the subscriber with that address, whom it has from now on."""
        body = Upsert({}).body(email, self._catalog.options, {})
        return await self._client.call("POST", "/v4/subscribers", json=body)

    async def _send(self, record: Record, step: Upsert, keys: Mapping[str, str]) -> Answer:
        if record.kit_id is None:
            body = step.body(record.email, self._catalog.options, keys)
            return await self._client.call("POST", "/v4/subscribers", json=body)
        try:
            return await self._client.call("PUT", "/v4/subscribers/{}", record.kit_id, json=step.values(keys))
        except NotFound:
            raise SubscriberGone from None

    async def unsubscribe(self, kit_id: int) -> Answer | None:
        """Unsubscribe somebody, also whom it was done to before; None where Kit has nobody of that id."""
        try:
            return await self._client.call("POST", "/v4/subscribers/{}/unsubscribe", kit_id)
        except NotFound:
            return None

    # -- tags -----------------------------------------------------------------------------------------

    async def remove_tag(self, subscriber: Subscriber, step: RemoveTag) -> None:
        """Take a tag off, which is left to the caller to note."""
        kit_id, wish = id_of(subscriber), step.part.value
        self._doubt(subscriber, step.parts)
        try:
            answer = await self._remove_once(kit_id, step)
        except NotFound:
            # Gone is the subscriber, and the tagging with it, or the tag. A tag of that name may have been
            # made since, with another id.
            answer = None
            if await self._exists(kit_id) and self._catalog.options.create_missing:
                self._catalog.forget_tag(wish.name)
                answer = await self._remove_once(kit_id, step)
        if answer is not None:
            self._called(subscriber, answer, step)

    async def _remove_once(self, kit_id: int, step: RemoveTag) -> Answer | None:
        tag = await self._catalog.tag(step.part.value)
        if tag.created:
            return None  # nobody can have a tag that did not exist a moment ago
        return await self._client.call("DELETE", "/v4/tags/{}/subscribers/{}", tag.id, kit_id)

    async def _add_tag(self, subscriber: Subscriber, step: AddTag) -> None:
        kit_id, wish = id_of(subscriber), step.part.value
        self._doubt(subscriber, step.parts)
        try:
            answer = await self._add_once(kit_id, step)
        except NotFound:
            if not await self._exists(kit_id):
                raise SubscriberGone from None
            self._catalog.forget_tag(wish.name)
            answer = await self._add_once(kit_id, step)
        self._called(subscriber, answer, step)

    async def _add_once(self, kit_id: int, step: AddTag) -> Answer:
        tag = await self._catalog.tag(step.part.value)
        return await self._client.call("POST", "/v4/tags/{}/subscribers/{}", tag.id, kit_id)

    async def _exists(self, kit_id: int) -> bool:
        """Ask for the subscriber by id, which is consistent (Kit API reference, "Consistency")."""
        try:
            await self._client.call("GET", "/v4/subscribers/{}", kit_id)
        except NotFound:
            return False
        return True

    def _called(self, subscriber: Subscriber, answer: Answer, step: Upsert | RemoveTag | AddTag) -> None:
        for order, what in step.asked.items():
            call = Call(answer.endpoint, what, answer.status, step.rules)
            self._in_hand.called(subscriber, call, order)


def id_of(subscriber: Subscriber) -> int:
    """Return Kit's id of a subscriber of whom an earlier step has made sure."""
    if subscriber.record.kit_id is None:
        raise AssertionError("the steps for an unknown subscriber begin with an upsert")
    return subscriber.record.kit_id
