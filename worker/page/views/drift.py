"""What Kit has otherwise than it was given: the last comparison, and having the account compared anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from worker.errors import LedgerUnavailable
from worker.ledger.drift import DONE, GOING, STOPPED, DriftRun, DriftRuns, FoundPerson
from worker.ledger.taggings import count_people
from worker.ops.drift.compare import CLASSES, AccountDrift
from worker.ops.drift.plan import TOLD
from worker.outside.texts import line
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import refusal, render
from worker.page.drift_mendings import ShownMending, mendings_of
from worker.page.request import site_of, visitor_of
from worker.page.site import NO_LEDGER
from worker.page.words import Told, day
from worker.subscribers.drifted import DriftKind
from worker.subscribers.identity import normalize_email

PLACE: Final = "/accounts/{account}/drift"
PAGE: Final = 50
"""People who are shown at once."""
LONGEST: Final = 200
"""Characters of a name, or of a value in Kit, that are shown."""
WAITS: Final = "The account's worker does it, with a fifth of what Kit allows, and while no event waits."


async def show(request: web.Request) -> web.StreamResponse:
    """Show what the last comparison has found."""
    return await _shown(request, "drift.html")


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that alone, for whoever looks on."""
    return await _shown(request, "_drift.html")


async def _shown(request: web.Request, template: str) -> web.Response:
    site, name, after = site_of(request), request.match_info["account"], _after(request)
    run, people, expected, problem = None, list[FoundPerson](), 0, ""
    in_all, mendings = 0, list[ShownMending]()
    try:
        if not await site.has_ledger():
            problem = NO_LEDGER
        else:
            runs = DriftRuns(site.ledger)
            run, people = await runs.get(name), await runs.found(name, after=after, limit=PAGE + 1)
            in_all, mendings = await runs.count(name), await mendings_of(site, name)
            expected = await count_people(site.ledger.database, name) if run and run.state == GOING else 0
    except LedgerUnavailable as error:
        problem = f"The ledger cannot be read: {error}."
    values = {
        "account": name,
        "view": "drift",
        "problem": problem,
        "run": run,
        "expected": expected,
        "in_all": in_all,
        "taggings": 0 if run is None else taggings_in(run),
        "mendings": mendings,
        "mends": _mends(run, mendings),
        "live": not after and ((run and run.state == GOING) or any(not each.told for each in mendings)),
        "after": after,
        "groups": _groups(run),
        "names": _names(run),
        "people": [(each.email, [_told(*row) for row in _rows(each)]) for each in people[:PAGE]],
        "older": people[PAGE - 1].email if len(people) > PAGE else None,
        "day": day,
    }
    return render(request, template, values)


def _mends(run: DriftRun | None, mendings: Sequence[ShownMending]) -> bool:
    """Tell whether what was found may be mended: it is the last word, and nobody has mended it yet."""
    if run is None or run.state != DONE or run.ended_at is None:
        return False
    return all(each.told and each.begun.at < run.ended_at for each in mendings)


def _after(request: web.Request) -> str:
    """Return the address after which people are shown; empty for the first ones, or where it is none."""
    try:
        return normalize_email(request.query.get("after", ""))
    except ValueError:
        return ""


def taggings_in(run: DriftRun) -> int:
    """Return how many tags a repair of what was found would put on again."""
    return run.progress.counts.get(DriftKind.TAG_MISSING.value, 0)


def _groups(run: DriftRun | None) -> list[tuple[str, int]]:
    """Return how many differences there are of each kind, in words."""
    counts = {} if run is None else run.progress.counts
    return [(TOLD[each], counts[each]) for each in CLASSES if each in TOLD and counts.get(each)]


def _names(run: DriftRun | None) -> list[str]:
    """Return what is told of tags and custom fields that somebody renamed or deleted."""
    names = {} if run is None else run.progress.names
    return [
        line(AccountDrift(*name, people=count).told, 3 * LONGEST) for name, count in sorted(names.items())
    ]


def _rows(person: FoundPerson) -> list[tuple[str, str, str | None]]:
    return [(row.kind.value, row.name, row.kit) for row in person.rows]


def _told(kind: str, name: str, kit: str | None) -> str:
    """Return one difference in words."""
    about = f"{line(name, LONGEST, addresses=False)}: " if name else ""
    has = f" (in Kit: {line(kit, LONGEST, addresses=False)})" if kit else ""
    return f"{about}{TOLD[kind]}{has}"


async def begin(request: web.Request) -> web.StreamResponse:
    """Have the account compared with Kit; one that was stopped goes on."""
    site, name = site_of(request), request.match_info["account"]
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    await DriftRuns(site.ledger).begin(name, visitor_of(request).who)
    told = Told("good", "The account is being compared with Kit; nothing is changed by it.", WAITS)
    return await ended(request, "drift", told, view_of(name, "drift"))


async def stop(request: web.Request) -> web.StreamResponse:
    """Let a comparison rest where it is."""
    site, name = site_of(request), request.match_info["account"]
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    told = Told("busy", "Nothing was stopped: no comparison goes on.")
    if stopped := await DriftRuns(site.ledger).stop(name):
        told = Told("good", "The comparison rests where it is.", "Go on with it whenever you like.")
    return await ended(request, STOPPED, told, view_of(name, "drift"), what="drift", count=int(stopped))


ROUTES: Final = (
    web.get(PLACE, show),
    web.get(f"{PLACE}/_state", show_state),
    web.post(PLACE, begin),
    web.post(f"{PLACE}/stop", stop),
)
