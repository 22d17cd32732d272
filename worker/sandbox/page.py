"""The page at `/`: who is in each account, the latest calls, and what is going wrong.

It looks again by itself where the browser runs scripts, until somebody pauses it; nothing else needs one.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterator
from html import escape

from worker.sandbox.answers import Answer
from worker.sandbox.credentials import masked
from worker.sandbox.journal import Call
from worker.sandbox.layout import Cell, breakable, document, listed, table, whole
from worker.sandbox.views import AccountView, Person
from worker.sandbox.world import World

SHOWN_SUBSCRIBERS = 200
SHOWN_CALLS = 30
REFRESH = 2  # seconds

# A page that reloads itself takes away what one reads, marks or has under the fingers; so only what changed
# is put in its place, not while somebody marks text, and one can stop it.
_SCRIPT = """
"use strict";
const main = document.querySelector("main"), button = document.querySelector("button");
const said = document.querySelector("[role=status]");
let paused = false;
button.hidden = false;
button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Go on" : "Pause";
  said.textContent = paused ? "Paused: this is how it was." : "";
});
async function look() {
  const answer = await fetch(location.href);
  if (!answer.ok) throw new Error(answer.status);
  const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (!paused && now.innerHTML !== main.innerHTML) main.replaceChildren(...now.childNodes);
}
async function follow() {
  if (!paused && !document.hidden && getSelection().isCollapsed) {
    await look().then(() => "", () => "The sandbox does not answer: start it again, and this page goes on.")
      .then((text) => { if (!paused && said.textContent !== text) said.textContent = text; });
  }
  setTimeout(follow, EVERY);
}
setTimeout(follow, EVERY);
"""


def answer(world: World) -> Answer:
    """The page as it stands."""
    accounts = "".join(_account(world, secret, world.view(account)) for secret, account in world.accounts)
    parts = [
        '<header><p class="name">Kit sandbox</p>',
        "<p>A local stand-in for the Kit v4 API. It holds its data in memory only.</p>",
        '<button class="second last" hidden>Pause</button>',
        '<noscript><a class="last" href="/">Look again</a></noscript><p role="status"></p></header>',
        "<main><h1>Who is in Kit</h1>",
        accounts or "<p>No account yet: the first request with a credential opens one.</p>",
        _calls(world),
        _faults(world),
        _connections(world),
        f"</main><script>{_SCRIPT.replace('EVERY', str(REFRESH * 1000))}</script>",
    ]
    return document(200, "Kit sandbox", "".join(parts))


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{breakable(title)}</h2>{''.join(parts)}</section>"


def _account(world: World, secret: str | None, view: AccountView) -> str:
    people = view.subscribers()
    newest = list(people.values())[-SHOWN_SUBSCRIBERS:][::-1]
    figures = f"<p>{_counted(len(people), 'subscriber')}, {_counted(len(view.tags()), 'tag')}"
    if len(people) > len(newest):
        figures += f"; the newest {SHOWN_SUBSCRIBERS} are shown"
    if secret is not None:
        busiest = _counted(world.peak(secret), "request")
        figures += f". Key {escape(masked(secret))}: {busiest} in its busiest {world.limits.window:g} s"
    if not people:
        return _section(view.name, figures, ". Nobody yet: publish an event, or call the API.</p>")
    columns = ("Address", "First name", "State", "Tags", "Fields")
    return _section(view.name, figures, ".</p>", table(view.name, columns, map(_person, newest)))


def _person(person: Person) -> tuple[object, ...]:
    values = (f"{key}: {value}" for key, value in sorted(person.fields.items()))
    return (
        person.email_address,
        person.first_name or "",
        person.state,
        listed("tags", sorted(person.tags, key=str.lower)),
        listed("fields", values),
    )


def _calls(world: World) -> str:
    if not world.journal.calls:
        return _section("Latest calls", "<p>None yet.</p>")
    views = {account.name: world.view(account) for _, account in world.accounts}
    rows = (
        (
            whole(time.strftime("%H:%M:%S", time.localtime(call.arrived_at))),
            Cell(_request(call, views.get(call.account or ""))),
            call.account or "",
            "under way" if call.ended is None else call.status or "no answer",
            "" if call.ended is None else whole(f"{(call.ended - call.arrived) * 1000:.0f} ms"),
            call.fault or "",
        )
        for call in _newest(world.journal.calls)
    )
    columns = ("Time", "Request", "Account", "Status", "Took", "Fault")
    return _section("Latest calls", table("Latest calls", columns, rows))


def _newest(calls: deque[Call]) -> Iterator[Call]:
    return (calls[-number] for number in range(1, min(SHOWN_CALLS, len(calls)) + 1))


def _request(call: Call, view: AccountView | None) -> str:
    """Its method and path, with names in the place of ids."""
    pieces = re.split(r"(?<=/)(\d{1,20})(?=/|$)", call.path)
    names = (view.name_of(int(each)) if view and number % 2 else None for number, each in enumerate(pieces))
    shown = (
        breakable(each) if name is None else f"<b>{breakable(name)}</b>"
        for each, name in zip(pieces, names, strict=True)
    )
    return f"{escape(call.method)} {'<wbr>'.join(shown)}"


def _faults(world: World) -> str:
    settings = f"Every answer takes {world.latency:g} s; lists lag by {world.list_lag:g} s."
    rows = [
        (
            rule.fault,
            " ".join(filter(None, (rule.method or "any", rule.path or "any path", rule.email))),
            rule.account or "any",
            f"{rule.struck} of {'any number' if rule.times is None else rule.times}",
        )
        for rule in world.faults
        if not rule.spent
    ]
    if not rows:
        return _section("Faults", f"<p>None. {settings}</p>")
    columns = ("Fault", "Requests", "Account", "Struck")
    return _section("Faults", f"<p>{settings}</p>", table("Faults", columns, rows))


def _connections(world: World) -> str:
    rows = [
        (
            each.account,
            each.client_id,
            each.access_token,
            f"good for {each.expires_at - world.wall():.0f} s" if each.state == "good" else each.state,
            each.refreshes,
        )
        for each in world.oauth.connected()
    ]
    columns = ("Account", "App", "Access token", "State", "Refreshed")
    title = "Connected by OAuth"
    return _section(title, table(title, columns, rows)) if rows else ""


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
