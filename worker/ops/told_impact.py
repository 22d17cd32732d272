"""What people are told of whom another file would treat otherwise, on the page and by the command."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from worker.accounts.account import Account
from worker.kit.credentials import API_KEY_LIMIT
from worker.ops.file_impact import Example, FileImpact
from worker.outside.texts import line

MOST_TOLD: Final = 50
"""Tags and fields that are told one by one."""
LONGEST: Final = 200
"""Characters of a name that are told: events give names, too."""

PARTLY: Final = (
    "Of {:,} people not all is known: they have something by an event that the ledger does not keep, because "
    "it came before events were kept, a newer one of its kind has taken its place, it was too large, it came "
    "for an app that the file does not name, or it mentioned somebody who was forgotten. That stays as it is."
)
NONE_KEPT: Final = (
    "The ledger keeps no event of anybody in this account yet, so of those who are there nothing can be "
    "told: it keeps events as they come."
)
ONLY_OF_THEM: Final = (
    "This is of those who are there already: a saved file alone changes nothing for them before their next "
    "event, or until somebody says kit-worker apply."
)


class ToldTag(NamedTuple):
    """Of how many people a tag would be gained, for how many of these it is new in Kit, and lost."""

    tag: str
    gained: int
    new: int
    lost: int


class ToldField(NamedTuple):
    """Of how many people a field would have another value, or none."""

    field: str
    people: int


@dataclass(frozen=True, slots=True)
class ToldImpact:
    """What people are told.

    Attributes:
        is_somebody: Whether anybody would be treated otherwise.
        sentence: How many.
        new: How many taggings would be new in Kit.
        due: What would take effect later, and what would not any more; empty where that is nothing.
        costs: What it would take to bring it about.
        tags: Those that most people would gain or lose.
        fields: Those that would have another value for most people.
        more: How many tags and fields are not told.
        examples: Some of the people.
        unknown: What is not known, and what a saved file alone does.
    """

    is_somebody: bool
    sentence: str
    new: str
    due: str
    costs: str
    tags: tuple[ToldTag, ...]
    fields: tuple[ToldField, ...]
    more: str
    examples: tuple[Example, ...]
    unknown: tuple[str, ...]


def limit_of(account: Account, setting: int) -> int:
    """Return how many calls to Kit an account may make in a minute.

    Args:
        account: It.
        setting: `KIT_RATE_LIMIT`; 0 where the credential decides.
    """
    return setting or (account.credential.limit if account.credential else API_KEY_LIMIT)


def minutes_of(found: FileImpact, limit: int) -> float:
    """Return how many minutes it takes to bring it about, at Kit's limit of calls a minute."""
    return round(found.calls / limit, 1)


def told(found: FileImpact, limit: int) -> ToldImpact:
    """Return what people are told of it, of which each text has its bound.

    Args:
        found: Whom the other file would treat otherwise.
        limit: Calls to Kit in a minute.
    """
    new = sum(found.new_taggings.values())
    tags, fields = _most(found.gained + found.lost), _most(found.fields)
    more = [max(0, len(names) - MOST_TOLD) for names in (tags, fields)]
    return ToldImpact(
        is_somebody=bool(found.otherwise),
        sentence=_sentence(found),
        new=f"New taggings, each of which may start an automation and send mail: {new:,}.",
        due=_due(found),
        costs=(
            f"To bring it about: {found.calls:,} calls to Kit, {_minutes(found, limit)} at its limit of "
            f"{limit} a minute (with OAuth fewer calls)."
        ),
        tags=tuple(
            ToldTag(_short(tag), found.gained[tag], found.new_taggings[tag], found.lost[tag])
            for tag in tags[:MOST_TOLD]
        ),
        fields=tuple(ToldField(_short(name), found.fields[name]) for name in fields[:MOST_TOLD]),
        more=f"Not told one by one: {more[0]:,} more tags, {more[1]:,} more fields." if any(more) else "",
        examples=tuple(map(shortened, found.examples)),
        unknown=tuple(_unknown(found)),
    )


def _minutes(found: FileImpact, limit: int) -> str:
    minutes = minutes_of(found, limit)
    return f"{minutes:,} minutes" if minutes else "a few seconds"


def _most(counts: Counter[str]) -> list[str]:
    """Return names, those of most people first."""
    return sorted(counts, key=lambda name: (-counts[name], name))


def shortened(example: Example) -> Example:
    """Return an example whose texts have their bounds."""
    names = (tuple(map(_short, each)) for each in (example.gained, example.lost, example.fields))
    return Example(example.email, *names)


def _short(name: str) -> str:
    return line(name, LONGEST, addresses=False)


def _sentence(found: FileImpact) -> str:
    if not found.otherwise:
        return f"Nobody would be treated otherwise, of {found.people:,} people."
    return f"{found.otherwise:,} of {found.people:,} people would be treated otherwise."


def _due(found: FileImpact) -> str:
    said = [f"Set for later: {found.due:,} effects, each at its time (at, until)."] if found.due else []
    if found.due_no_more:
        said.append(f"Set for later by now, and then no more: {found.due_no_more:,} effects.")
    return " ".join(said)


def _unknown(found: FileImpact) -> list[str]:
    said = []
    if found.partly_known:
        said.append(PARTLY.format(found.partly_known))
    if found.without_events and found.without_events == found.people:
        said.append(NONE_KEPT)
    elif found.without_events:
        said.append(f"Of {found.without_events:,} people no event is kept; they stay as they are.")
    return [*said, ONLY_OF_THEM]
