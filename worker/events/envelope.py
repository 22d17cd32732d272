"""An event's envelope: its attributes and its `data`, in whichever form a message carries them. Pure.

A CloudEvent is structured, all of it in the body, or binary: its attributes in headers, and `data` the body.
The headers' names are those of the AMQP binding, `cloudEvents:id` (as the SDKs for Go and Java write them) or
`cloudEvents_id` (Python's), and those of the RabbitMQ and HTTP bindings, `ce-id` (Python's and JavaScript's).
A body that names its `specversion` is structured, whatever its headers repeat (AMQP binding 1.0.2, 3.2.3).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from worker.errors import InvalidEvent, UndecodableEvent
from worker.events.body import media_type, plain_body, why_unreadable
from worker.events.delivery import Delivery
from worker.events.json_body import parse_json
from worker.events.times import from_milliseconds, parse_time
from worker.events.values import Json

PREFIXES: Final = ("cloudEvents:", "cloudEvents_", "ce-")
"""Of headers; in any case."""
_LOWER: Final = tuple(prefix.lower() for prefix in PREFIXES)
_ATTRIBUTES: Final = ("specversion", "id", "type", "time", "sequence")
"""Those that say something here; all others, `source`, `subject`, `dataschema`, extensions, are let pass."""

_SET_BY_RABBITMQ: Final = frozenset({"binary", "amqp-1.0"})
"""What it writes into the property `type` of what came by AMQP 1.0 (3.10 and 4.0, tried)."""
_HIDDEN: Final = "x-amqp-1.0-app-properties"
"""Where RabbitMQ before 4.0 puts the properties of such a message, in a form of their own."""

_ALONE: Final = "send each event as a message of its own"


def read_envelope(delivery: Delivery) -> dict[str, Any]:
    """Return the event's attributes and its `data` as one dictionary.

    Raises:
        UndecodableEvent: The body is not readable at all.
        InvalidEvent: It is no event, or an attribute is not what it must be.
    """
    if media_type(delivery) == "application/cloudevents-batch+json":
        raise UndecodableEvent(f"content_type: a batch of CloudEvents; {_ALONE}")
    body = _json(delivery)
    attributes = {} if _is_structured(body) else _binary_attributes(delivery.headers)
    envelope = {**attributes, "data": body} if "specversion" in attributes else body
    if not isinstance(envelope, dict):
        alone = f", not a list; {_ALONE}" if isinstance(envelope, list) else ""
        raise UndecodableEvent(f"body: must be a JSON object{alone}")
    if "specversion" in envelope:
        _check_cloud_event(envelope)
        return _with_binary_data(envelope)
    if media_type(delivery).startswith("application/cloudevents"):
        raise InvalidEvent('specversion: missing; a CloudEvent carries "specversion": "1.0"')
    if _HIDDEN in delivery.headers and "data" not in envelope:
        raise InvalidEvent(
            "data: missing; RabbitMQ before 4.0 hides the properties of AMQP 1.0: send structured CloudEvents"
        )
    return envelope


def stated_type(delivery: Delivery) -> str:
    """Return the event's type as the message's properties state it; empty where the publisher set none."""
    stated = str(delivery.properties.get("type", "")).strip()
    return "" if stated in _SET_BY_RABBITMQ else stated


def _json(delivery: Delivery) -> Json:
    try:
        return parse_json(plain_body(delivery))
    except UndecodableEvent as error:
        if why := why_unreadable(delivery):
            raise UndecodableEvent(why) from error
        raise


def _is_structured(body: Json) -> bool:
    return isinstance(body, dict) and "specversion" in body


def _check_cloud_event(envelope: Mapping[str, Any]) -> None:
    if envelope["specversion"] != "1.0":
        raise InvalidEvent("specversion: only CloudEvents 1.0 is supported")
    for name in ("id", "type"):
        if not envelope.get(name):
            raise InvalidEvent(f"{name}: missing; CloudEvents requires it")


# -- binary: attributes in headers ------------------------------------------------------------------------


def _binary_attributes(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that headers carry, under any of the prefixes, in any case.

    Raises:
        InvalidEvent: Two of them say different things of one attribute: nobody knows which is meant.
    """
    found: dict[str, Any] = {}
    for name, given in _given(headers):
        if (value := _value(name, given)) is not None and found.setdefault(name, value) != value:
            raise InvalidEvent(f"{name}: headers of two bindings say different things; send one of them")
    return _with_bare_sequence(found, headers)


def legible_attributes(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same as far as it can be read; of what is said twice, the first."""
    found: dict[str, Any] = {}
    for name, given in _given(headers):
        with suppress(InvalidEvent):
            found.setdefault(name, _value(name, given))
    return found


def _given(headers: Mapping[str, Any]) -> list[tuple[str, Any]]:
    given = [(name, value) for header, value in headers.items() if (name := _attribute(header))]
    return given if "specversion" in dict(given) else []


def _with_bare_sequence(found: dict[str, Any], headers: Mapping[str, Any]) -> dict[str, Any]:
    # The SDK for Java writes extensions without any prefix (ProtonAmqpMessageWriter), as text.
    bare = headers.get("sequence")
    return {"sequence": bare if isinstance(bare, str) else None, **found} if found else {}


def counts(header: str) -> bool:
    """Tell whether a header may be one of an event's attributes, which a replay must have."""
    return bool(_attribute(header)) or header == "sequence"


def id_headers(headers: Mapping[str, Any]) -> list[str]:
    """Return which headers carry the event's id; none where it is no CloudEvent in binary mode."""
    return [header for header in headers if _attribute(header) == "id"]


def _attribute(header: str) -> str:
    name = header.lower()
    attribute = next((name.removeprefix(prefix) for prefix in _LOWER if name.startswith(prefix)), "")
    return attribute if attribute in _ATTRIBUTES else ""


def _value(name: str, given: Any) -> Any:  # noqa: ANN401  # whatever a header may hold
    """Return an attribute's value such that equal ones are equal; None where there is none."""
    if isinstance(given, bytes | bytearray):
        given = _from_bytes(name, given)
    if given is None or given == "":
        return None
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if name == "time":
        return from_milliseconds(name, given) if is_whole else parse_time(name, given)
    return str(given) if is_whole else given


def _from_bytes(name: str, given: bytes | bytearray) -> str:
    try:
        return given.decode()
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"{name}: its header is not UTF-8") from error


# -- structured: data that is bytes -----------------------------------------------------------------------


def _with_binary_data(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return an event with the `data` that `data_base64` holds, as SDKs write bytes."""
    packed = envelope.get("data_base64")
    if packed is None:
        return envelope
    if envelope.get("data") is not None:
        raise InvalidEvent("data_base64: stands beside data; send one of them")
    return {**envelope, "data": parse_json(from_base64(packed), "data_base64")}


def from_base64(packed: Any) -> bytes:  # noqa: ANN401  # whatever the JSON holds
    """Return the bytes of `data_base64`.

    Raises:
        InvalidEvent: It is no base64.
    """
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise InvalidEvent("data_base64: is not base64") from error
