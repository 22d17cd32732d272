"""Every address of the page, and who may ask for it: what the tests attack, one after another.

A new address gets its row here; without one, `attacks/test_rights.py` fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, cast

from aiohttp.web import UrlDispatcher

from worker.page.app import page


class Who(Enum):
    """Who may ask for an address."""

    ANYBODY = auto()
    """Also whoever has no session."""
    SIGNED_IN = auto()
    """Whoever has a session, of any kind."""
    OPERATORS = auto()
    ADMINS = auto()
    """Operators, and the account's own admin; a post needs the right to change something."""


@dataclass(frozen=True, slots=True)
class Row:
    """What is expected of one address.

    Attributes:
        who: See `Who`.
        query: With which it shows something.
        form: What a post of it sends.
        only_looks: Whether a post of it changes nothing, so that whoever may look may send it.
    """

    who: Who
    query: str = ""
    form: Mapping[str, str] | None = None
    only_looks: bool = False


ANYBODY, SIGNED_IN, OPERATORS, ADMINS = (Row(who) for who in Who)
ROUTES: Final[Mapping[str, Row]] = {
    "GET /": SIGNED_IN,
    "GET /_accounts": OPERATORS,
    "GET /_day": OPERATORS,
    "GET /journal": OPERATORS,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "GET /link/{token}": ANYBODY,
    "POST /link/{token}": ANYBODY,
    "POST /sign-out": SIGNED_IN,
    "GET /connected": SIGNED_IN,
    "GET /static": ANYBODY,
    "GET /accounts/{account}": ADMINS,
    "GET /accounts/{account}/_state": ADMINS,
    "GET /accounts/{account}/_day": ADMINS,
    "GET /accounts/{account}/events": ADMINS,
    "GET /accounts/{account}/events/_rows": ADMINS,
    "GET /accounts/{account}/events/edit": Row(Who.ADMINS, "?event=subscription.started"),
    "POST /accounts/{account}/events/edit": Row(Who.ADMINS, "?event=subscription.started"),
    "GET /accounts/{account}/fields": ADMINS,
    "GET /accounts/{account}/fields/edit": Row(Who.ADMINS, "?field=mk_user_id"),
    "POST /accounts/{account}/fields/edit": Row(Who.ADMINS, "?field=mk_user_id"),
    "GET /accounts/{account}/text": ADMINS,
    "POST /accounts/{account}/text": ADMINS,
    "GET /accounts/{account}/looks/{look}/_state": ADMINS,
    "GET /accounts/{account}/tests": ADMINS,
    "GET /accounts/{account}/versions": ADMINS,
    "GET /accounts/{account}/versions/_in_force": ADMINS,
    "GET /accounts/{account}/versions/{version}": ADMINS,
    "POST /accounts/{account}/versions/{version}": ADMINS,
    "GET /accounts/{account}/dead-letters": ADMINS,
    "GET /accounts/{account}/dead-letters/_groups": ADMINS,
    "GET /accounts/{account}/dead-letters/group": Row(Who.ADMINS, "?reason=kit_rejected"),
    "GET /accounts/{account}/dead-letters/letters/{number}": ADMINS,
    "GET /accounts/{account}/dead-letters/letters/{number}/body": ADMINS,
    "GET /accounts/{account}/dead-letters/runs/{run}": ADMINS,
    "GET /accounts/{account}/dead-letters/runs/{run}/_state": ADMINS,
    "POST /accounts/{account}/dead-letters/runs": ADMINS,
    "POST /accounts/{account}/dead-letters/notes": ADMINS,
    "POST /accounts/{account}/dead-letters/letters/{number}/mend": ADMINS,
    "GET /accounts/{account}/apply": ADMINS,
    "GET /accounts/{account}/apply/_state": ADMINS,
    "POST /accounts/{account}/apply/plan": ADMINS,
    "POST /accounts/{account}/apply/start": Row(Who.ADMINS, form={"plan": "h-1", "taggings": "1"}),
    "POST /accounts/{account}/apply/stop": Row(Who.ADMINS, form={"plan": "h-1"}),
    "POST /accounts/{account}/apply/undo": Row(Who.ADMINS, form={"plan": "h-1", "sure": "yes"}),
    "GET /accounts/{account}/backfill": ADMINS,
    "GET /accounts/{account}/backfill/_state": ADMINS,
    "POST /accounts/{account}/backfill": ADMINS,
    "POST /accounts/{account}/backfill/run": Row(Who.ADMINS, form={"run": "backfill-1", "taggings": "1"}),
    "POST /accounts/{account}/backfill/away": ADMINS,
    "POST /accounts/{account}/backfill/stop": Row(Who.ADMINS, form={"run": "backfill-1"}),
    "POST /accounts/{account}/backfill/undo": Row(Who.ADMINS, form={"run": "backfill-1", "sure": "yes"}),
    "GET /accounts/{account}/drift": ADMINS,
    "GET /accounts/{account}/drift/_state": ADMINS,
    "POST /accounts/{account}/drift": ADMINS,
    "POST /accounts/{account}/drift/stop": ADMINS,
    "POST /accounts/{account}/drift/repair": Row(Who.ADMINS, form={"asked": "1.0", "count": "1"}),
    "POST /accounts/{account}/drift/adopt": Row(Who.ADMINS, form={"asked": "1.0", "count": "1"}),
    "GET /accounts/{account}/lint": ADMINS,
    "GET /accounts/{account}/journal": ADMINS,
    "GET /accounts/{account}/people": ADMINS,
    "GET /accounts/{account}/people/{email}": ADMINS,
    "GET /accounts/{account}/people/{email}/forget": ADMINS,
    "POST /accounts/{account}/people/{email}/forget": ADMINS,
    "POST /accounts/{account}/people/{email}/again": ADMINS,
    "GET /accounts/{account}/try": Row(Who.ADMINS, "?kind=subscription.started&email=ada%40example.com"),
    "POST /accounts/{account}/try": Row(Who.ADMINS, only_looks=True),
    "POST /accounts/{account}/held": Row(Who.ADMINS, form={"plan": "0000000000000000"}),
    "POST /accounts/{account}/test": ADMINS,
    "POST /accounts/{account}/key": Row(Who.ADMINS, form={"key": "kit_entered0123456789"}),
    "POST /accounts/{account}/connect": ADMINS,
    "POST /accounts/{account}/disconnect": ADMINS,
    "POST /accounts/{account}/link": OPERATORS,
    "POST /accounts/{account}/pause": OPERATORS,
    "POST /accounts/{account}/resume": OPERATORS,
}
PARTS: Final[Mapping[str, str]] = {
    "account": "sunny", "email": "ada%40example.com", "token": "x", "version": "1",
    "number": "1", "run": "1", "look": "0" * 64,
}  # fmt: skip
"""What stands in the place of each part of an address, unless a test says otherwise."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address as it is asked for."""

    method: str
    path: str
    row: Row

    @property
    def form(self) -> Mapping[str, str] | None:
        """What is sent: a form, or nothing."""
        return None if self.method == "GET" else (self.row.form or {})


def routes() -> Iterator[str]:
    """Yield all addresses that the page has, as the table calls them."""
    router: UrlDispatcher = page(cast("Any", None)).router
    for route in router.routes():
        if route.method != "HEAD" and route.resource is not None:  # who may get may ask for the head
            yield f"{route.method} {route.resource.canonical}"


def addresses(*who: Who, method: str = "", **parts: str) -> Iterator[Address]:
    """Yield the addresses that these may ask for, or all.

    Args:
        who: Whose; all if none are named.
        method: GET, POST, or both.
        parts: What stands in the place of parts of the addresses, besides `PARTS`.
    """
    for name, row in ROUTES.items():
        verb, pattern = name.split(" ")
        if (not who or row.who in who) and method in {"", verb} and pattern != "/static":
            path = re.sub(r"{(\w+)}", lambda found: {**PARTS, **parts}[found[1]], pattern)
            yield Address(verb, path + row.query, row)


def views(*, parts: bool = True) -> list[str]:
    """Return what an operator can look at: all views of `sunny`, and those of no account.

    Args:
        parts: Also parts of views, which scripts ask for.
    """
    found = [each.path for each in addresses(Who.SIGNED_IN, Who.OPERATORS, Who.ADMINS, method="GET")]
    return [path for path in found if path != "/connected" and (parts or "/_" not in path)]
