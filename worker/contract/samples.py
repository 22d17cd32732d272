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


def read_samples(text: bytes, name: str) -> list[Sample]:
    """Return the events in a file, in order.

    Raises:
        NotJsonError: It is neither JSON nor JSON lines.
    """
    try:
        whole = json.loads(text)
    except ValueError as error:
        return _json_lines(text, name, error)
    if isinstance(whole, list):
        bodies = [json.dumps(item, ensure_ascii=False).encode() for item in whole]
        return [
            _sample(body, item, f"{name}, number {at}")
            for at, (body, item) in enumerate(zip(bodies, whole, strict=True), 1)
        ]
    return [_sample(text.strip(), whole, name)]


def _json_lines(text: bytes, name: str, whole_error: ValueError) -> list[Sample]:
    samples = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            samples.append(_sample(line.strip(), json.loads(line), f"{name}:{number}"))
        except ValueError as error:
            # A file that is one broken event, over several lines, is better explained as a whole.
            raise NotJsonError(f"{name}:{number}: not JSON: {error if samples else whole_error}") from error
    if not samples:
        raise NotJsonError(f"{name}: is empty; it should hold an event as JSON")
    return samples


def _sample(body: bytes, value: Any, where: str) -> Sample:  # noqa: ANN401  # whatever JSON there is
    named = value if isinstance(value, dict) else {}
    kind, id_ = named.get("type"), named.get("id")
    return Sample(
        where=where,
        body=body,
        type=kind.strip() if isinstance(kind, str) else "",
        id=id_ if isinstance(id_, str) else "",
        cloud_event="specversion" in named,
    )


def what_is_wrong(sample: Sample, routing_key: str, app: str, now: datetime) -> str:
    """Return why a worker would dead-letter this event whatever its mapping; empty if it would not."""
    try:
        read_payload(decode(sample.delivery(routing_key, now), arrival=0, apps=(app,) if app else ()))
    except EventError as error:
        return str(error)
    return ""


def made_up(event_type: str, settings: Iterable[str], now: datetime) -> Sample:
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
    event = {"id": PREVIEW_ID, "type": event_type, "time": now.isoformat(), "data": data}
    return _sample(json.dumps(event, ensure_ascii=False).encode(), event, event_type)


def _path(name: str) -> list[str]:
    if name.startswith("mk_") and name not in PLATFORM_FIELDS:
        near = get_close_matches(name, PLATFORM_FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the fields are {', '.join(PLATFORM_FIELDS)}"
        raise ValueError(f"{name}: there is no such platform field; {hint}")
    keys = PLATFORM_FIELDS.get(name, name.removeprefix("data.")).split(".")
    if not all(keys):
        raise ValueError(f"{name or '(no name)'}: should be a platform field or a path such as user.email")
    return keys


def _value(name: str, text: str) -> Any:  # noqa: ANN401  # any JSON
    if text != "null" and not text.startswith(('"', "[", "{")):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name}: begins as JSON but is none: {error}") from error


def _put(data: dict[str, Any], keys: list[str], value: Any, name: str) -> None:  # noqa: ANN401  # any JSON
    for key in keys[:-1]:
        data = data.setdefault(key, {})
        if not isinstance(data, dict):
            raise ValueError(f"{name}: {key} is set to a value already, so nothing can lie within it")  # noqa: TRY004  # a wrong text, not a wrong type
    data[keys[-1]] = value
