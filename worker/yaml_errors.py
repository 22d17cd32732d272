"""What PyYAML says about a text that it cannot read, in the words of people who write such files."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import yaml
from yaml.reader import ReaderError


class Spot(NamedTuple):
    """A place in a text; lines and columns count from 1, as editors do."""

    line: int
    column: int

    @classmethod
    def of(cls, mark: Any) -> Spot:  # noqa: ANN401 - PyYAML's stubs have several types of marks
        """Return the place of a PyYAML mark."""
        return cls(mark.line + 1, mark.column + 1)


class TooMuch(Exception):
    """The text is larger or deeper than an account file can be."""

    def __init__(self, spot: Spot, said: str) -> None:
        super().__init__(said)
        self.spot = spot


_PLACEHOLDER: Final = re.compile(r"(?:[-,:\[]\s+|\[)\{(?:mk_|data\.)")
_NOT_LINED_UP: Final = (
    "this line does not line up with those above it; compare how many blanks it begins with, "
    "and put text with : # [ ] { } or quotes inside into quotes"
)
_SENTENCES: Final = (
    ("'\\t'", "a tab; YAML wants blanks, so replace it with blanks, as many as the lines around it begin with"),
    (
        "mapping values are not allowed",
        "a colon is not expected here; either the line begins with the wrong number of blanks, "
        "or it is text with a colon in it, which needs quotes",
    ),
    ("could not find expected ':'", "a colon and a blank are missing after this name (name: value)"),
    ("expected <block end>", _NOT_LINED_UP),
    ("'<stream end>'", "the file ends before the bracket is closed that opens above, with [ or {"),
    ("expected the node content", "something is missing or too much here; look at the commas and brackets"),
    ("unknown escape", 'a \\ has a special meaning between double quotes; use single quotes around such text'),
    ("escape sequence", 'a \\ has a special meaning between double quotes; use single quotes around such text'),
    ("unexpected document separator", "quotes that were opened before this line are never closed"),
    ("alias", "text that begins with * must be in quotes"),
    ("anchor", "text that begins with & must be in quotes"),
    ("directive", "text that begins with % must be in quotes"),
    ("tag", "text that begins with ! must be in quotes"),
    ("block scalar", "text that begins with | or > must be in quotes"),
)


def explain(error: Exception, text: str) -> tuple[Spot, tuple[()], str]:
    """Return where reading failed, no path, and a sentence about it that repeats nothing of the text."""
    if isinstance(error, TooMuch):
        return error.spot, (), str(error)
    if isinstance(error, ReaderError):
        return _unprintable(error, text)
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        spot, said = _marked(error, text)
        return spot, (), said
    return Spot(1, 1), (), "holds an escape (\\U…) that is no character; look for backslashes between double quotes"


def _unprintable(error: ReaderError, text: str) -> tuple[Spot, tuple[()], str]:
    before = text[: error.position]
    spot = Spot(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return spot, (), "an invisible character that YAML does not allow; delete it and type the text afresh"


def _marked(error: yaml.MarkedYAMLError, text: str) -> tuple[Spot, str]:
    spot, problem, context = Spot.of(error.problem_mark), error.problem or "", error.context or ""
    began = Spot.of(error.context_mark) if error.context_mark else spot
    if "quoted scalar" in context and "end of stream" in problem:
        return began, "the quotes that open here are never closed"
    if _PLACEHOLDER.search(_line(text, spot)) or _PLACEHOLDER.search(_line(text, began)):
        return spot, 'a tag with braces must be in quotes, such as "{mk_access_level} access"'
    if "flow sequence" in context:
        return spot, f"a comma or a closing ] is missing here, of the list that opens in line {began.line}"
    if "flow mapping" in context:
        return spot, f"a comma or a closing }} is missing here, of the braces that open in line {began.line}"
    if match := re.search(r"found character '(.)' that cannot start", problem):
        if match[1] != "\t":
            return spot, f"text that begins with {match[1]} must be in quotes"
    for sign, sentence in _SENTENCES:
        if sign in problem or sign in context:
            return (began if "could not find" in sign else spot), sentence
    return spot, "this is not valid YAML; compare the line with the example in the guide"


def _line(text: str, spot: Spot) -> str:
    lines = text.splitlines()
    return lines[spot.line - 1] if spot.line <= len(lines) else ""
