"""Which calls a change needs, in order. Pure: `preview` prints a plan, the writer carries it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.mapping import Options
from worker.subscribers.change import Change, Part, TagWish

MAX_FIELDS = 10
"""Kit sets more custom fields than this later, and answers 202 (Kit API reference, `POST /v4/subscribers`).
The tags would then come first, and the emails that they start would see the old values."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """One `POST /v4/subscribers`; with neither fields nor first name it only makes sure of the subscriber."""

    fields: Mapping[str, Part[str | None]]
    first_name: Part[str] | None = None

    def body(self, email: str, options: Options, keys: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON to send, given each field's key in Kit."""
        body: dict[str, Any] = {"email_address": email, "state": options.subscriber_state}
        if self.first_name is not None:
            body["first_name"] = self.first_name.value
        if self.fields:
            body["fields"] = {keys[name]: part.value for name, part in self.fields.items()}
        return body


@dataclass(frozen=True, slots=True)
class Plan:
    """The calls for one subscriber, in order.

    Removals come before additions and both after the fields, since a new tag starts the creator's
    automations, whose emails should see the finished state.

    Attributes:
        upserts: One call each; empty where the subscriber is known and only tags change.
        name_if_created: The first name, where it is to be set only on a person whom Kit did not have.
        removals: Tags to take off; none are needed for a subscriber whom the first upsert creates.
        additions: Tags to add.
    """

    upserts: tuple[Upsert, ...]
    name_if_created: Part[str] | None
    removals: Mapping[str, Part[TagWish]]
    additions: Mapping[str, Part[TagWish]]


def plan(change: Change, options: Options, *, known: bool) -> Plan:
    """Return the calls that a change needs.

    Args:
        change: What is left to do.
        options: The account's.
        known: True where the subscriber's id in Kit is known, so that it need not be asked for.
    """
    only_if_created = options.first_name == "if_created"
    first_name = None if only_if_created else change.first_name
    fields = list(change.fields.items())
    chunks = [dict(fields[at : at + MAX_FIELDS]) for at in range(0, len(fields), MAX_FIELDS)]
    if not chunks and (not known or first_name is not None):
        chunks = [{}]
    return Plan(
        upserts=tuple(Upsert(chunk, None if at else first_name) for at, chunk in enumerate(chunks)),
        name_if_created=change.first_name if only_if_created else None,
        removals={key: part for key, part in change.tags.items() if not part.value.present},
        additions={key: part for key, part in change.tags.items() if part.value.present},
    )
