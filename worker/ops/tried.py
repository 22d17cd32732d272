"""What would become of an event, as it is told: how it would end, the calls, and the person now and then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.accounts.preview import CallView, Preview
from worker.errors import Reason
from worker.ledger.due import Timer
from worker.ops.compared import FieldState, TagState
from worker.ops.person import AskedKit
from worker.subscribers.item import Kind
from worker.subscribers.parts import tag_key

NOT_ASKED: Final = AskedKit(problem="it was not asked")


@dataclass(frozen=True, slots=True)
class OpenSubscription:
    """A subscription that is open.

    Attributes:
        id: The platform's; empty where its events give none.
        since: When the event was that opened it, ISO 8601.
        gives: The tags that it holds.
        waits: Whether it takes effect later.
    """

    id: str
    since: str
    gives: tuple[str, ...]
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of an event now.

    Attributes:
        preview: What the account's file makes of it.
        kind: How it would end; applied where it is news.
        detail: Why, for people; empty where that needs no reason.
        reason: Of its dead letter; None where it would be none.
        event_time: When it happened, ISO 8601; empty where that cannot be read.
        email: Under which its person would be known then; empty where nobody could be told.
        kit: What Kit says of that person now.
        tags: The person's tags as they would be then, beside what Kit has now.
        fields: Likewise, custom fields.
        calls: To Kit, that would be made.
        asks: The tags and fields that the event speaks of, by `tag_key` and name.
        told: Of all, those of which Kit would be told.
        moves: Whether the person would have another address.
        held: The tags that would be held until somebody allows them, as too many are new already.
        open: The person's open subscriptions then, which hold their tags whatever else is closed.
        due: What takes effect later by events that came before, what comes first in front.
    """

    preview: Preview
    kind: Kind
    detail: str = ""
    event_time: str = ""
    email: str = ""
    kit: AskedKit = NOT_ASKED
    tags: tuple[TagState, ...] = ()
    fields: tuple[FieldState, ...] = ()
    calls: tuple[CallView, ...] = ()
    asks: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()
    reason: Reason | None = None
    moves: bool = False
    held: tuple[str, ...] = ()
    open: tuple[OpenSubscription, ...] = ()
    due: tuple[Timer, ...] = ()

    @property
    def changes_something(self) -> bool:
        """Whether the person would be otherwise in Kit, now or later, as far as that is known."""
        if not self.calls or self.kind is Kind.SCHEDULED:
            return self.kind is Kind.SCHEDULED
        person = self.kit.person
        if self.moves or self.kit.problem or person is None:
            return True
        tags = (row.wanted != (row.in_kit is not None) for row in self.tags if tag_key(row.name) in self.told)
        fields = (row.wanted != row.in_kit for row in self.fields if row.name in self.told)
        ends = person.state == "active" and any(call.call.endswith("/unsubscribe") for call in self.calls)
        return ends or any(tags) or any(fields)
