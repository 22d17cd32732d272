"""Stops a flood of new taggings, as a platform sends it that replays a year of sign-ups. Pure.

A new tag starts the creator's automations, and their mail cannot be called back. What asks for more than may
be within an hour is held, until a person allows it. What was held counts as well: while a flood lasts, none
of it goes out in portions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from worker.subscribers.known import NO_TAGGINGS, RecentTaggings

MINUTE: Final = 60
WITHIN: Final = 3600
"""Seconds for which a tagging counts; it is counted by the minute, and until that minute is over, too."""
FEW: Final = 100
"""So many in an hour are never too many."""
MOST: Final = 1000
"""So many are, unless the account's file says otherwise, however many people there are."""
SHARE: Final = 3
"""Of so many people who are known, one may get a tag."""
BLOCK: Final = 20
"""So many at least are counted in the ledger ahead of the calls, so that not each waits for a write, as far
as `SHARE_AHEAD` allows."""
SHARE_AHEAD: Final = 10
"""Of so many that there may be within an hour, one may be counted ahead."""
RECOUNT_AFTER: Final = 600.0
"""Seconds after which people are counted anew, where there seem to be too few."""


class TaggingEnd(Enum):
    """What Kit answered to a call that puts a tag on."""

    NONE = auto()
    """That the tag was there, or that it is not put on; or it was not called."""
    NEW = auto()
    """That it is there now, and may not have been before."""
    MAYBE = auto()
    """Nothing that can be trusted: the call may have landed, or may yet."""


@dataclass(slots=True, eq=False)
class NewTagging:
    """One tagging on its way.

    Attributes:
        who: The address of the person.
        tag: Its `tag_key`.
        minute: In which it is counted.
        again: Whether it is counted for an earlier call, of which nobody knows whether it landed.
        is_ahead: Whether the ledger counts it already.
        end: What came of it so far.
    """

    who: str
    tag: str
    minute: int
    again: bool = False
    is_ahead: bool = False
    end: TaggingEnd = TaggingEnd.NONE


def most_taggings(option: int | None, people: int) -> int:
    """Return how many new taggings an account may have within an hour.

    Args:
        option: What the account's file says; None where it leaves that to us.
        people: How many are known.
    """
    return max(FEW, min(MOST, people // SHARE)) if option is None else option


@dataclass(slots=True)
class _Ahead:
    """What the ledger counts beyond what was called.

    Attributes:
        minute: In which.
        count: How many.
        asked: How many more, once it is written.
    """

    minute: int = 0
    count: int = 0
    asked: int = 0


class TaggingGuard:
    """Counts an account's new taggings, before they are called.

    Attributes:
        holds: Whether anything may be held in the account.
        people: How many people are known.
        under_way: How many taggings are being called; some may turn out to be none.
    """

    def __init__(self) -> None:
        self.holds = False
        self.people = 0
        self.under_way = 0
        self._known = NO_TAGGINGS
        self._counted: Counter[int] = Counter()
        self._unsaved: Counter[int] = Counter()
        self._unsaved_ahead: Counter[int] = Counter()
        self._in_doubt: dict[tuple[str, str], int] = {}
        self._ahead = _Ahead()

    def learn(self, known: RecentTaggings) -> None:
        """Take in what the ledger says of the time before this tenure; it may be told again and again."""
        if known is self._known:
            return
        self._known = known
        self.people, self.holds = known.people, self.holds or known.holds
        self._counted = Counter(known.counted) + self._unsaved
        self._ahead = _Ahead()  # they count as called, from when the account was taken on
        self._unsaved_ahead.clear()

    def room(self, now: float, most: int) -> int:
        """Return how many more there may be at a moment, in seconds since 1970; at least 0."""
        over = [minute for minute in self._counted if minute + MINUTE + WITHIN <= now]
        for minute in over:
            del self._counted[minute]
        if over:
            self._in_doubt = {key: minute for key, minute in self._in_doubt.items() if minute not in over}
        return max(0, most - self._counted.total())

    def is_counted(self, who: str, tag: str) -> bool:
        """Tell whether a tagging is counted for an earlier call, of which nobody knows whether it landed."""
        return (who, tag) in self._in_doubt

    # -- what is called -------------------------------------------------------------------------------

    def take(self, who: str, tag: str, now: float) -> NewTagging:
        """Count a tagging that is about to be called; `ended` must follow."""
        before = self._in_doubt.pop((who, tag), None)
        if before is not None:
            self._add(before, -1)  # it counts from its last call on
        minute = _minute(now)
        self._let_go_before(minute)
        tagging = NewTagging(who, tag, minute, again=before is not None, is_ahead=self._ahead.count > 0)
        if tagging.is_ahead:
            self._counted[minute] += 1
            self._ahead.count -= 1
            self._unsaved_ahead[minute] -= 1
        else:
            self._add(minute, 1)
        self.under_way += 1
        return tagging

    def ended(self, tagging: NewTagging) -> None:
        """Note what came of a tagging."""
        self.under_way -= 1
        if tagging.end is TaggingEnd.MAYBE:
            self._in_doubt[tagging.who, tagging.tag] = tagging.minute
        elif tagging.end is TaggingEnd.NONE and not tagging.again:
            self._give_back(tagging)

    def hold(self, now: float) -> None:
        """Count a tagging that is held."""
        self.holds = True
        self._add(_minute(now), 1)

    def _add(self, minute: int, count: int) -> None:
        self._counted[minute] += count
        self._unsaved[minute] += count

    # -- ahead of the calls ---------------------------------------------------------------------------

    def reserve(self, now: float, most: int) -> int:
        """Have the ledger count some more with its next write, of which `reserved` tells that it was made.

        Whoever is killed may have called them: then there are so many fewer within that hour. In a flood it
        is as many again as were called within the minute, so that it waits for few writes.

        Args:
            now: In seconds since 1970.
            most: How many there may be within an hour.

        Returns:
            How many.
        """
        minute = _minute(now)
        self._let_go_before(minute)
        if self._ahead.count or self._ahead.asked:
            return 0
        self._ahead.asked = count = min(max(BLOCK, self._counted[minute]), most // SHARE_AHEAD)
        self._unsaved[minute] += count
        self._unsaved_ahead[minute] += count
        return count

    def reserved(self) -> None:
        """Note that the ledger counts what was reserved."""
        self._ahead.count, self._ahead.asked = self._ahead.count + self._ahead.asked, 0

    def let_go(self) -> None:
        """Have the ledger count no more than was called."""
        self._let_go_before(self._ahead.minute + MINUTE)

    def _let_go_before(self, minute: int) -> None:
        """Begin another minute: what is left of the one before is given back."""
        if minute != self._ahead.minute:
            self._unsaved[self._ahead.minute] -= self._ahead.count + self._ahead.asked
            self._unsaved_ahead[self._ahead.minute] -= self._ahead.count + self._ahead.asked
            self._ahead = _Ahead(minute)

    def _give_back(self, tagging: NewTagging) -> None:
        self._counted[tagging.minute] -= 1
        if tagging.minute == self._ahead.minute:
            self._ahead.count += 1
            self._unsaved_ahead[tagging.minute] += 1
        else:
            self._unsaved[tagging.minute] -= 1

    # -- for the ledger -------------------------------------------------------------------------------

    @property
    def has_unsaved(self) -> bool:
        """Whether anything was counted that the ledger does not know of yet."""
        return any(self._unsaved.values()) or any(self._unsaved_ahead.values())

    def take_unsaved(self) -> Mapping[int, int]:
        """Return what was counted since this was last asked, by the minute."""
        unsaved, self._unsaved = self._unsaved, Counter()
        return _but_zero(unsaved)

    def take_unsaved_ahead(self) -> Mapping[int, int]:
        """Return likewise how many more of these are counted, and not called yet."""
        unsaved, self._unsaved_ahead = self._unsaved_ahead, Counter()
        return _but_zero(unsaved)


def _but_zero(counted: Mapping[int, int]) -> Mapping[int, int]:
    return {minute: count for minute, count in counted.items() if count}


def _minute(now: float) -> int:
    return int(now) // MINUTE * MINUTE
