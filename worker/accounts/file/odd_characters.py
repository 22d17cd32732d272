"""Finds characters that look like others in an account file, and comments that were meant as text. Pure.

Word processors and web pages put them there. Quotes that are straight say that what stands in them is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from worker.accounts.file.source import FileFault
from worker.accounts.file.syntax_errors import Spot
from worker.mapping import MAX_NAME_LENGTH

_TOKENS: Final = re.compile(
    r"""(?P<quoted>(?<![^\s\[{,:])(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'))"""
    r"|(?P<entry>(?<=-\s)\#(?=[^\s#]))"
    r"|(?P<comment>(?<![^\s])\#[^\n]*)"
    "|(?P<opening>(?<![^\\s\\[{,])[\u201c\u201d\u201e\u201f\u2018\u201a\u00ab\u2039])"
    "|(?P<quote>[\u2018-\u201f])"
    "|(?P<colon>\uff1a(?=\\s))"
    "|(?P<blank>[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])"
    "|(?P<hidden>[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff])",
    re.DOTALL,
)
_CUT_OFF: Final = re.compile(r"\#(?=[^\s#!])")
_CLOSING: Final = re.compile("[^\\n]*?[\u201c\u201d\u201f\u2018\u2019\u00bb\u203a](?=[ ]*(?:[\\],:}\\n]|$))")
_SETTING: Final = re.compile(
    r"\s*(?:app|\w+_env|\w+_file|create_missing|max_created_tags|max_new_taggings_per_hour|subscriber_state|first_name)\s*:"
)
_ODD: Final = {
    "colon": ("a wide colon stands here ({}); type a colon (:)", ":"),
    "blank": ("this is no space, though it looks so ({}); type a space", " "),
    "hidden": ("an invisible character stands here ({}); delete it", ""),
}
_UNNAMED: Final = {"\t": "tab", "\n": "line break", "\r": "carriage return"}
_SINGLE: Final = "\u2018\u2019\u201a\u201b"
MOST_FOUND: Final = 100
"""So that a text full of them is read in time that grows with its length."""


class _Found(NamedTuple):
    at: int
    text: str
    instead: str


def plain_text(text: str) -> tuple[str, list[FileFault]]:
    """Return the text as it was probably meant, and a fault for each place where it is not so written."""
    found = list(islice(_odd(text), MOST_FOUND))
    mended = list(text)
    for each in found:
        mended[each.at] = each.instead
    return "".join(mended), [FileFault(_spot(text, each.at), (), each.text) for each in found if each.text]


def named(letter: str) -> str:
    """Return a character's name and number, for people who cannot see it."""
    name = _UNNAMED.get(letter) or unicodedata.name(letter, "no letter").lower()
    return f"{name}, U+{ord(letter):04X}"


def _spot(text: str, at: int) -> Spot:
    return Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _odd(text: str) -> Iterator[_Found]:
    closing: set[int] = set()
    for match in _TOKENS.finditer(text):
        at, letter, kind = match.start(), match[0][0], match.lastgroup
        if kind == "comment" and _CUT_OFF.match(match[0]) and _is_name_before(text, at):
            said = "what follows # is a comment; put all of the text in quotes, or write a space after #"
            yield _Found(at, said, "x")
        elif kind == "entry":
            yield _Found(at, "what follows # is a comment; put text that begins with # in quotes", "x")
        elif kind == "opening":
            said = f"{letter} ({named(letter)}) stands here, as word processors write quotes; type "
            yield _Found(at, f"{said}{_straight(letter)}", '"')
            if end := _CLOSING.search(text, at + 1, at + 1 + MAX_NAME_LENGTH):
                closing.add(end.end() - 1)
        elif at in closing:
            yield _Found(at, "", '"')
        elif kind == "quote":
            said = f"{letter} ({named(letter)}) stands here; type {_straight(letter)}"
            yield _Found(at, f"{said}, or put the whole name in straight quotes if Kit has it so", letter)
        elif kind in _ODD:
            said, instead = _ODD[kind]
            yield _Found(at, said.format(named(letter)), instead)


def _is_name_before(text: str, at: int) -> bool:
    """Tell whether a comment follows a name without quotes, which may go on after the #."""
    before = text[text.rfind("\n", 0, at) + 1 : at].rstrip()
    return bool(before) and before[-1] not in "]}\"',:[{-" and not _SETTING.match(before)


def _straight(letter: str) -> str:
    return "a straight apostrophe (')" if letter in _SINGLE else 'straight quotes (")'
