"""Finds the endpoint for a method and a path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_MAX_DIGITS = 18  # longer numbers are nobody's id


E = TypeVar("E")


class Match(NamedTuple, Generic[E]):
    """An endpoint, its name such as `PUT /v4/tags/{id}`, and the ids in the path."""

    name: str
    endpoint: E
    ids: tuple[int, ...]


class Router(Generic[E]):
    """Endpoints by method and path. In a path, every number is an id."""

    def __init__(self, routes: Mapping[str, E]) -> None:
        self._routes = {_PLACEHOLDER.sub("{}", name): (name, endpoint) for name, endpoint in routes.items()}

    def find(self, method: str, path: str) -> Match[E] | None:
        """The endpoint of a request, or None where there is none."""
        ids: list[int] = []
        shape: list[str] = []
        for part in path.split("/"):
            if part.isdecimal() and part.isascii() and len(part) <= _MAX_DIGITS:
                ids.append(int(part))
                shape.append("{}")
            else:
                shape.append(part)
        found = self._routes.get(f"{method} {'/'.join(shape)}")
        return None if found is None else Match(*found, tuple(ids))
