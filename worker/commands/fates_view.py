"""Prints what a replay of dead letters would do to each, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from worker.commands.output import say, show, show_json, table, warn
from worker.dead_letters.letter import DeadLetter
from worker.ops.letters.fate import Fate
from worker.ops.letters.forecast import Forecast

_Told: TypeAlias = tuple[DeadLetter, Fate]
_Groups: TypeAlias = dict[tuple[str, str], list[_Told]]


def show_fates(fates: Sequence[_Told], limit: int, remarks: Iterable[str], *, as_json: bool) -> None:
    """Print what would become of letters: how many of each fate, some of each, a summary, what to do first.

    Args:
        fates: In the order of their replay.
        limit: How many of each fate are named; 0 for all.
        remarks: What else there is to know.
        as_json: Print an object for each letter instead.
    """
    if as_json:
        show_json([_plain(*each) for each in fates])
        for remark in remarks:
            warn(remark)
        return
    groups: _Groups = {}
    for letter, fate in fates:
        groups.setdefault((letter.account, fate.told), []).append((letter, fate))
    if groups:
        rows = [(*key, f"{len(each):,}", each[0][1].why) for key, each in sorted(groups.items())]
        show(table(("Account", "Would be", "Count", "Why, of the first"), rows))
        _show_one_by_one(groups, limit)
    _summarize(fates)
    say(*remarks)


def _show_one_by_one(groups: _Groups, limit: int) -> None:
    named = [one for _, each in sorted(groups.items()) for one in (each[:limit] if limit else each)]
    rows = [
        (letter.id, f"{letter.event_type} {letter.event_id}".strip(), fate.told, fate.why)
        for letter, fate in named
    ]
    show(table(("Id", "Event", "Would be", "Why"), rows, whole=2))
    count = sum(map(len, groups.values()))
    if len(named) < count:
        say(f"These are {len(named):,} of {count:,}, the oldest of each: --limit 0 shows all of them.")


def _summarize(fates: Sequence[_Told]) -> None:
    by_account = dict[str, Forecast]()
    for letter, fate in fates:
        by_account[letter.account] = by_account.get(letter.account, Forecast()).with_one_more(fate)
    for account, forecast in by_account.items():
        say(f"{account}: {forecast.told} {forecast.remedy}".rstrip())
    say("Nothing was put back." if fates else "No dead letter would be replayed.")


def _plain(letter: DeadLetter, fate: Fate) -> dict[str, Any]:
    return {
        "id": letter.id,
        "account": letter.account,
        "event_type": letter.event_type,
        "event_id": letter.event_id,
        "event_time": letter.event_time,
        "failed_at": letter.failed_at,
        "reason": letter.reason,
        "fate": fate.kind.value,
        "why": fate.why,
        "next_reason": fate.reason,
        "by_kit": fate.by_kit,
    }
