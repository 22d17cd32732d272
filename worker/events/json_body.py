"""Reading a message's body as JSON, strictly and within bounds. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import msgspec

from worker.errors import InvalidEvent, UndecodableEvent
from worker.events.values import Json

MAX_DEPTH: Final = 32

_UNSAFE_ESCAPE: Final = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")


def parse_json(body: bytes, name: str = "body") -> Json:
    """Return the JSON value of a body.

    Args:
        body: Its bytes.
        name: What has it, for the error.

    Raises:
        UndecodableEvent: It is not UTF-8, not JSON as the standard has it (no NaN, no 1e999), or too deep.
        InvalidEvent: A text in it is none: it holds NUL or half a surrogate pair.
    """
    try:
        value: Json = _FAST.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = _told_apart(body, name)
    _check_depth(value, 1, name)
    if _UNSAFE_ESCAPE.search(body):
        _check_text(value, "", name)
    return value


_FAST: Final = msgspec.json.Decoder()
"""Takes nothing that `_DECODER` does not, and reads it alike; of what it does not take it says no more."""


def _told_apart(body: bytes, name: str) -> Json:
    """Return the value of a body that is unusual, such as one with half a surrogate pair, or is no JSON."""
    try:
        text = body.decode("utf-8-sig")
        value: Json = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise UndecodableEvent(f"{name}: not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise UndecodableEvent(f"{name}: not JSON: {error.msg} at character {error.pos}") from error
    except RecursionError as error:
        raise UndecodableEvent(f"{name}: nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:  # NaN, 1e999, or a whole number of thousands of digits
        raise UndecodableEvent(f"{name}: not JSON: {error}") from error
    return value


def lenient_json(text: str | bytes) -> Any:  # noqa: ANN401  # whatever JSON there is
    """Return what a text of somebody else's says as JSON, also where no event may say so.

    Raises:
        ValueError: It is not JSON, or nested too deeply to be written again.
    """
    try:
        value = json.loads(text)
        _check_depth(value, 1, "JSON")
    except (RecursionError, UndecodableEvent) as error:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from error
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _children(value: Json) -> list[tuple[str, Json]]:
    if isinstance(value, dict):
        return list(value.items())
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else []


def _check_depth(value: Json, depth: int, name: str) -> None:
    if depth > MAX_DEPTH:
        raise UndecodableEvent(f"{name}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, dict | list):
                _check_depth(item, depth + 1, name)


def _check_text(value: Json, path: str, name: str) -> None:
    """Refuse text that is no text: NUL, and halves of surrogate pairs, which UTF-8 cannot carry."""
    if isinstance(value, str) and not _is_text(value):
        raise InvalidEvent(
            f"{path or name}: holds a character that is not text (NUL or half a surrogate pair)"
        )
    for key, item in _children(value):
        if not _is_text(key):
            raise InvalidEvent(f"{path or name}: a key holds a character that is not text")
        _check_text(item, f"{path}.{key}" if path else key, name)


def _is_text(text: str) -> bool:
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
