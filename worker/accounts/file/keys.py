"""Which keys may stand where in an account file, and where one belongs that stands elsewhere."""

from __future__ import annotations

import re
from typing import Final

from worker.accounts.file.comparison_model import ComparisonPart
from worker.accounts.file.kit_model import FilePart, KitPart, OAuthPart
from worker.accounts.file.model import AccountFile, FieldPart, KitFieldPart, OptionsPart
from worker.accounts.file.rule_model import EventPart, RulePart, TagPart, keys
from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import suggestion
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS

_CUSTOM: Final = r"(?!data\.)[\w-]+(\.[\w-]+)+"
_OF_EVENTS: Final = ("at", "opens", "closes")
_BY_SECTION: Final[dict[str, type[FilePart]]] = {
    "kit": KitPart,
    "options": OptionsPart,
    "fields": FieldPart,
    "kit_fields": KitFieldPart,
}


def unknown_key(path: YamlPath) -> str:
    """Return what to do about a key that may not stand where it does."""
    key, known = str(path[-1]), _keys_at(path[:-1])
    is_of_events = path[0] == "events" and key in {*keys(EventPart), *keys(RulePart)}
    meant = "" if is_of_events else suggestion(key, known)
    if home := _home(key, path, is_slip=bool(meant)):
        return f"does not belong here; move it, indented, under {home}"
    return f"unknown key{meant}" if meant else f"unknown key; what may stand here: {', '.join(known)}"


def _home(key: str, path: YamlPath, *, is_slip: bool) -> str:
    """Return where a key would be right that stands at the wrong level, mostly an indentation slip."""
    in_events = path[0] == "events"
    homes = {
        **({} if in_events or is_slip else dict.fromkeys(keys(EventPart), "an event type")),
        **dict.fromkeys(HANDLERS, "events"),
        **dict.fromkeys(PLATFORM_FIELDS, "fields"),
        **dict.fromkeys(KitPart.model_fields, "kit"),
        **dict.fromkeys(OAuthPart.model_fields, "kit, below oauth"),
        **dict.fromkeys(OptionsPart.model_fields, "options"),
        **({key: "events"} if len(path) == 1 and re.fullmatch(_CUSTOM, key) else {}),
        **dict.fromkeys(("when", "unless"), f"rules, as - {key}:"),
    }
    if in_events and len(path) > 3 and key in _OF_EVENTS:
        return f"{path[1]} itself, beside rules"
    is_home = len(path) > 1 and path[0] == homes.get(key)
    return "" if is_home or path[:-1] == ("kit", "oauth") else homes.get(key, "")


def _keys_at(path: YamlPath) -> list[str]:
    if not path:
        return keys(AccountFile)
    if path == ("kit", "oauth"):
        return keys(OAuthPart)
    return keys(_BY_SECTION.get(str(path[0])) or _part_of_event(path))


def _part_of_event(path: YamlPath) -> type[FilePart]:
    if len(path) == 2:
        return EventPart
    if isinstance(path[-1], int):
        return TagPart if path[-2] == "add_tags" else RulePart
    return ComparisonPart
