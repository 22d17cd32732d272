"""JSON Schemas of the platform's events, made from the models that the worker reads them with."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from worker.handlers.base import PLATFORM_FIELDS, Payload

Document: TypeAlias = dict[str, Any]

SCHEMAS: Final = "#/components/schemas/"
"""Where a document has these schemas."""

ID: Final[Document] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": "Marks duplicates.",
}
TIME: Final[Document] = {
    "type": "string",
    "format": "date-time",
    "description": "When it happened, ISO 8601 with an offset.",
}
SEQUENCE: Final[Document] = {
    "type": "string",
    "maxLength": 255,
    "description": "Orders the events of one person before their times do; whole numbers compare as numbers.",
}


def event_schemas() -> Document:
    """Return the schemas by name: `Payload` and its objects, `PlainEvent` and `CloudEvent`."""
    payload = _tidied(Payload.model_json_schema(ref_template=f"{SCHEMAS}{{model}}"))
    objects = payload.pop("$defs")
    for field, path in PLATFORM_FIELDS.items():
        name, _, key = path.partition(".")
        objects[name.capitalize()]["properties"][key]["description"] = f"Accounts map it as `{field}`."
    objects["User"]["properties"]["email"] |= {"format": "email", "description": "Who it is about."}
    data = {"$ref": f"{SCHEMAS}Payload"}
    envelope = {"id": ID, "type": {"type": "string", "minLength": 1, "maxLength": 255}, "time": TIME}
    return {
        **objects,
        "Payload": payload,
        "PlainEvent": {
            "type": "object",
            "required": ["data"],
            "properties": {**envelope, "occurred_at": TIME, "data": data},
        },
        "CloudEvent": {
            "type": "object",
            "required": ["specversion", "id", "type", "data"],
            "properties": {
                "specversion": {"const": "1.0"},
                "source": {"type": "string"},
                **envelope,
                "sequence": SEQUENCE,
                "data": data,
            },
        },
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
