"""A tag's name as an admin writes it, perhaps with placeholders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final, NamedTuple, TypeAlias

from worker.errors import InvalidEvent
from worker.events.values import Lookup
from worker.subscribers.parts import group_slot

MAX_NAME_LENGTH: Final = 255
"""Of a tag or a custom field's label; Kit's reference states no limit, and longer ones help nobody."""
MOST_TAGS: Final = 100
"""Of one entry, by a list in the event; more are no list of names."""

_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_BLANKS: Final = re.compile(r"\s+")

Filling: TypeAlias = Mapping[str, str]
"""What stands for each placeholder, by what is between its braces."""


class Placeholder(NamedTuple):
    """What stands between braces: `{mk_access_level}`, or with a default, `{mk_access_level|Basic}`."""

    name: str
    default: str = ""


def placeholder(inside: str) -> Placeholder:
    """Return what is meant by what stands between braces."""
    name, _, default = inside.partition("|")
    return Placeholder(name, default.strip())


@dataclass(frozen=True, slots=True)
class Template:
    """A tag's name, perhaps with placeholders: `Active Member`, `{mk_access_level} access`.

    Attributes:
        replaces: The name of a group, of which somebody has one tag at a time; or True where it takes the
            place of whatever the same entry gave the person before.
        until: The name of the value that says when the tag is taken off again; empty where it stays.
    """

    text: str
    replaces: bool | str = False
    until: str = ""

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names between braces, in order."""
        return tuple(placeholder(inside).name for inside in _PLACEHOLDER.findall(self.text))

    @property
    def has_placeholders(self) -> bool:
        """Whether its name depends on the event."""
        return "{" in self.text

    def slot(self, kind: str) -> str:
        """Return in which slot it replaces what was there, in an event of a type; empty where it does not."""
        if isinstance(self.replaces, str):
            return group_slot(self.replaces)
        return f"{kind} {self.text}" if self.replaces else ""

    def fillings(self, lookup: Lookup) -> Iterator[Filling]:
        """Return what fills it in: once, or for each of the values of a list.

        Raises:
            InvalidEvent: The event lacks a value, or has too many.
        """
        if not self.has_placeholders:  # most are so
            return iter(({},))
        inside = tuple(dict.fromkeys(_PLACEHOLDER.findall(self.text)))
        choices = [self._values(placeholder(each), lookup) for each in inside]
        count = prod(map(len, choices))
        if count > 1 and self.replaces:
            said = "somebody has one of these at a time, but the event has several values"
            raise InvalidEvent(f"the tag {self.text!r}: {said}")
        if count > MOST_TAGS:
            raise InvalidEvent(f"the tag {self.text!r}: would be {count} tags; at most {MOST_TAGS} are given")
        return (dict(zip(inside, values, strict=True)) for values in product(*choices))

    def render(self, filling: Filling) -> str:
        """Return the tag's name.

        Raises:
            InvalidEvent: It grows too long.
        """
        if not filling:
            return self.text
        name = _PLACEHOLDER.sub(lambda match: filling[match[1]], self.text)
        name = _BLANKS.sub(" ", name).strip()
        if len(name) > MAX_NAME_LENGTH:
            raise InvalidEvent(f"the tag {self.text!r} would be longer than {MAX_NAME_LENGTH} characters")
        return name

    def names(self, lookup: Lookup) -> tuple[str, ...]:
        """Return the tag's name, or names, for one event; see `fillings` and `render`."""
        return tuple(self.render(filling) for filling in self.fillings(lookup))

    def _values(self, wanted: Placeholder, lookup: Lookup) -> tuple[str, ...]:
        found = lookup(wanted.name)
        if isinstance(found, str):
            return (found,)
        if isinstance(found, tuple):
            return found
        if wanted.default:
            return (wanted.default,)
        raise InvalidEvent(f"{wanted.name}: has no value, but the tag {self.text!r} needs it")
