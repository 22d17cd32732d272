"""Reads events as people write them into files: one event, a JSON array, or JSON lines. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

from worker.errors import EventError
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.json_body import MAX_DEPTH, lenient_json
from worker.handlers.base import PLATFORM_FIELDS, read_payload

PREVIEW_ID: Final = "preview"
STAND_IN_EMAIL: Final = "somebody@example.com"


class NotJsonError(ValueError):
    """What was given cannot be published at all; the text says where."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One event from a file, exactly as it stands there.

    Attributes:
        where: The file, and in a file of many the line or the number, for messages.
        type: As the event itself names it; empty where it does not.
        id: Likewise.
    """

    where: str
    body: bytes
    type: str = ""
    id: str = ""
    cloud_event: bool = False

    def delivery(self, routing_key: str, received_at: datetime) -> Delivery:
        """Return what the worker would receive."""
        properties = {"content_type": self.content_type}
        return Delivery(self.body, routing_key, properties, received_at=received_at)

    @property
    def content_type(self) -> str:
        """The media type to publish it with."""
        return "application/cloudevents+json" if self.cloud_event else "application/json"


def read_samples(text: bytes, name: str, *, broken: bool = False) -> list[Sample]:
    """Return the events in a file, in order.

    Args:
        text: What is in it.
        name: Its name, for messages.
        broken: Return what is not JSON as well, as it stands there.

    Raises:
        NotJsonError: It holds none, or, unless that is asked for, neither JSON nor JSON lines.
    """
    if not text.strip():
        raise NotJsonError(f"{name}: is empty; it should hold an event as JSON")
    try:
        whole = lenient_json(text)
    except ValueError as error:
        return _broken_lines(text, name) if broken else _json_lines(text, name, error)
    if isinstance(whole, list):
        if not whole:
            raise NotJsonError(f"{name}: holds no event: the list in it is empty")
        bodies = [json.dumps(item, ensure_ascii=False).encode() for item in whole]
        return [
            _sample(body, item, f"{name}, number {at}")
            for at, (body, item) in enumerate(zip(bodies, whole, strict=True), 1)
        ]
    return [_sample(text.strip(), whole, name)]


def _json_lines(text: bytes, name: str, whole_error: ValueError) -> list[Sample]:
    samples: list[Sample] = []
    for where, line in _lines(text, name):
        try:
            samples.append(_sample(line, lenient_json(line), where))
        except ValueError as error:
            # A file that is one broken event, over several lines, is better explained as a whole.
            raise NotJsonError(f"{where}: not JSON: {error if samples else whole_error}") from error
    return samples


def _broken_lines(text: bytes, name: str) -> list[Sample]:
    """Return the lines, as far as any is an event; else all as one broken event."""
    values = [(where, line, _value_of(line)) for where, line in _lines(text, name)]
    if not any(isinstance(value, dict) for _, _, value in values):
        return [Sample(name, text.strip())]
    return [_sample(line, value, where) for where, line, value in values]


def _lines(text: bytes, name: str) -> list[tuple[str, bytes]]:
    """Return the lines that are not blank, each with its place."""
    numbered = enumerate(text.splitlines(), 1)
    return [(f"{name}:{number}", line.strip()) for number, line in numbered if line.strip()]


def _value_of(line: bytes) -> Any:  # noqa: ANN401  # whatever JSON there is
    try:
        return lenient_json(line)
    except ValueError:
        return None


def _sample(body: bytes, value: Any, where: str) -> Sample:  # noqa: ANN401  # whatever JSON there is
    named = value if isinstance(value, dict) else {}
    return Sample(
        where=where,
        body=body,
        type=_text(named.get("type")).strip(),
        id=_text(named.get("id")),
        cloud_event="specversion" in named,
    )


def _text(value: Any) -> str:  # noqa: ANN401  # whatever JSON there is
    """Return text as the worker reads it: a whole number, too, stands for its digits."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def refusal(sample: Sample, routing_key: str, app: str, now: datetime) -> EventError | None:
    """Return why a worker would dead-letter this event whatever its mapping; None if it would not."""
    try:
        read_payload(decode(sample.delivery(routing_key, now), arrival=0, apps=(app,) if app else ()))
    except EventError as error:
        return error
    return None


def made_up(event_type: str, settings: Iterable[str], now: datetime, event_id: str = PREVIEW_ID) -> Sample:
    """Return an event of a type with the values of `name=value` texts.

    A name is a platform field (`mk_subscription_plan`) or a path in `data` (`user.email`, `data.user.email`).
    A value is text, as Kit stores nothing else; only `null` means null, and what begins with a quote, a
    bracket or a brace is read as JSON. Without an address a stand-in is used.

    Raises:
        ValueError: A setting cannot be understood; the text says which.
    """
    data: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"{setting!r} is not of the form name=value")
        _put(data, _path(name.strip()), _value(name, text), name)
    user = data.setdefault("user", {})
    if isinstance(user, dict):
        user.setdefault("email", STAND_IN_EMAIL)
    event = {"id": event_id, "type": event_type, "time": now.isoformat(), "data": data}
    return _sample(json.dumps(event, ensure_ascii=False).encode(), event, event_type)


def _path(name: str) -> list[str]:
    if name.startswith("mk_") and name not in PLATFORM_FIELDS:
        near = get_close_matches(name, PLATFORM_FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(PLATFORM_FIELDS)}"
        raise ValueError(f"{name}: there is no such platform field; {hint}")
    keys = PLATFORM_FIELDS.get(name, name.removeprefix("data.")).split(".")
    if not all(keys):
        raise ValueError(f"{name or '(no name)'}: should be a platform field or a path such as user.email")
    if len(keys) > MAX_DEPTH:
        raise ValueError(f"a path has {len(keys):,} levels, and an event at most {MAX_DEPTH}")
    return keys


def _value(name: str, text: str) -> Any:  # noqa: ANN401  # any JSON
    if text != "null" and not text.startswith(('"', "[", "{")):
        return text
    try:
        return lenient_json(text)
    except ValueError as error:
        raise ValueError(f"{name}: begins as JSON but is none: {error}") from error


def _put(data: dict[str, Any], keys: list[str], value: Any, name: str) -> None:  # noqa: ANN401  # any JSON
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ValueError(f"{name}: {key} is set to a value already, so nothing can lie within it")  # noqa: TRY004  # a wrong text, not a wrong type
    data[keys[-1]] = value
