"""Writes subscribers with their custom fields, each of which stands for itself, by a call for each step."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from worker.clock import Clock
from worker.errors import KitRejected, NoMoreSubscribers
from worker.kit.answers import Answer, NotFound
from worker.kit.catalog import Catalog
from worker.kit.custom_fields import Field
from worker.kit.job import Job, SubscriberGone
from worker.kit.plan import Upsert
from worker.subscribers.change import Change
from worker.subscribers.in_hand import InHand
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Call


class Upserts:
    """Creates and updates the subscribers of one account.

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

    async def write(self, job: Job, step: Upsert, looks: int | None = None) -> None:
        """Write what Kit takes of a step; what it does not take is refused, each part by itself.

        Args:
            job: Whose step it is.
            step: What to write.
            looks: How often the custom fields may be looked up anew, as Kit says that it lacks one; by
                default once for each of them. It says so in `warnings`, or by a 422 (Kit API reference; its
                answers have changed in 2026).

        Raises:
            SubscriberGone: All that was ever done for the subscriber has to be done again.
            KitRejected: Kit does not take the subscriber.
            KitWorkerError: As `KitClient.call` raises it.
        """
        if job.subscriber.record.kit_id is not None:
            step = replace(step, ensure=None)
        fields = await self._fields(job, step)
        step = replace(step, fields={name: step.fields[name] for name in fields})
        looks = len(fields) if looks is None else looks
        refusal = await self._answer_to(job, step, fields) if step.says_something else None
        if refusal is None:
            return
        about_fields = bool(fields) and refusal.status in {0, 422}
        if about_fields and looks and await self._catalog.fields.look_again(fields, str(refusal)):
            await self.write(job, step, looks - 1)
        else:
            await self._write_pieces(job, step, fields, refusal)

    async def _fields(self, job: Job, step: Upsert) -> Mapping[str, Field]:
        """Return the fields to write: without those that may not be made, or that are clear already."""
        fields = dict[str, Field]()
        for name, part in step.fields.items():
            of = self._catalog
            try:
                field = await (of.field_to_clear(name) if part.value is None else of.field(name, job.since))
            except KitRejected as error:
                job.refuse(Change(fields={name: part}), error, whatever=True)
                continue
            if field is None:
                job.subscriber.record.note(Change(fields={name: part}), self._clock.time(), {})
            else:
                fields[name] = field
        return fields

    async def _write_pieces(
        self, job: Job, step: Upsert, fields: Mapping[str, Field], refusal: KitRejected
    ) -> None:
        """Find the parts that Kit does not take, which it need not name, and write the others."""
        words = frozenset(re.findall(r"\w+", str(refusal)))
        pieces = step.pieces({name for name, field in fields.items() if field.key in words})
        for piece in pieces:
            await self.write(job, piece)
        if not pieces and step.ensure is not None:
            raise refusal
        if not pieces:
            job.refuse(step.parts, refusal)

    async def _answer_to(self, job: Job, step: Upsert, fields: Mapping[str, Field]) -> KitRejected | None:
        """Write a step, and note it; return what Kit has against it, or None."""
        record, parts = job.subscriber.record, step.parts
        asked_before, record.asked = record.asked, record.kit_id is None
        record.doubt(parts)
        self._in_hand.touch(job.subscriber)
        try:
            answer = await self._send(record, step, {name: field.key for name, field in fields.items()})
        except NoMoreSubscribers:
            raise
        except KitRejected as error:
            record.asked = asked_before
            return error
        self._note_subscriber(job, answer, asked_before=asked_before)
        if fields and answer.warnings:
            return KitRejected(f"Kit ignored custom fields: {'; '.join(answer.warnings)[:300]}")
        record.note(parts, self._clock.time(), {name: field.id for name, field in fields.items()})
        for order, what in step.asked.items():
            self._in_hand.called(job.subscriber, Call(answer.endpoint, what, answer.status), order)
        return None

    def _note_subscriber(self, job: Job, answer: Answer, *, asked_before: bool) -> None:
        record, kit_id = job.subscriber.record, answer.id_of("subscriber")
        if record.kit_id not in {None, kit_id}:
            raise SubscriberGone  # its address is another one's by now
        # Who has no name, and may have been created by a call whose answer was lost, was created by it.
        ours = asked_before and not answer.item("subscriber").get("first_name")
        record.created = record.created or ours or answer.status == 201
        record.kit_id, record.asked = kit_id, False
        job.created = job.created or answer.status == 201

    async def _send(self, record: Record, step: Upsert, keys: Mapping[str, str]) -> Answer:
        if record.kit_id is None:
            body = step.body(record.email, keys)
            return await self._client.call("POST", "/v4/subscribers", json=body)
        try:
            return await self._client.call("PUT", "/v4/subscribers/{}", record.kit_id, json=step.values(keys))
        except NotFound:
            raise SubscriberGone from None

    async def find_or_create(self, email: str, creates: Part[str] | None) -> Answer:
        """Return Kit's answer about the subscriber with that address, whom it has from now on.

        Args:
            email: The address.
            creates: In which state; the account's where that is not said.
        """
        state = creates.value if creates else self._catalog.options.subscriber_state
        body = Upsert({}, state=state).body(email, {})
        return await self._client.call("POST", "/v4/subscribers", json=body)

    async def find(self, email: str) -> int | None:
        """Return the id of whoever has that address in Kit; None where the list shows nobody.

        It lags: whom somebody else has created within the last minutes, it may not show.
        """
        answer = await self._client.get("/v4/subscribers", {"email_address": email, "status": "all"})
        rows = answer.items("subscribers")
        found = (row["id"] for row in rows if row["email_address"].lower() == email.lower())
        return next(found, None)

    async def exists(self, kit_id: int) -> bool:
        """Ask for a subscriber by id, which is consistent (Kit API reference, "Consistency")."""
        try:
            await self._client.call("GET", "/v4/subscribers/{}", kit_id)
        except NotFound:
            return False
        return True

    async def unsubscribe(self, kit_id: int) -> Answer | None:
        """Unsubscribe somebody, also whom it was done to before; None where Kit has nobody of that id."""
        try:
            return await self._client.call("POST", "/v4/subscribers/{}/unsubscribe", kit_id)
        except NotFound:
            return None
