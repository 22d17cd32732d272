"""Which names are written nearly the same: in another case, with other blanks, or but for one letter."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_BETWEEN: Final = re.compile(r"(?:[\s_-]|(?<!\d)\.|\.(?!\d))+")
_WORDS: Final = re.compile(r"[\s._-]+")
_LEAST: Final = 5
"""Letters of a word that may be another one misspelt."""
_LEAST_FOR_ANOTHER: Final = 7
"""Letters where one stands for another, as in Cancelled and Cancelted: baking and biking are two."""


class Near(NamedTuple):
    """A name, and an earlier one that is nearly the same."""

    name: str
    first: str


def plain(name: str) -> str:
    """Return what is equal for names that differ only in case, blanks, hyphens, underscores and dots."""
    return _BETWEEN.sub("", name).lower()


def alike(names: Iterable[str]) -> Iterator[Near]:
    """Yield each name that is an earlier one in another case, with other blanks, or misspelt.

    Args:
        names: In their order.
    """
    listed = list(dict.fromkeys(names))
    slips, spelled = dict(misspelt(listed)), dict[str, str]()
    for name in listed:
        first = spelled.setdefault(plain(name), name)
        if first != name or name in slips:
            yield Near(name, first if first != name else slips[name])


def misspelt(names: Iterable[str]) -> Iterator[Near]:
    """Yield each name that differs from an earlier one in a letter of one word, of letters alone.

    Args:
        names: In their order.
    """
    seen: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        keys = list(_keys(name.lower()))
        others = dict.fromkeys(other for key in keys for other in seen[key])
        if first := next((other for other in others if _is_near(name.lower(), other.lower())), ""):
            yield Near(name, first)
        for key in keys:
            seen[key].append(name)


def _keys(name: str) -> Iterator[tuple[str, ...]]:
    """Yield what two names have in common of which one word differs in a letter: all, without that letter."""
    words = _WORDS.split(name)
    for at, word in enumerate(words):
        if len(word) >= _LEAST and word.isalpha():
            for short in (word, *(word[:cut] + word[cut + 1 :] for cut in range(len(word)))):
                yield (*words[:at], f"{at} {short}", *words[at + 1 :])


def _is_near(name: str, other: str) -> bool:
    words, others = _WORDS.split(name), _WORDS.split(other)
    differing = [(one, two) for one, two in zip(words, others, strict=True) if one != two]
    return len(differing) == 1 and _is_slip(*differing[0])


def _is_slip(one: str, two: str) -> bool:
    """Tell whether a word is another one but for one letter, or for two that have changed places."""
    short, long = sorted((one, two), key=len)
    if long == f"{short}r":
        return False  # who does it, and what is done: Spender, Spende
    if len(short) < len(long):
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    differing = [at for at, (here, there) in enumerate(zip(one, two, strict=True)) if here != there]
    if len(differing) == 1:
        # First and last letters make words of their own: Angemeldet, Abgemeldet; Referrer, Referred.
        return len(one) >= _LEAST_FOR_ANOTHER and 1 < differing[0] < len(one) - 1
    swapped = len(differing) == 2 and differing[1] == differing[0] + 1
    return swapped and [one[at] for at in differing] == [two[at] for at in reversed(differing)]
