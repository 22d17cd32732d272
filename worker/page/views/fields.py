"""Where the platform's values go in one account's Kit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from worker.accounts.account import Account
from worker.events.values import MISSING, lookup
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, path_of
from worker.mapping import FIRST_NAME, FieldTarget
from worker.mapping.words import name_of
from worker.page.answers import render
from worker.page.request import site_of


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One value of the platform's.

    Attributes:
        name: What people call it.
        source: As the account's file names it.
        example: Of such a value; empty where there is none.
        target: The custom field in Kit; empty where it goes nowhere.
        how: How it is sent, and from what else; empty where there is nothing to say.
    """

    name: str
    source: str
    example: str
    target: str
    how: str = ""


async def show(request: web.Request) -> web.StreamResponse:
    """Show where each value goes."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    values: dict[str, Any] = {"account": name, "view": "fields", "is_wrong": account is None}
    values["rows"] = [] if account is None else list(_rows(account))
    return render(request, "fields.html", values)


def _rows(account: Account) -> Iterator[FieldRow]:
    """Yield the values that are sent, and then those of the platform's that are not."""
    for field in account.fields:
        yield FieldRow(name_of(field.source), field.source, _example(field.source), _told(field), _how(field))
    sent = {name for field in account.fields for name in field.sources}
    for source in PLATFORM_FIELDS:
        if source not in sent:
            yield FieldRow(name_of(source), source, _example(source), "")


def _told(field: FieldTarget) -> str:
    return "first name, which Kit has by itself" if field.target == FIRST_NAME else field.target


def _how(field: FieldTarget) -> str:
    otherwise = ", else ".join(name_of(name) for name in field.otherwise)
    parts = [f"where there is none, {otherwise}"] if otherwise else []
    parts += ["as a date"] if field.format == "date" else []
    return "; ".join(parts)


def _example(source: str) -> str:
    """Return a value as the guide's examples have it; of nobody real."""
    for handler in HANDLERS.values():
        found = lookup(dict(handler.example), path_of(source))  # type: ignore[arg-type]  # it is plain JSON
        if found is not MISSING:
            return str(found)
    return ""
