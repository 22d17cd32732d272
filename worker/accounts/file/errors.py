"""Turns what pydantic finds in an account file into sentences for the admin, each with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from worker.accounts.file.keys import unknown_key
from worker.accounts.file.rule_model import ALL, GroupPart, TagPart
from worker.accounts.file.source import FileFault, Source, Unclear, YamlPath
from worker.accounts.file.values import (
    ENV_PATTERN,
    KEY_IN_FILE,
    STORED,
    looks_like_key,
    secret_in_file,
    shown,
    suggestion,
)

KIT_MISSING: Final = (
    "say where the API key is; write api_key_env: KIT_API_KEY (the name of an environment variable), "
    "api_key_file: /run/secrets/kit_api_key (the path of a file) or api_key: stored (it is entered on the "
    "page); or, for OAuth, oauth: or access_token_env:"
)
_SHAPES: Final = {
    "add_tags": "a list of tags, such as [New Member]",
    "remove_tags": "a list of tags, such as [New Member]",
    "rules": "a list of rules, each beginning with - when:",
    "when": "a value's name and the value, such as {mk_subscription_plan: Annual}",
    "unless": "a value's name and the value, such as {data.order.test: true}",
    "set_fields": "a custom field's name and what it is set to, such as {Source: app}",
    "kit_fields": "followed by indented lines, such as Plan: mk_subscription_plan",
    "kit": "followed by indented lines, such as api_key_env: KIT_API_KEY",
    "oauth": "followed by indented lines, such as client_id_env: KIT_CLIENT_ID",
    "events": "followed by indented lines, one for each event type",
    "fields": "followed by indented lines, such as mk_subscription_plan: Subscription plan",
    "options": "followed by indented lines, such as create_missing: true",
    "app": "the name of an app, such as sunny-kitchen, or a list of names",
}
_MISSING: Final = {
    "field": "name the custom field, such as field: Ends",
    "from": "name the values, such as from: [mk_subscription_ends_at, mk_access_expires_at]",
    "tag": 'write the tag\'s name, such as tag: "{mk_access_level} access"',
    "client_id_env": "name the environment variable with the app's client id, such as KIT_CLIENT_ID",
}
_SECRETS: Final = {
    name: secret_in_file(name.replace("_", " "), f"{name}_env", f"KIT_{name.upper()}")
    for name in ("client_id", "client_secret", "access_token")
}
_NO_DASH: Final = re.compile("[-\u2010-\u2015\u2212\u2022\u00b7*]")
_NO_COLON: Final = re.compile(r"[\w.]+\s*[\[{=]|[\w.]+$")
_KEY_NAMES: Final = ("api_key", "apikey", "key", "api_secret", "secret", "token", "api-key", "password")


def form_faults(source: Source, error: ValidationError) -> Iterator[FileFault]:
    """Yield each fault that pydantic found, except in values that are faulty as YAML already."""
    for item in error.errors(include_url=False, include_input=False):
        loc = tuple(item["loc"])
        is_key = loc[-1:] == ("[key]",)
        path = source.reached(loc[:-1] if is_key else loc)
        if any(path[:length] in source.broken for length in range(len(path) + 1)):
            continue
        spot = source.spot(path, key=is_key or item["type"] in ("extra_forbidden", "missing"))
        if item["type"] == "missing":
            path = (*path, str(loc[-1]))
        yield FileFault(spot, path, _sentence(source, path, item["type"], item.get("ctx", {})))


def label(path: YamlPath) -> str:
    """Return a path as messages name it; list items count from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{shown(part)}" if text else shown(part)
    return text


def value_at(source: Source, path: YamlPath) -> Any:  # noqa: ANN401 - of whatever type
    """Return the value at a path that exists."""
    value = source.data
    for part in path:
        value = value[part]
    return value


def _sentence(source: Source, path: YamlPath, kind: str, context: dict[str, Any]) -> str:
    if kind == "value_error":
        said = str(context["error"])
        return (
            _SECRETS.get(str(path[-1]).removesuffix("_env").removesuffix("_file"), said)
            if said == KEY_IN_FILE
            else said
        )
    if kind == "extra_forbidden":
        return _unknown_key(source, path)
    if kind == "missing":
        return f"is missing; {_MISSING.get(str(path[-1]), KIT_MISSING)}"
    return _SENTENCES[kind](value_at(source, path), source.written.get(path), path, context)


def _unknown_key(source: Source, path: YamlPath) -> str:
    key, value = str(path[-1]), value_at(source, path)
    if value != STORED and (key.lower() in _KEY_NAMES or (path[0] == "kit" and looks_like_key(key))):
        if isinstance(value, str) and re.fullmatch(ENV_PATTERN, value):
            return "unknown key; did you mean api_key_env?"
        return KEY_IN_FILE if value is not None or looks_like_key(key) else KIT_MISSING
    if key in _SECRETS and isinstance(value, str) and not re.fullmatch(ENV_PATTERN, value):
        return _SECRETS[key]
    return unknown_key(path)


def _nothing_or(value: object, written: str | None, otherwise: str) -> str:
    return "nothing stands here; " if value is None and not written else otherwise


def _not_text(value: object, written: str | None, path: YamlPath, _context: object) -> str:
    if path[0] == "kit" and (value is not None or written):
        return "must be text; put it in quotes"
    if value is None and not written:
        return "nothing stands here; write a name, or delete the entry"
    if isinstance(value, dict):
        return _mapping_for_text(value)
    if isinstance(value, list):
        return "must be one name, not a list"
    return f'YAML reads {shown(written)} as {_taken_for(value)}; write "{shown(written)}" in quotes'


def _mapping_for_text(value: dict[str, Any]) -> str:
    if value.keys() & TagPart.model_fields:
        return "must be the tag's name alone; tag: and replaces: belong into add_tags"
    if near := [key for key in value if suggestion(key, GroupPart.model_fields)]:
        return f"unknown key {shown(near[0])}; did you mean group?"
    if list(value.values()) == [None]:
        return f'text with braces must be in quotes: "{{{shown(next(iter(value)))}}}"'
    return "must be text; put text with a colon or braces in quotes"


def _taken_for(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Unclear):
        return value.taken_for
    return "true or false" if isinstance(value, bool) else "a number"


def _not_a_list(value: object, written: str | None, path: YamlPath, _context: object) -> str:
    if isinstance(value, str) and _NO_DASH.match(value):
        return "must be a list; each entry begins with a hyphen and a space (- New Member)"
    if isinstance(value, str) and path[-1] == "remove_tags" and value.lower() == ALL:
        return f"write {ALL} in small letters to take off all tags that this worker gave"
    if isinstance(value, str) and str(path[-1]).endswith("_tags"):
        return f"must be a list; write [{shown(value)}]"
    return _nothing_or(value, written, "") + f"must be {_SHAPES.get(str(path[-1]), 'a list')}"


def _not_a_mapping(value: object, written: str | None, path: YamlPath, _context: object) -> str:
    glued = isinstance(value, str) and ":" in value
    hint = "; after a colon there must be a space (name: value)" if glued else ""
    if isinstance(value, str) and _NO_COLON.match(value):
        hint = "; a colon is missing after the name (name: value)"
    if not path:
        return f"an account file holds lines such as app: sunny-kitchen, and this is none{hint}"
    if path[0] == "events" and len(path) == 2:
        return (
            f"must say what the event does, such as {{add_tags: [New Member]}}, or null to turn it off{hint}"
        )
    if path[0] == "kit" and isinstance(value, str) and looks_like_key(value):
        return KEY_IN_FILE
    if path[-2:-1] == ("rules",):
        return f"must be a rule, with {_SHAPES['when']} after when:, and tags{hint}"
    return _nothing_or(value, written, "") + f"must be {_SHAPES[str(path[-1])]}{hint}"


def _not_a_choice(value: object, written: str | None, _path: YamlPath, context: dict[str, Any]) -> str:
    choices = str(context["expected"]).replace("'", "")
    near = suggestion(str(value), choices.split(" or ")) if isinstance(value, str) else ""
    found = f", not {shown(written)}" if written else ""
    return f"must be {choices}{found}{near}"


def _not_a_switch(value: object, written: str | None, _path: YamlPath, _context: object) -> str:
    if isinstance(value, str) and value.lower() in ("true", "false", "yes", "no"):
        return "must be true or false, without quotes"
    return f"must be true or false{f', not {shown(written)}' if written else ''}"


def _not_a_count(value: object, written: str | None, _path: YamlPath, _context: object) -> str:
    if isinstance(value, str) and value.isdigit():
        return f"must be a number, without quotes: {shown(value)}"
    return f"must be a whole number, 0 or more{f', not {shown(written)}' if written else ''}"


def _too_few(_value: object, _written: str | None, path: YamlPath, _context: object) -> str:
    if path == ("app",):
        return "the list is empty; name an app, or delete the line to take events that name no app"
    if path[-1] in ("when", "unless"):
        said = "is empty, so the rule would always apply; write"
        return f"{said} {_SHAPES[str(path[-1])]}, or move the tags out of the rule"
    if "when" in path or "unless" in path:
        return "the list is empty, so the rule would never apply; name the values"
    return "the list is empty; name at least one"


_SENTENCES: Final[dict[str, Callable[[Any, str | None, YamlPath, dict[str, Any]], str]]] = {
    "string_type": _not_text,
    "list_type": _not_a_list,
    "dict_type": _not_a_mapping,
    "model_type": _not_a_mapping,
    "model_attributes_type": _not_a_mapping,
    "literal_error": _not_a_choice,
    "bool_type": _not_a_switch,
    "int_type": _not_a_count,
    "greater_than_equal": _not_a_count,
    "too_short": _too_few,
}
