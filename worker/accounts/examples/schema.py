"""The JSON Schema of a file of examples, with which editors can help. Pure."""

from __future__ import annotations

from typing import Any, Final

from worker.accounts.examples.events import EVENT_KEYS
from worker.accounts.examples.read import REASONS, STATES
from worker.accounts.file.schema import finished
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS

_TEXT: Final = {"type": "string", "minLength": 1}
_TIME: Final = {"type": "string", "description": "A day or a time, such as 2027-01-31T12:00Z. Default: UTC."}
_NUMBER: Final = {"type": "integer", "minimum": 1, "description": "The event's number, from 1."}
_TAGS: Final = {"type": "array", "items": _TEXT}
_VALUE: Final = {"type": ["string", "number", "boolean", "null"]}
_OBJECT: Final = {"type": "object"}
_AN_OBJECT: Final = rf"^(?!mk_|(?:{'|'.join(EVENT_KEYS)})$)[^.]+$"
"""A plain word names an object of the event, but for the words that have a meaning of their own."""


def examples_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of files of examples."""
    account = {**_TEXT, "description": "Whose examples these are. Default: this file's name."}
    tests = {"type": "array", "minItems": 1, "items": _test()}
    return finished({"title": "kit-worker tests", **_only({"account": account, "tests": tests}, "tests")})


def _only(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _test() -> dict[str, Any]:
    then = {"anyOf": [_then(), {"type": "array", "minItems": 1, "items": _then()}]}
    events = {
        "type": "array",
        "minItems": 1,
        "items": _event(),
        "description": "What happens, in the order in which it comes.",
    }
    name = {**_TEXT, "description": "What the test is about, in a sentence."}
    return _only({"name": name, "events": events, "then": then}, "name", "events", "then")


def _event() -> dict[str, Any]:
    platform = {name: {"description": f"The event's {path}."} for name, path in PLATFORM_FIELDS.items()}
    copy = _only({"at": _TIME, "copy_of": _NUMBER}, "at", "copy_of")
    whole = {
        "type": "object",
        "properties": {
            "at": _TIME,
            "type": {**_TEXT, "examples": sorted(HANDLERS)},
            "person": {**_TEXT, "description": "A name or an address. Default: ada."},
            "id": _TEXT,
            "app": {"type": ["string", "null"], "description": "Of the routing key. Default: the account's."},
            "copy_of": False,
            **platform,
            **dict.fromkeys(("user", "subscription", "access", "data"), _OBJECT),
        },
        "required": ["at", "type"],
        "patternProperties": {r"^(?!mk_)[^.]+(\.[^.]+)+$": True, _AN_OBJECT: _OBJECT},
        "additionalProperties": False,
    }
    return {"anyOf": [copy, whole]}


def _then() -> dict[str, Any]:
    what = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
    due = {"anyOf": [_TIME, _only({"at": _TIME, "event": _NUMBER, "what": what}, "at")]}
    dead = {
        "anyOf": [_NUMBER, _only({"event": _NUMBER, "reason": {"enum": list(REASONS)}}, "event")],
    }
    return _only(
        {
            "at": {**_TIME, "description": "When to look. Default: after the last event."},
            "person": {
                **_TEXT,
                "description": "The person to look at. Default: the one whom all events are about.",
            },
            "tags": {**_TAGS, "description": "All tags that the person has."},
            "has_tags": {**_TAGS, "description": "Some of them."},
            "not_tags": {**_TAGS, "description": "Some that the person has not."},
            "fields": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": _VALUE,
                "description": "Custom fields, and first_name; others may be there. null: it is empty.",
            },
            "state": {"enum": list(STATES), "description": "nobody: Kit has no such subscriber."},
            "due": {"type": "array", "items": due, "description": "All that takes effect later."},
            "dead": {"type": "array", "items": dead, "description": "All events that are dead letters."},
        }
    )
