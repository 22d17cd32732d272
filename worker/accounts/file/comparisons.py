"""Checks what the lines of `when` and `unless` compare to, and what custom fields are set to.

Each check raises a `ValueError` whose text is a sentence for the admin.
"""

from __future__ import annotations

import json
import re
from typing import Final

from worker.accounts.file.source import Unclear
from worker.accounts.file.values import shown, suggestion
from worker.events.values import Number, number_in, number_text
from worker.mapping import Operator

OPERATORS: Final = tuple(operator.value for operator in Operator)
_SIGNS: Final = {
    ">": "above", ">=": "at_least", "=>": "at_least", "<": "below", "<=": "at_most", "=<": "at_most",
}  # fmt: skip
_SIGN: Final = re.compile(r"\s*([<>]=?|=[<>])\s*(-?[0-9][0-9.,]*)\s*")
_NEGATED: Final = re.compile(r"\s*(?:!=|<>|!)\s*(\S.*)")
_EQUAL: Final = re.compile(r"\s*={1,2}\s*(\S.*)")


def check_when(value: object) -> str:
    """Return a value of `when` as the text that an event's value is compared with."""
    text = check_compared(value)
    if hint := _meant(text):
        raise ValueError(f'"{shown(text)}" would be compared to the letter; {hint}')
    return text


def check_compared(value: object) -> str:
    """Return a value that is compared to the letter, or as the number that it is."""
    if isinstance(value, Unclear):
        meant = f", or {value.taken_for} without" if value.value is not None else ""
        written = shown(value.written)
        said = f'YAML reads {written} as {value.taken_for}; write "{written}" in quotes{meant}'
        raise ValueError(said)  # noqa: TRY004 - pydantic collects ValueErrors only
    if value is None:
        raise ValueError("a value is missing here; to ask whether there is one, write {present: false}")
    if isinstance(value, list | dict):
        raise ValueError("must be one or several values, not a mapping")  # noqa: TRY004 - as above
    return _compared_text(value) if isinstance(value, str) else _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Number(number_text(value))
    return json.dumps(value)


def _compared_text(text: str) -> str:
    if not text.strip():
        raise ValueError("an empty text never matches, since an empty value counts as missing")
    if text != text.strip():
        raise ValueError(f'never matches because of the spaces around it; write "{shown(text.strip())}"')
    return text


def _meant(text: str) -> str:
    """Return how to write what looks like an operator in a plain value; empty where nothing does."""
    if match := _SIGN.fullmatch(text):
        return f"write {{{_SIGNS[match[1]]}: {match[2]}}}"
    if match := _NEGATED.fullmatch(text):
        return f"write {{not: {shown(match[1])}}}"
    if match := _EQUAL.fullmatch(text):
        return f"write {shown(match[1])} alone"
    if text.strip("*") == "" and text:
        return "write {present: true} for any value"
    if text.startswith("*") or text.endswith("*"):
        return f'write {{like: "{shown(text)}"}}'
    return ""


def check_pattern(value: object) -> str:
    """Return a text in which * stands for anything."""
    text = check_compared(value)
    if "*" not in text:
        word = shown(text)
        raise ValueError(
            f'"{word}" has no *, which stands for anything: write "{word}*", "*{word}" or "*{word}*", or the '
            "value without like"
        )
    return text


def check_number(value: object) -> str:
    """Return the number that an event's value is compared with."""
    written = value.written if isinstance(value, Unclear) else value
    if isinstance(value, str) and number_in(value) is not None:
        raise ValueError(f"must be a number, without quotes: {value}")
    if isinstance(value, Unclear) and number_in(value.written) is not None:
        return Number(number_text(float(value.written)))  # 40.50, which only as text is not 40.5
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = f", not {shown(written)}" if isinstance(written, str | bool) else ""
        raise ValueError(f"must be a number such as 40 or 49.5{found}")  # noqa: TRY004 - as above
    return Number(number_text(value))


def check_operators(value: object) -> object:
    """Refuse a mapping that names no operator at all, which was probably not meant as one."""
    if isinstance(value, dict) and not any(_is_operator(key) for key in value):
        raise ValueError(
            f"must be one or several values, or compare, as in {{above: 40}}; what may stand in the braces: "
            f"{', '.join(OPERATORS)}"
        )
    return value if isinstance(value, dict) else {"is": value}


def _is_operator(key: str) -> bool:
    return key in OPERATORS or bool(suggestion(key, OPERATORS))


def check_constant(value: object) -> str | None:
    """Return what a custom field is set to; None clears it."""
    if isinstance(value, Unclear):
        meant = f", or {value.taken_for} without" if value.value is not None else ""
        written = shown(value.written)
        said = f'YAML reads {written} as {value.taken_for}; write "{written}" in quotes{meant}'
        raise ValueError(said)  # noqa: TRY004 - as above
    if isinstance(value, list | dict):
        raise ValueError("must be one text, number, true, false, or null to clear the field")  # noqa: TRY004
    return value if value is None else _constant(value if isinstance(value, str) else str(_plain(value)))


def _constant(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty; write null to clear the field, or delete the entry")
    if re.search(r"\{[^{}]*\}", text):
        raise ValueError(
            "set_fields takes text as it stands; what an event says goes to a custom field by fields or "
            "kit_fields"
        )
    return text.strip()
