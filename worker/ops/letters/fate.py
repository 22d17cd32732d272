"""What would become of one dead letter that is replayed. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from worker.errors import Reason
from worker.subscribers.item import Item, Kind, Outcome

KITS: Final = frozenset(
    reason.value
    for reason in (
        Reason.KIT_REJECTED, Reason.KIT_UNAVAILABLE, Reason.KIT_PLAN_FULL, Reason.UNKNOWN_TAG,
        Reason.PARTLY_APPLIED,
    )
)  # fmt: skip
"""Reasons that Kit gave, so that it depends on Kit whether the same comes again."""
REFUSED_BEFORE: Final = "if Kit takes it now: it refused it before, and was not asked"
NOBODY_MADE: Final = "if Kit has somebody of this address: the event creates nobody, and Kit was not asked"
_ALONE: Final = {
    Kind.SUPERSEDED: "all of it is done already, or newer events say otherwise",
    Kind.DUPLICATE: "a copy of the same event was applied",
    Kind.FORGOTTEN: "its person was forgotten since",
    Kind.IGNORED: "the account's file does not map its type",
}
"""Why nothing is done."""
_AFTER_OTHERS: Final = {
    **_ALONE,
    Kind.SUPERSEDED: "events of this person that are put back before it, or newer ones, say otherwise",
    Kind.DUPLICATE: "a copy of the same event is put back before it, or was applied",
}
"""Likewise, where letters of the same person come before it."""


_WORDS: Final = {
    Kind.APPLIED: "applied",
    Kind.SCHEDULED: "waits until its time",
    Kind.SUPERSEDED: "nothing new",
    Kind.DUPLICATE: "a duplicate",
    Kind.FORGOTTEN: "of somebody forgotten",
    Kind.IGNORED: "ignored",
    Kind.DEAD_LETTERED: "dead again",
}


class Fate(NamedTuple):
    """What would become of a letter.

    Attributes:
        kind: How its event would end.
        why: Why, or when, in a sentence without its full stop; empty where there is nothing to say.
        reason: For which it would be dead again; empty where it would not.
        by_kit: Whether Kit had refused it, so that only Kit can say if it would be applied.
    """

    kind: Kind
    why: str = ""
    reason: str = ""
    by_kit: bool = False

    @property
    def told(self) -> str:
        """It in a few words, without why."""
        if self.reason:
            return f"{_WORDS[self.kind]} ({self.reason})"
        return f"{_WORDS[self.kind]}{', if Kit takes it now' if self.by_kit else ''}"


def fate_of(was: str, end: Item | Outcome, *, after_others: bool = False) -> Fate:
    """Return what would become of a letter.

    Args:
        was: The reason for which it is dead.
        end: Its event as it is taken in, or how that ends at once.
        after_others: Whether letters of the same person that change something are put back before it.
    """
    error = end.refusal if isinstance(end, Item) else end.error
    if error is not None:
        return Fate(Kind.DEAD_LETTERED, str(error), error.reason.value)
    if isinstance(end, Outcome):
        return Fate(end.kind, end.note or (_AFTER_OTHERS if after_others else _ALONE)[end.kind])
    return _of_news(end, by_kit=was in KITS)


def _of_news(item: Item, *, by_kit: bool) -> Fate:
    later = item.later.told if item.later is not None else ""
    if item.waits:
        return Fate(Kind.SCHEDULED, later)
    known = item.subscriber is not None and item.subscriber.record.kit_id is not None
    nobody = not known and item.change.creates is None
    said = NOBODY_MADE if nobody else REFUSED_BEFORE if by_kit else ""
    return Fate(Kind.APPLIED, "; ".join(filter(None, (said, later))), by_kit=by_kit)
