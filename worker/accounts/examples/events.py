"""Reads the events of an example: short where they can be, as `kit-worker explain --set` has them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from worker.accounts.examples.example import ExampleEvent, ExamplePerson
from worker.accounts.examples.values import ExampleValues
from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import check_app, check_event_type, suggestion
from worker.events.delivery import NEVER
from worker.events.values import Json
from worker.handlers.base import PLATFORM_FIELDS, path_of
from worker.subscribers.identity import given_id

EVENT_KEYS: Final = ("at", "type", "person", "id", "app", "copy_of")
OBJECTS: Final = ("user", "subscription", "access", "data")
SOMEBODY: Final = "ada"
"""Who an event is about that does not say it."""
_EVENT: Final = "an event, such as {at: 2027-01-01, type: user.signed_up}"


class EventReader:
    """Reads the events of one example, one after another.

    Attributes:
        found: The events.
        people: Whom they are about, by the name that the example gives them, or by their ids.
    """

    def __init__(self, values: ExampleValues) -> None:
        self.found: list[ExampleEvent] = []
        self.people: dict[str, ExamplePerson] = {}
        self._values = values

    def read(self, path: YamlPath) -> None:
        """Read one more event."""
        keys, number = self._values.table(path, _EVENT), len(self.found) + 1
        if "copy_of" in keys:
            self._values.spelled(path, ("at", "copy_of"), _EVENT)
            self._copy(path)
            return
        for key in ("at", "type"):
            if keys and key not in keys:
                self._values.fault(path, f"{key}: is missing; write {_EVENT}")
        at = (self._values.moment((*path, "at")) if "at" in keys else None) or NEVER
        name = self._values.text((*path, "person"), "a name or an address") if "person" in keys else SOMEBODY
        kind = self._type(path) if "type" in keys else ""
        data = self._data(path, keys, name)
        self._note(name, data)
        self.found.append(
            ExampleEvent(at, at, kind, self._id(path, keys, number), data, self._app(path, keys))
        )

    def _copy(self, path: YamlPath) -> None:
        number = self._values.number((*path, "copy_of"), len(self.found), "an event above")
        at = self._values.moment((*path, "at"))
        if self.found:
            self.found.append(replace(self.found[number - 1], comes_at=at or NEVER))
        else:
            self._values.fault((*path, "copy_of"), "there is no event above that could come once more")

    def _type(self, path: YamlPath) -> str:
        kind = self._values.text((*path, "type"), "an event type, such as user.signed_up")
        return self._checked(check_event_type, kind, (*path, "type"))

    def _app(self, path: YamlPath, keys: dict[str, Any]) -> str | None:
        if "app" not in keys:
            return None
        if keys["app"] is None:
            return ""
        app = self._values.text((*path, "app"), "the name of an app")
        return self._checked(check_app, app, (*path, "app"))

    def _id(self, path: YamlPath, keys: dict[str, Any], number: int) -> str:
        return (
            self._values.text((*path, "id"), "an event's id, as text") if "id" in keys else f"event-{number}"
        )

    def _checked(self, check: Callable[[str], str], text: str, path: YamlPath) -> str:
        try:
            return check(text) if text else ""
        except ValueError as error:
            self._values.fault(path, str(error))
            return text

    # -- data -----------------------------------------------------------------------------------------

    def _data(self, path: YamlPath, keys: dict[str, Any], name: str) -> dict[str, Json]:
        """Return an event's data: about somebody, and what else stands there."""
        is_address = "@" in name
        user: dict[str, Json] = {"email": name if is_address else f"{name}@example.com"}
        data: dict[str, Json] = {"user": user if is_address else {"id": name, **user}}
        for key, value in keys.items():
            if key in EVENT_KEYS:
                continue
            if key == "data":
                for inside in self._values.table((*path, key), "the values of the event"):
                    self._put(data, [inside], (*path, key, inside))
            elif places := self._places(path, key, value):
                self._put(data, places, (*path, key))
        return data

    def _places(self, path: YamlPath, key: str, value: object) -> list[str]:
        """Return the keys that lead to where a value belongs in the data; none where the name is none."""
        if key.startswith("mk_") and key not in PLATFORM_FIELDS:
            meant = suggestion(key, PLATFORM_FIELDS) or f"; the fields are {', '.join(PLATFORM_FIELDS)}"
            self._values.fault((*path, key), f"there is no such platform field{meant}", key=True)
            return []
        keys = path_of(key).split(".")
        if all(keys) and ("." in key or key in PLATFORM_FIELDS or isinstance(value, dict)):
            return keys
        if key in OBJECTS:
            self._values.fault((*path, key), "must hold values by their names, such as {id: u1}")
            return []
        known = (*EVENT_KEYS, *OBJECTS, *PLATFORM_FIELDS)
        meant = suggestion(key, known, 0.75) or f"; a value of the event is named by its path: data.{key}"
        self._values.fault((*path, key), f"unknown key{meant}", key=True)
        return []

    def _put(self, data: dict[str, Json], keys: list[str], path: YamlPath) -> None:
        *folders, last = keys
        inside = data
        for folder in folders:
            found = inside.setdefault(folder, {})
            if not isinstance(found, dict):
                self._values.fault(path, f"{folder} is set to a value already, so nothing can lie within it")
                return
            inside = found
        _merge(inside, last, self._values.json(path))

    # -- people ---------------------------------------------------------------------------------------

    def _note(self, name: str, data: dict[str, Json]) -> None:
        """Note whom an event is about; the address that somebody has first is the one known by."""
        user = data.get("user")
        found = user if isinstance(user, dict) else {}
        email, given = found.get("email"), given_id(found.get("id"))
        whom = ExamplePerson(email if isinstance(email, str) else "", given or "")
        self.people.setdefault(self._called(name, whom), whom)

    def _called(self, name: str, whom: ExamplePerson) -> str:
        same = (key for key, each in self.people.items() if each.id == whom.id and (whom.id or each == whom))
        return next(same, name if name not in self.people else whom.id or whom.email)


def _merge(data: dict[str, Json], key: str, value: Json) -> None:
    """Put a value into data; an object leaves there what it does not name."""
    there = data.get(key)
    if isinstance(there, dict) and isinstance(value, dict):
        for name, each in value.items():
            _merge(there, name, each)
    else:
        data[key] = value
