"""Events in files, as people write them to publish or preview: one event, a JSON array, or JSON lines. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.errors import EventError
from worker.events import Message, decode
from worker.handlers.base import read_payload


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

    def message(self, routing_key: str) -> Message:
        """Return what the worker would receive."""
        return Message(self.body, routing_key, content_type=self.content_type)

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
        return [_sample(body, item, f"{name}, number {at}") for at, (body, item) in enumerate(zip(bodies, whole, strict=True), 1)]
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
        read_payload(decode(sample.message(routing_key), now=now, arrival=0, apps=(app,) if app else ()))
    except EventError as error:
        return str(error)
    return ""
