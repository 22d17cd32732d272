"""An account's own examples: which hold by the file as it is now, and what is otherwise with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from aiohttp import web

from worker.accounts.account import Account
from worker.errors import Problem
from worker.ops.examples.files import FileResult
from worker.ops.examples.run import ExampleResult
from worker.page.answers import render
from worker.page.examples import ExampleResults
from worker.page.others import without_others
from worker.page.request import site_of


async def show(request: web.Request) -> web.StreamResponse:
    """Show each example, and its difference where it does not hold."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    found = ExampleResults() if account is None else await site.examples.of(account)
    values = {"account": name, "view": "tests", "is_wrong": account is None}
    return render(request, "tests.html", {**values, **told(found, account)})


def told(found: ExampleResults, account: Account | None) -> Mapping[str, Any]:
    """Return what a template shows of an account's examples."""
    name = "" if account is None else account.name
    return {
        "tests": [_row(file, each, name) for file in found.files for each in file.results],
        "faults": [
            str(Problem(PurePath(each.where).name, each.text))
            for file in found.files
            for each in file.problems
        ],
        "left": sum(file.left for file in found.files),
        "too_large": found.too_large,
    }


def _row(file: FileResult, result: ExampleResult, name: str) -> dict[str, Any]:
    looks = [
        {
            "at": look.at,
            "email": look.email,
            "lines": [
                {
                    "sign": each.sign,
                    "kind": "removed" if each.sign == "-" else "added",
                    "text": each.what,
                    "why": without_others(each.why, name),
                }
                for each in look.differences
            ],
        }
        for look in result.looks
    ]
    place = f"{file.path.name}, line {result.line}"
    return {"name": result.name, "place": place, "holds": result.holds, "looks": looks, "ends": result.events}
