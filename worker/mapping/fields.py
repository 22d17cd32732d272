"""Where the values of events go in Kit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final, Literal

from worker.errors import InvalidEvent
from worker.events.moments import moment
from worker.events.values import MISSING, Found, Lookup, Missing, joined
from worker.mapping.owed import Owed

FIRST_NAME: Final = "first_name"
"""The target in `fields` that means Kit's own first name, not a custom field."""


@dataclass(frozen=True, slots=True)
class FieldTarget:
    """Sends a value to a Kit custom field, by its label or key, or to `first_name`.

    Attributes:
        source: The name of the value.
        otherwise: The names of those that are sent where it has none, the first that has one.
        format: `date`: the value is a time, and is sent as its date in the account's time zone.
    """

    source: str
    target: str
    format: Literal["date"] | None = None
    otherwise: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of all values that may be sent, in order."""
        return (self.source, *self.otherwise)

    def value(self, lookup: Lookup, timezone: tzinfo) -> str | Missing | None:
        """Return what is sent; None clears the field, and MISSING says nothing.

        Raises:
            InvalidEvent: The value is of the wrong form.
        """
        name, found = self._first(lookup)
        if self.format is None or found is None or isinstance(found, Missing):
            return joined(found)
        return moment(name, found, timezone).astimezone(timezone).date().isoformat()

    def _first(self, lookup: Lookup) -> tuple[str, Found]:
        """Return the first value that is there; else the first null; else that there is none."""
        null = None
        for name in self.sources:
            found = lookup(name)
            if found is None:
                null = null or name
            elif not isinstance(found, Missing):
                return name, found
        return (null, None) if null else (self.source, MISSING)


def values_of(
    fields: Iterable[FieldTarget], lookup: Lookup, timezone: tzinfo, owed: Owed
) -> dict[str, str | None]:
    """Return by target what is sent there."""
    values: dict[str, str | None] = {}
    for target in fields:
        try:  # `with owed` takes its time, and this is done for every field of every event
            if not target.otherwise and target.format is None:  # most are so
                value = joined(lookup(target.source))
            else:
                value = target.value(lookup, timezone)
        except InvalidEvent as error:
            owed.note(error)
        else:
            if not isinstance(value, Missing):
                values[target.target] = value
    return values
