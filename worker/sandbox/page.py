"""The page at `/`: who is in each account, what is going wrong, and the latest calls. No scripts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from html import escape

from worker.sandbox.answers import HTML, Answer
from worker.sandbox.credentials import masked
from worker.sandbox.journal import Call
from worker.sandbox.views import AccountView, Person
from worker.sandbox.world import World

SHOWN_SUBSCRIBERS = 200
SHOWN_CALLS = 30
REFRESH = 2  # seconds

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
       color: #1c1c1c; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
th { font-weight: 600; background: #f5f5f5 }
td { overflow-wrap: anywhere }
.tag { display: inline-block; background: #e4edf7; border-radius: .6rem; padding: 0 .5rem;
       margin: 0 .2rem .1rem 0 }
.quiet { color: #666 }
"""


def answer(world: World) -> Answer:
    """The page as it stands."""
    accounts = "".join(_account(world, secret, world.view(account)) for secret, account in world.accounts)
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="refresh" content="{REFRESH}"><title>Kit sandbox</title>',
        f"<style>{_STYLE}</style></head>",
        "<body><h1>Kit sandbox</h1>",
        '<p class="quiet">A local stand-in for the Kit v4 API. It holds its data in memory only.</p>',
        _faults(world),
        _connections(world),
        accounts or "<p>No account yet: the first request with a credential opens one.</p>",
        _calls(world.journal.calls),
        "</body></html>\n",
    ]
    return Answer(200, "".join(parts).encode(), HTML)


def _faults(world: World) -> str:
    active = [rule for rule in world.faults if not rule.spent]
    settings = f"Every answer takes {world.latency:g} s; lists lag by {world.list_lag:g} s."
    if not active:
        return f"<h2>Faults</h2><p>None. {settings}</p>"
    rows = [
        (
            rule.fault,
            " ".join(filter(None, (rule.method or "any", rule.path or "any path", rule.email))),
            rule.account or "any",
            f"{rule.struck} of {'any number' if rule.times is None else rule.times}",
        )
        for rule in active
    ]
    return f"<h2>Faults</h2><p>{settings}</p>" + _table(("Fault", "Requests", "Account", "Struck"), rows)


def _connections(world: World) -> str:
    rows = [
        (
            each.client_id,
            each.account,
            each.access_token,
            f"good for {each.expires_at - world.wall():.0f} s" if each.state == "good" else each.state,
            each.refreshes,
        )
        for each in world.oauth.connected()
    ]
    if not rows:
        return ""
    columns = ("Client", "Account", "Access token", "State", "Refreshed")
    return "<h2>Connected by OAuth</h2>" + _table(columns, rows)


def _account(world: World, secret: str | None, view: AccountView) -> str:
    people = view.subscribers()
    newest = list(people.values())[-SHOWN_SUBSCRIBERS:][::-1]
    more = f", the newest {SHOWN_SUBSCRIBERS} shown" if len(people) > len(newest) else ""
    used, key = "", ""
    if secret is not None:
        used = f"; {world.peak(secret)} requests in its busiest {world.limits.window:g} s"
        key = masked(secret)
    head = (
        f'<h2>{escape(view.name)} <span class="quiet">{escape(key)}</span></h2>'
        f"<p>{len(people)} subscribers{more}; {len(view.tags())} tags{used}.</p>"
    )
    columns = ("Email address", "First name", "State", "Tags", "Fields")
    return head + "<table>" + _head(columns) + "".join(map(_person, newest)) + "</table>"


def _person(person: Person) -> str:
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in sorted(person.tags, key=str.lower))
    values = "<br>".join(f"{escape(key)}: {escape(value)}" for key, value in sorted(person.fields.items()))
    name = escape(person.first_name or "")
    state = escape(person.state)
    return (
        f"<tr><td>{escape(person.email_address)}</td><td>{name}</td><td>{state}</td>"
        f"<td>{tags}</td><td>{values}</td></tr>"
    )


def _calls(calls: deque[Call]) -> str:
    newest = [calls[-number] for number in range(1, min(SHOWN_CALLS, len(calls)) + 1)]
    rows = [
        (
            time.strftime("%H:%M:%S", time.localtime(call.arrived_at)),
            f"{call.method} {call.path}",
            call.account or "",
            "under way" if call.ended is None else call.status or "no answer",
            "" if call.ended is None else f"{(call.ended - call.arrived) * 1000:.0f} ms",
            call.fault or "",
        )
        for call in newest
    ]
    return "<h2>Latest calls</h2>" + _table(("Time", "Request", "Account", "Status", "Took", "Fault"), rows)


def _table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table>{_head(columns)}{body}</table>"


def _head(columns: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<th>{escape(column)}</th>" for column in columns) + "</tr>"
