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
            f"{gone:,} {_were(gone)} no longer there: somebody else took {_them(gone)}, or that was done "
            "just before the page was stopped."
        )
    left = total - done
    if left:
        said.append(
            f"{left:,} {_are(left)} where {_they(left)} {_were(left)}: another tool holds {_them(left)}."
        )
    mood = "bad" if left else "busy" if gone else "good"
    return mood, " ".join(said), "Do it again in a minute." if left else ""


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
