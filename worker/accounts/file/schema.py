"""Turns the model of an account file into a JSON Schema, with which editors can help."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic.json_schema import JsonSchemaValue


def suggesting(pattern: str, known: Mapping[str, str]) -> Callable[[JsonSchemaValue], None]:
    """Return what makes a mapping's schema suggest the known names, and allow others of a pattern."""

    def extend(schema: JsonSchemaValue) -> None:
        mapping = next(part for part in schema.get("anyOf", [schema]) if part["type"] == "object")
        value = mapping["additionalProperties"]
        mapping.pop("propertyNames", None)
        mapping["properties"] = {name: {**value, "description": text} for name, text in known.items()}
        mapping["patternProperties"] = {pattern: value}
        mapping["additionalProperties"] = False

    return extend


def one_or_more(item: JsonSchemaValue, *, unique: bool = False) -> JsonSchemaValue:
    """Return the schema of one value or a list of such values."""
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1, "uniqueItems": unique}]}


def finished(schema: JsonSchemaValue) -> dict[str, Any]:
    """Return a whole schema, with its dialect, and without defaults that only say "nothing"."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_without_empty_defaults(schema)}


def _without_empty_defaults(part: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Drop defaults that only say "nothing": an editor would offer them."""
    if isinstance(part, list):
        return [_without_empty_defaults(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _without_empty_defaults(value)
        for key, value in part.items()
        if key != "default" or value not in (None, "", [])
    }
