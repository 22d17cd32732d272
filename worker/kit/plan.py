"""Which steps make a change true in Kit, in order. Pure: `preview` prints them, the writer carries them out.

`STAGES` is the order, of one change as of many together. Removals come before additions and both after the
fields, since a new tag starts the creator's automations, whose emails should see the finished state. Whoever
is to get no more mail is unsubscribed last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.kit.told import TOLD_FIRST_NAME, told
from worker.mapping import Options
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish, tag_told

MAX_FIELDS: Final = 10
"""Kit sets more custom fields than this later, and answers 202 (Kit API reference, `POST /v4/subscribers`).
The tags would then come first, and the emails that they start would see the old values."""


class FindSubscriber(Struct, frozen=True):
    """Find out whom Kit has under the address, as nobody is to be created: `GET /v4/subscribers`."""


class Upsert(Struct, frozen=True):
    """Make sure of the subscriber, and set what is given.

    Whose id in Kit is known is written by it, `PUT /v4/subscribers/{}`, whatever address Kit has by now;
    others are created, or found by their address, `POST /v4/subscribers`.

    Attributes:
        fields: At most `MAX_FIELDS`.
        ensure: The event for whose sake the subscriber is made sure of; None where Kit's id is known by then.
        state: In which state the subscriber is created, if need be.
    """

    fields: Mapping[str, Part[str | None]]
    first_name: Part[str] | None = None
    ensure: OrderKey | None = None
    state: str = ""

    @property
    def parts(self) -> Change:
        """What is true of the subscriber once Kit has answered."""
        return Change(fields=self.fields, first_name=self.first_name)

    @property
    def rules(self) -> tuple[int, ...]:
        """Which rules say so: not known of fields."""
        return ()

    @property
    def asked(self) -> Mapping[OrderKey, str]:
        """By event, what of it that event asks for, for people: each part is the event's that set it."""
        parts: list[tuple[str, Part[Any]]] = [*self.fields.items()]
        if self.first_name is not None:
            parts.append((TOLD_FIRST_NAME, self.first_name))
        if not parts:
            return {} if self.ensure is None else {self.ensure: "the subscriber"}
        asked = dict[OrderKey, list[str]]()
        for name, part in parts:
            asked.setdefault(part.order, []).append(told(name, part.value))
        return {order: ", ".join(told) for order, told in asked.items()}

    @property
    def says_something(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.fields or self.first_name or self.ensure)

    def pieces(self, suspects: Collection[str]) -> tuple[Upsert, ...]:
        """Return smaller steps that do the same together; none where it is of one piece.

        Args:
            suspects: Custom fields that are to be pieces of their own.
        """
        if self.ensure is not None:
            bare = Upsert({}, ensure=self.ensure, state=self.state)
            rest = Upsert(self.fields, self.first_name)
            return (bare, rest) if rest.says_something else ()
        if self.fields and self.first_name is not None:
            return Upsert(self.fields), Upsert({}, self.first_name)
        names = sorted(self.fields, key=lambda name: name in suspects)
        if len(names) <= 1:
            return ()
        trusted = len(self.fields.keys() - suspects)
        at = trusted if 0 < trusted < len(names) else len(names) // 2
        return self._some(names[:at]), self._some(names[at:])

    def _some(self, names: Iterable[str]) -> Upsert:
        return Upsert({name: self.fields[name] for name in names})

    @property
    def sets_fields_only(self) -> bool:
        """Whether it needs no more than the values of custom fields, since the subscriber is known."""
        return self.ensure is None and self.first_name is None

    def body(self, email: str, keys: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON to create or find the subscriber with, given each field's key in Kit."""
        return {"email_address": email, "state": self.state, **self.values(keys)}

    def values(self, keys: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON of what is to be set, given each field's key in Kit.

        An empty text clears a field: Kit's schema has texts only (Kit API reference, `POST /v4/subscribers`).
        """
        body: dict[str, Any] = {}
        if self.first_name is not None:
            body["first_name"] = self.first_name.value
        if self.fields:
            body["fields"] = {keys[name]: part.value or "" for name, part in self.fields.items()}
        return body


class NameIfCreated(Struct, frozen=True):
    """Set the first name, but only of a subscriber whom this worker has created: `PUT /v4/subscribers/{}`."""

    first_name: Part[str]


class _TagStep(Struct, frozen=True):
    """What is done about one tag.

    Attributes:
        key: The tag's `tag_key`.
    """

    key: str
    part: Part[TagWish]

    @property
    def parts(self) -> Change:
        """What is true of the subscriber once Kit has answered."""
        return Change(tags={self.key: self.part})

    @property
    def rules(self) -> tuple[int, ...]:
        """Which rule of its event says so."""
        return (self.part.value.rule,)

    @property
    def asked(self) -> Mapping[OrderKey, str]:
        """What is done, for people, by the event that asks for it."""
        return {self.part.order: tag_told(self.part.value)}


class RemoveTag(_TagStep, frozen=True):
    """Take a tag off: `DELETE /v4/tags/{}/subscribers/{}`. Whom an upsert has just created has none."""


class AddTag(_TagStep, frozen=True):
    """Put a tag on: `POST /v4/tags/{}/subscribers/{}`."""


class MarkPerson(AddTag, frozen=True):
    """Put a tag on by which the creator's automations can leave somebody out: it has to be there before."""


class Unsubscribe(Struct, frozen=True):
    """Have Kit send no more mail: `POST /v4/subscribers/{}/unsubscribe`. By the API that is for ever."""

    part: Part[bool]

    @property
    def parts(self) -> Change:
        """What is true of the subscriber once Kit has answered."""
        return Change(unsubscribe=self.part)


Step: TypeAlias = FindSubscriber | Upsert | NameIfCreated | RemoveTag | AddTag | Unsubscribe

STAGES: Final = (FindSubscriber, Upsert, NameIfCreated, RemoveTag, MarkPerson, AddTag, Unsubscribe)
"""The kinds of steps, in the order in which they are carried out."""


def plan(left: Change, options: Options, *, known: bool) -> list[Step]:
    """Return the steps that a change needs, in order.

    A new address is no step: what is left to do after it, Kit's answer decides (`worker.kit.addresses`).

    Args:
        left: What of it is left to do.
        options: The account's.
        known: True where the subscriber's id in Kit is known, so that it need not be asked for.
    """
    if not left.tells_kit:
        return []
    name = left.first_name
    only_if_created = options.first_name == "if_created"
    steps: list[Step] = [] if known or left.creates else [FindSubscriber()]
    creates = None if known else left.creates
    steps += _upserts(left, None if only_if_created else name, creates)
    if name is not None and only_if_created:
        steps.append(NameIfCreated(name))
    for key, part in left.tags.items():
        kind = (MarkPerson if key in left.first else AddTag) if part.value.present else RemoveTag
        steps.append(kind(key, part))
    if left.unsubscribe is not None:
        steps.append(Unsubscribe(left.unsubscribe))
    return sorted(steps, key=lambda step: STAGES.index(type(step)))


def _upserts(left: Change, first_name: Part[str] | None, creates: Part[str] | None) -> Iterator[Upsert]:
    if creates is None and first_name is None and not left.fields:
        return
    fields = list(left.fields.items())
    first = Upsert(dict(fields[:MAX_FIELDS]), first_name)
    yield first if creates is None else replace(first, ensure=_newest(left), state=creates.value)
    for at in range(MAX_FIELDS, len(fields), MAX_FIELDS):
        yield Upsert(dict(fields[at : at + MAX_FIELDS]))


def _newest(change: Change) -> OrderKey:
    """Return the order of the newest event that asks for any part."""
    orders = [part.order for parts in (change.tags, change.fields) for part in parts.values()]
    orders += [part.order for part in (change.first_name, change.ensure) if part is not None]
    return max(orders, default=FIRST)
