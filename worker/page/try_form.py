"""What somebody wants to try, as the form has it, and the message that it makes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple, Self

from worker.accounts.account import Account
from worker.contract.samples import PREVIEW_ID, NotJsonError, made_up, read_samples
from worker.errors import InvalidEvent
from worker.events.delivery import Delivery
from worker.events.times import parse_time
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping.words import name_of
from worker.ops.known_values import SIGNS, known_user, known_values
from worker.page.event_size import as_small, too_large
from worker.subscribers.record import Record

VALUE: Final = "value "
"""Before a value's name, in the name of its field."""
PASTED: Final = "what you pasted"


class NotTriedError(ValueError):
    """Nothing can be tried as it stands; the text says why."""


class AskedValue(NamedTuple):
    """A value for which the form asks: what people call it, as the file names it, and what it is now."""

    label: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Given:
    """What was filled in.

    Attributes:
        kind: The event type.
        user: The platform's id of the person.
        id: The event's.
        at: When it happened, ISO 8601; empty for now.
        app: Whose event it is.
        values: Platform fields, and paths in the event's data.
        json: An event as JSON, which counts in place of all others but the app.
    """

    kind: str = ""
    email: str = ""
    user: str = ""
    id: str = ""
    at: str = ""
    app: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    json: str = ""

    @classmethod
    def of(cls, form: Iterable[tuple[str, object]]) -> Self:
        """Return what a form, or an address, gives."""
        texts = {name: value.strip() for name, value in form if isinstance(value, str) and value.strip()}
        values = {name.removeprefix(VALUE): text for name, text in texts.items() if name.startswith(VALUE)}
        names = ("kind", "email", "user", "id", "at", "app", "json")
        return cls(values=values, **{name: texts[name] for name in names if name in texts})

    def of_person(self, record: Record, account: Account) -> Given:
        """Return it for a person, with the values that are known, where nothing else is given."""
        return replace(
            self,
            email=self.email or record.email,
            user=self.user or known_user(record),
            values={**known_values(record, account), **self.values},
        )

    def message(self, account: Account, now: datetime) -> Delivery:
        """Return the message as a worker of an account would receive it now.

        Raises:
            NotTriedError: It is none.
        """
        if self.json:
            return self._pasted(account, now)
        if not self.kind:
            raise NotTriedError("Say which type of event it is.")
        given = [("user.email", self.email), ("user.id", self.user), *self.values.items()]
        settings = [f"{name}={value}" for name, value in given if value]
        try:
            at = parse_time("time", self.at) if self.at else now
            sample = made_up(self.kind, settings, at, self.id or PREVIEW_ID)
        except (ValueError, InvalidEvent) as error:
            raise NotTriedError(f"{error}.") from error
        return sample.delivery(self._key(self.kind, account), now)

    def _pasted(self, account: Account, now: datetime) -> Delivery:
        try:
            samples = read_samples(self.json.encode("utf-8", "replace"), PASTED)
        except NotJsonError as error:
            raise NotTriedError(f"{error}.") from error
        if len(samples) > 1:
            raise NotTriedError(f"There are {len(samples)} events in it; paste one.")
        sample = replace(samples[0], body=as_small(samples[0].body))
        if problem := too_large(len(sample.body)):
            raise NotTriedError(f"Nothing was tried: {problem}.")
        return sample.delivery(self._key(sample.type, account), now)

    def _key(self, kind: str, account: Account) -> str:
        app = self.app or next(iter(account.apps), "")
        return f"{kind}.{app}" if app else kind


def asked_for(given: Given, account: Account) -> tuple[list[AskedValue], list[AskedValue]]:
    """Return for which values the form asks: those on which rules depend, or that are given; and the others.

    The rules are those of the type, where one is given, else all.
    """
    mapping = account.events.get(given.kind)
    mappings = account.events.values() if mapping is None else (mapping,)
    first = [name for each in mappings for name in each.names()] + list(given.values)
    others = [*PLATFORM_FIELDS, *(name for each in account.fields for name in each.sources)]
    first_names = [name for name in dict.fromkeys(first) if name not in SIGNS]
    rest = [name for name in dict.fromkeys(others) if name not in {*SIGNS, *first_names}]
    return list(_asked(first_names, given)), list(_asked(rest, given))


def _asked(names: Iterable[str], given: Given) -> Iterator[AskedValue]:
    for name in names:
        yield AskedValue(name_of(name), name, given.values.get(name, ""))
