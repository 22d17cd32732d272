"""Looks at people in Kit again, and puts right, or takes over, what is otherwise there than it was given."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from msgspec.structs import replace

from worker.clock import Clock
from worker.errors import KitRejected
from worker.events.event import FIRST
from worker.kit.answers import NotFound, Row
from worker.kit.catalog import Catalog
from worker.kit.job import id_of
from worker.kit.person import KitTag, ask_for_tags, subscriber_of, values_of
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.in_hand import InHand
from worker.subscribers.parts import tag_key
from worker.subscribers.redressing import redress, tell
from worker.subscribers.remedies import GONE, SeenPerson
from worker.subscribers.subscriber import Call, Subscriber

CANNOT_FOLLOW: Final = "the ledger knows somebody else by that address, or people by their address alone"
OF_TAGS: Final = frozenset({DriftKind.TAG_MISSING, DriftKind.TAG_BACK})


class Redress:
    """Does what somebody asks for about differences of one person.

    Args:
        catalog: The account's tags and custom fields, and the way to Kit.
        in_hand: What is known of the subscribers.
        clock: Says when Kit answered.
    """

    def __init__(self, catalog: Catalog, in_hand: InHand, clock: Clock) -> None:
        self._catalog = catalog
        self._client = catalog.client
        self._in_hand = in_hand
        self._clock = clock

    async def looked_at(self, subscriber: Subscriber, change: Change) -> Change:
        """Return what of a change is left to do, once its person was looked at in Kit; see `redress`.

        Whoever is to have an address has it then, in Kit or in the ledger. A look that Kit refuses costs only
        what was to be looked at.

        Raises:
            KitWorkerError: As `KitClient.call` raises it.
        """
        try:
            seen = await self._look(subscriber, [each.row for each in change.remedies])
        except KitRejected as error:
            for remedy in change.remedies:
                tell(subscriber, remedy, str(error))
            return _without(change, change.remedies)
        names_all = self._catalog.options.first_name == "always"
        rest = redress(change, subscriber, seen, self._clock.time(), names_all=names_all)
        addresses = [each for each in rest.remedies if each.row.kind is DriftKind.ADDRESS]
        for remedy in addresses:
            if remedy.adopts:
                tell(subscriber, remedy, self._follow(subscriber, remedy.row, change))
            else:
                tell(subscriber, remedy, await self._give_address(subscriber))
        self._in_hand.touch(subscriber)
        return _without(rest, [*addresses, *change.remedies - rest.remedies])

    # -- what Kit has -----------------------------------------------------------------------------------

    async def _look(self, subscriber: Subscriber, rows: Collection[DriftRow]) -> SeenPerson | None:
        """Return what Kit has of a person by id, as far as that is asked for; None where it has nobody."""
        kit_id = subscriber.record.kit_id
        if kit_id is None or (found := await subscriber_of(self._client, kit_id)) is None:
            return None
        await self._catalog.listed()
        tags = {tag_key(row.name) for row in rows if row.kind in OF_TAGS}
        names = {row.name for row in rows if row.kind is DriftKind.FIELD}
        try:
            has = (await ask_for_tags(self._client, kit_id))[0] if tags else ()
        except NotFound:
            return None
        ids = {key: self._catalog.tag_id(key) for key in tags}
        return SeenPerson(
            email=found["email_address"],
            state=str(found.get("state") or ""),
            first_name=str(found.get("first_name") or ""),
            tags=frozenset(key for key, id_ in ids.items() if _is_among(key, id_, has)),
            fields=self._fields(found, names),
            kit_ids={**ids, **{name: self._catalog.field_id(name) for name in names}},
        )

    def _fields(self, found: Row, names: Iterable[str]) -> dict[str, str]:
        values = values_of(found)
        known = ((name, self._catalog.fields.known(name)) for name in names)
        return {name: values[field.key] for name, field in known if field is not None and field.key in values}

    # -- addresses --------------------------------------------------------------------------------------

    async def _give_address(self, subscriber: Subscriber) -> str:
        """Give somebody the address in Kit that the ledger has; return why that is not done, or empty."""
        body = {"email_address": subscriber.record.email}
        try:
            answer = await self._client.call("PUT", "/v4/subscribers/{}", id_of(subscriber), json=body)
        except NotFound:
            return GONE
        except KitRejected as error:  # somebody else has it there by now, say
            return str(error)
        self._in_hand.called(subscriber, Call(answer.endpoint, "email address", answer.status), FIRST)
        return ""

    def _follow(self, subscriber: Subscriber, row: DriftRow, change: Change) -> str:
        """Have the ledger know somebody by the address that Kit has; return why it cannot, or empty."""
        address, kit_id = change.address, subscriber.record.kit_id
        if address is None or address.value != row.kit or not subscriber.moves_by(change):
            return CANNOT_FOLLOW
        self._in_hand.moved(subscriber, address, kit_id, self._clock.time())
        return ""


def _is_among(key: str, id_: int, has: Iterable[KitTag]) -> bool:
    """Tell whether a tag is among those that somebody has; it may have been renamed in Kit."""
    return any(tag.id == id_ or tag_key(tag.name) == key for tag in has)


def _without(change: Change, done: Collection[Remedy]) -> Change:
    """Return a change without these remedies, and the address that one of them asks for.

    One that an event asks for stays: it has another place among events.
    """
    address = change.address
    places = {remedy.planned[1:] for remedy in done if remedy.adopts}
    return replace(
        change,
        remedies=change.remedies - frozenset(done),
        address=None if address is not None and address.order[1:] in places else address,
    )
