"""Explains why PyYAML cannot read a text, in the words of people who write such files."""

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


START: Final = Spot(1, 1)


class TooMuchError(Exception):
    """The text is larger or deeper than an account file can be."""

    def __init__(self, spot: Spot, said: str) -> None:
        super().__init__(said)
        self.spot = spot


_BARE_PLACEHOLDER: Final = re.compile(r"(?:[-,:\[]\s+|\[)\{\s*(?:mk_|data\.)[\w.]*\s*\}")
_IN_LINE: Final = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"\$\{", "write the variable's name alone, without $ and braces"),
        (r"^```", "this line is no YAML; delete it, and the one like it below"),
        (r"[\]}]\s*,\s*$", "a comma stands after the closing bracket; delete it"),
        (r'"[^"]*"[ ]+[^\s,:\]}#]', "text stands after the closing quotes; put all of it in quotes"),
        (r"'[^'\"]*\w'\w[^'\"]*'", "a ' stands inside of single quotes; put the text in double quotes"),
    )
)
"""What shows in the line where reading failed, before what PyYAML says about it."""
_NAME_ALONE: Final = re.compile(r"\s*[\w.-]*\w\s*")
_ESCAPE: Final = r"a \ has a special meaning between double quotes; put such text in single quotes"
_SENTENCES: Final = tuple(
    (re.compile(pattern), sentence)
    for pattern, sentence in (
        (r"'\\t'", "a tab; YAML wants spaces here, as many as the lines around it begin with"),
        (
            r"mapping values are not allowed",
            (
                "a colon is not expected here; either the line begins with the wrong number of spaces, "
                "or it is text with a colon in it, which must be in quotes"
            ),
        ),
        (r"could not find expected ':'", "a colon and a space are missing after this name (name: value)"),
        (
            r"expected <block end>",
            (
                "this line does not line up with those above it; compare how many spaces it begins with, "
                "and put text with any of : # [ ] { } in quotes"
            ),
        ),
        (r"'<stream end>'", "the file ends before a bracket is closed that opens above with [ or {"),
        (r"flow sequence", "a comma or the closing ] is missing here, of the list that opens in line {line}"),
        (
            r"flow mapping",
            "a comma or the closing } is missing here, of the braces that open in line {line}",
        ),
        (r"expected the node content", "something is missing or too much here; look at commas and brackets"),
        (r"escape", _ESCAPE),
        (r"document separator", "quotes are opened above this line and never closed"),
        (r"alias", "text that begins with * must be in quotes"),
        (r"anchor", "text that begins with & must be in quotes"),
        (r"directive|'%'", "a line that begins with % is not supported, and such text must be in quotes"),
        (r"tag", "text that begins with ! must be in quotes"),
        (r"block scalar", "text that begins with | or > must be in quotes"),
        (r"cannot start any token", "text that begins with @, ` or > must be in quotes"),
    )
)


def explain(error: Exception, text: str) -> tuple[Spot, str]:
    """Return where reading failed, and a sentence about it that repeats nothing of the text."""
    if isinstance(error, TooMuchError):
        return error.spot, str(error)
    if isinstance(error, ReaderError):
        before = text[: error.position]
        spot = Spot(before.count("\n") + 1, len(before) - before.rfind("\n"))
        return spot, "an invisible character that YAML does not allow; delete it and type the text afresh"
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return _marked(error, text)
    return START, _ESCAPE  # what is left is an escape such as \U99999999, which is no character


def _marked(error: yaml.MarkedYAMLError, text: str) -> tuple[Spot, str]:
    spot = Spot.of(error.problem_mark)
    began = Spot.of(error.context_mark) if error.context_mark else spot
    said = f"{error.context}; {error.problem}"
    if "quoted scalar" in said and "end of stream" in said:
        return began, "the quotes that open here are never closed"
    if any(_BARE_PLACEHOLDER.search(_line(text, place)) for place in (spot, began)):
        return spot, 'a tag with braces must be in quotes, such as "{mk_access_level} access"'
    if "mapping values" in said and (before := _name_before(text, spot)):
        return before, "a colon is missing at the end of this line (name:)"
    for sign, sentence in _IN_LINE:
        if sign.search(_line(text, spot)):
            return spot, sentence
    for sign, sentence in _SENTENCES:
        if sign.search(said):
            place = began if "simple key" in said else spot
            return place, sentence.replace("{line}", str(began.line))
    return spot, "this is not valid YAML; compare the line with the example in the admin's guide"


def _name_before(text: str, spot: Spot) -> Spot | None:
    """Return the end of the line above, where that holds a name alone, and what is below it is indented."""
    if spot.line < 2:
        return None
    above, here = _line(text, Spot(spot.line - 1, 1)), _line(text, spot)
    is_below = len(here) - len(here.lstrip()) > len(above) - len(above.lstrip())
    is_name = bool(_NAME_ALONE.fullmatch(above)) and is_below
    return Spot(spot.line - 1, len(above.rstrip()) + 1) if is_name else None


def _line(text: str, spot: Spot) -> str:
    lines = text.splitlines()
    return lines[spot.line - 1] if spot.line <= len(lines) else ""
