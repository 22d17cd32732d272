"""How a run over dead letters ended, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "replay": "back in the queue of events, in their order",
        "discard": "deleted for good",
        "archive": "in the archive",
        "restore": "among the dead letters again",
    }
)
"""What is so of the letters then, by action."""


_BECAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "applied": "applied",
        "superseded": "superseded by newer events",
        "duplicate": "applied before already",
        "scheduled": "scheduled for later",
        "ignored": "ignored",
    }
)
"""What became of replayed events, by kind of end; see `subscribers.item.Kind`."""


def ended(action: str, total: int, done: int, gone: int) -> tuple[str, str, str]:
    """Return how a run ended: its mood, a sentence, and what to do; empty where that is nothing.

    Args:
        action: What was done.
        total: How many letters it was about.
        done: How many of them it is done with.
        gone: How many of these were no longer in their queue.
    """
    said = [f"{counted(done - gone)} {_are(done - gone)} {DONE[action]}."]
    if gone:
        said.append(
            f"{gone:,} {_were(gone)} no longer there: somebody else took {_them(gone)}, the person was "
            "forgotten, or that was done just before the page was stopped."
        )
    left = max(0, total - done)
    if left:
        said.append(
            f"{left:,} {_are(left)} where {_they(left)} {_were(left)}: another tool holds {_them(left)}."
        )
    mood = "bad" if left else "busy" if gone else "good"
    return mood, " ".join(said), "Do it again in a minute." if left else ""


def became(back: int, ends: Mapping[str, int]) -> tuple[str, str]:
    """Return what became of replayed events so far: its mood, and a sentence; empty where there are none.

    Args:
        back: How many were put back into the queue of events.
        ends: How many of them have ended, by kind of end.
    """
    if not back:
        return "", ""
    left, dead = max(0, back - sum(ends.values())), ends.get("dead_lettered", 0)
    mood = "bad" if dead else "busy" if left else "good"
    # Whose person was forgotten since is told as ignored.
    told = {**ends, "ignored": ends.get("ignored", 0) + ends.get("forgotten", 0)}
    said = [f"{told[kind]:,} {words}" for kind, words in _BECAME.items() if told.get(kind)]
    if dead:
        said.append(f"{dead:,} {'is a dead letter' if dead == 1 else 'are dead letters'} again")
    wait = f"stands here once a worker is done with {_them(left)}."
    if not said:
        events = "event" if back == 1 else f"{back:,} events"
        return mood, f"What becomes of the {events} {wait}"
    rest = f"; of {left:,} more it {wait}" if left else "."
    return mood, f"What became of {_them(back)}: {', '.join(said)}{rest}"


def became_of_one(outcome: str, detail: str) -> tuple[str, str]:
    """Return what became of the only event, and why, as `became` does, from its line in the history."""
    why = f" ({detail})" if detail else ""
    if outcome == "dead_lettered":
        return "bad", f"What became of it: it is a dead letter again{why}."
    return "good", f"What became of it: {_BECAME.get(outcome, outcome)}{why}."


def counted(count: int) -> str:
    """Return how many dead letters."""
    return f"{count:,} dead letter{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def _they(count: int) -> str:
    return "it" if count == 1 else "they"
