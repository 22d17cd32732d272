"""JSON Schemas of the platform's events, made from the models that the worker reads them with."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from worker.contract import patterns
from worker.handlers.base import PLATFORM_FIELDS, Payload

Document: TypeAlias = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
"""Where a document has these schemas."""

SHORT_TEXT: Final[Document] = {"type": "string", "minLength": 1, "maxLength": 255}
ID: Final[Document] = {**SHORT_TEXT, "description": "Marks duplicates, with type and time."}
TIME: Final[Document] = {
    "type": "string",
    "format": "date-time",
    "pattern": patterns.TIME,
    "description": "When it happened, ISO 8601 with an offset.",
}
SEQUENCE: Final[Document] = {
    "type": "string",
    "maxLength": 255,
    "description": "Orders the events of one person before their times do; whole numbers compare as numbers.",
}
SPEC_VERSION: Final[Document] = {"const": "1.0"}
DATA_BASE64: Final[Document] = {
    "type": "string",
    "pattern": patterns.BASE64,
    "contentEncoding": "base64",
    "contentMediaType": "application/json",
    "description": "The same JSON in base64, in place of `data`.",
}


def event_schemas() -> Document:
    """Return the schemas by name: `Payload` and its objects, `PlainEvent` and `CloudEvent`."""
    payload = _tidied(Payload.model_json_schema(ref_template=f"{SCHEMAS}{{model}}"))
    objects = payload.pop("$defs")
    for field, path in PLATFORM_FIELDS.items():
        name, _, key = path.partition(".")
        objects[name.capitalize()]["properties"][key]["description"] = f"Accounts map it as `{field}`."
    objects["User"]["properties"]["email"] |= {
        "format": "email",
        "pattern": patterns.EMAIL,
        "description": "Where mail goes; who it is, where there is no `id`.",
    }
    return {**objects, "Payload": payload, "PlainEvent": _plain_event(), "CloudEvent": _cloud_event()}


def _plain_event() -> Document:
    """Return the schema of an event whose id, type and time may come from the message's properties."""
    return {
        "type": "object",
        "required": ["data"],
        "properties": {
            "id": ID,
            "type": SHORT_TEXT,
            "time": TIME,
            "occurred_at": TIME,
            "data": {"$ref": f"{SCHEMAS}Payload"},
            "specversion": False,
        },
    }


def _cloud_event() -> Document:
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type"],
        "properties": {
            "specversion": SPEC_VERSION,
            "id": ID,
            "source": {"type": "string", "format": "uri-reference", "minLength": 1},
            "type": SHORT_TEXT,
            "time": TIME,
            "occurred_at": TIME,
            "sequence": SEQUENCE,
            "data": {"$ref": f"{SCHEMAS}Payload"},
            "data_base64": DATA_BASE64,
        },
        "oneOf": [{"required": ["data"]}, {"required": ["data_base64"]}],
    }


def _tidied(schema: Any) -> Any:  # noqa: ANN401  # any part of a JSON Schema
    """Return pydantic's schema without the words that say nothing, and unions of plain types in short."""
    if isinstance(schema, list):
        return [_tidied(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _tidied(value) for name, value in schema.items() if not _says_nothing(name, value)}
    options = kept.get("anyOf", [])
    if options and all(set(option) == {"type"} for option in options):
        del kept["anyOf"]
        kept["type"] = [option["type"] for option in options]
    return kept


def _says_nothing(name: str, value: object) -> bool:
    return (name == "default" and value is None) or (name == "title" and isinstance(value, str))
