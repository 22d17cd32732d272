"""An account as tests and the demo look at it: by names and keys, as plain values, at the present moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from worker.sandbox.inputs import subscriber_input
from worker.sandbox.records import Subscriber
from worker.sandbox.state import Account


@dataclass(frozen=True, slots=True)
class Person:
    """A subscriber: tags by name, and the values of those custom fields that have one, by key."""

    id: int
    email_address: str
    first_name: str | None
    state: str
    tags: frozenset[str]
    fields: Mapping[str, str]


class AccountView:
    """Reads and arranges one account's data, past the API: nothing here is a call, is limited or lags."""

    def __init__(self, account: Account, now: Callable[[], float]) -> None:
        self.account = account
        self._now = now

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    def configure(self, *, name: str | None = None, plan_type: str | None = None) -> None:
        """Give the account another name or plan."""
        self.account.name = name or self.account.name
        self.account.plan = replace(self.account.plan, plan_type=plan_type or self.account.plan.plan_type)

    def find(self, email: str) -> Person | None:
        """The subscriber with that address, in any case, or None."""
        self.account.settle(self._now())
        found = self.account.with_email(email)
        return None if found is None else self._person(found)

    def subscriber(self, email: str) -> Person:
        """The subscriber with that address, in any case.

        Raises:
            LookupError: there is none.
        """
        found = self.find(email)
        if found is None:
            raise LookupError(f"{self.name} has no subscriber {email}")
        return found

    def subscribers(self) -> dict[str, Person]:
        """All subscribers by their address in lower case."""
        self.account.settle(self._now())
        return {
            row.email_address.lower(): self._person(row) for row in self.account.subscribers.rows.values()
        }

    def tags(self) -> dict[str, int]:
        """The ids of all tags by name."""
        self.account.settle(self._now())
        return {tag.name: tag.id for tag in self.account.tags.rows.values()}

    def custom_fields(self) -> dict[str, int]:
        """The ids of all custom fields by key."""
        self.account.settle(self._now())
        return dict(self.account.custom_fields.by_key)

    def name_of(self, thing: int) -> str | None:
        """What people call that which has this id: an address, or a name; None where nothing has it now."""
        account = self.account
        if (person := account.subscribers.rows.get(thing)) is not None:
            return person.email_address
        named = (account.tags, account.custom_fields, account.forms, account.sequences)
        return next((table.rows[thing].name for table in named if thing in table.rows), None)

    def add_tag(self, name: str) -> int:
        """Create a tag where there is none of that name; its id."""
        return self.account.tags.create(name, self._now())[0].id

    def add_custom_field(self, label: str) -> int:
        """Create a custom field where there is none of that label; its id."""
        return self.account.custom_fields.create(label, self._now())[0].id

    def add_form(self, name: str, *, hosted: bool = False, archived: bool = False) -> int:
        """Create a form, or a landing page (`hosted`), as its creator might; its id."""
        return self.account.add_form(name, self._now(), hosted=hosted, archived=archived).id

    def add_sequence(self, name: str) -> int:
        """Create a sequence, as its creator might; its id."""
        return self.account.add_sequence(name, self._now()).id

    def add_subscriber(
        self,
        email: str,
        *,
        first_name: str | None = None,
        state: str = "active",
        tags: Iterable[str] = (),
        fields: Mapping[str, str] | None = None,
    ) -> int:
        """Create or update a subscriber with tags and fields, creating those that are missing; the id."""
        for key in fields or {}:
            if key not in self.account.custom_fields.by_key:
                self.add_custom_field(key)
        given: dict[str, object] = {"email_address": email, "state": state, "fields": dict(fields or {})}
        if first_name is not None:
            given["first_name"] = first_name
        row = self.account.upsert(subscriber_input(given), self._now()).subscriber
        for name in tags:
            row, _ = self.account.memberships.tag(self.add_tag(name), row, self._now())
        return row.id

    def delete_tag(self, name: str) -> None:
        """Delete a tag as its creator might in Kit's own pages.

        Raises:
            LookupError: there is none of that name.
        """
        tag = self.account.tags.named(name)
        if tag is None:
            raise LookupError(f"{self.name} has no tag {name}")
        self.account.memberships.delete_tag(tag.id, self._now())

    def delete_custom_field(self, key: str) -> None:
        """Delete a custom field as its creator might.

        Raises:
            LookupError: there is none with that key.
        """
        field_id = self.account.custom_fields.by_key.get(key)
        if field_id is None:
            raise LookupError(f"{self.name} has no custom field {key}")
        self.account.custom_fields.delete(field_id, self._now())

    def delete_subscriber(self, email: str) -> None:
        """Delete a subscriber as the creator might.

        Raises:
            LookupError: there is none with that address.
        """
        self.account.delete_subscriber(self.subscriber(email).id, self._now())

    def _person(self, row: Subscriber) -> Person:
        tags = self.account.tags.rows
        keys = {field_id: key for key, field_id in self.account.custom_fields.by_key.items()}
        return Person(
            id=row.id,
            email_address=row.email_address,
            first_name=row.first_name,
            state=row.state,
            tags=frozenset(tags[tag_id].name for tag_id in row.tags),
            fields={keys[field_id]: value for field_id, value in row.fields.items() if field_id in keys},
        )
