"""What could not be applied in one account: by reason, letter by letter, and what is done about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from worker.dead_letters.entry import MAX_DETAIL, MAX_REASON
from worker.dead_letters.letter import DeadLetter
from worker.errors import BrokerUnavailable
from worker.ledger.history import find_history
from worker.ledger.letter_index import PAGE, IndexedLetter
from worker.ledger.letter_runs import Run, RunAction
from worker.ledger.letters import LetterPlace
from worker.ops.letters.ends import became, became_of_one
from worker.outside.texts import line, redacted
from worker.page.answers import refusal, render
from worker.page.letter_words import ACTIONS, shown_time, words_of
from worker.page.request import number_in, site_of
from worker.page.site import NO_LEDGER, Site
from worker.page.words import day

BODY_WITHIN: Final = 20.0
"""Seconds for which somebody waits until a letter's body can be looked for."""
HELD: Final = "Something is being done to the account's dead letters, or another tool holds them"
LONGEST: Final = 256 * 1024
"""Characters of a body that are shown."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show the dead letters by reason, those in the archive, and what was done lately."""
    return await _shown(request, "dead_letters.html", await _overview(request))


async def show_groups(request: web.Request) -> web.StreamResponse:
    """Show that alone, for whoever looks on."""
    return await _shown(request, "_dead_letters.html", await _overview(request))


async def _overview(request: web.Request) -> dict[str, Any] | None:
    site, name = site_of(request), request.match_info["account"]
    if not await site.has_ledger():
        return None
    dead = await site.letters.index.groups(name, LetterPlace.DEAD)
    archive = await site.letters.index.groups(name, LetterPlace.ARCHIVE)
    return {
        "places": [(LetterPlace.DEAD, "Dead letters", dead), (LetterPlace.ARCHIVE, "Archive", archive)],
        "runs": await site.letters.runs.latest(name),
        "depth": site.depth(name).dead,
        "indexed": sum(group.count for group in dead),
    }


async def show_group(request: web.Request) -> web.StreamResponse:
    """Show the letters of one reason, the newest first."""
    site, name = site_of(request), request.match_info["account"]
    reason, place = request.query.get("reason", ""), place_in(request.query.get("place", ""))
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    before, index = number_in(request.query.get("before", "")), site.letters.index
    letters = await index.page(name, place, reason, before=before)
    values = {
        "reason": reason,
        "place": place,
        "group": await index.group(name, place, reason),
        "letters": letters,
        "older": letters[-1].number if len(letters) == PAGE else None,
        "runs": await site.letters.runs.latest(name),
    }
    return await _shown(request, "dead_letter_group.html", values)


async def show_letter(request: web.Request) -> web.StreamResponse:
    """Show one letter, as the index has it."""
    letter = await letter_of(request)
    return refusal(request, 404) if letter is None else await render_letter(request, letter)


async def show_body(request: web.Request) -> web.StreamResponse:
    """Show one letter with its body and its headers, which are looked for in its queue."""
    letter = await letter_of(request)
    if letter is None:
        return refusal(request, 404)
    return await render_letter(request, letter, *await whole_of(request, letter))


async def render_letter(
    request: web.Request,
    letter: IndexedLetter,
    whole: DeadLetter | None = None,
    problem: str = "",
    text: str | None = None,
) -> web.Response:
    """Return the view of one letter.

    Args:
        request: Of whoever looks.
        letter: As the index has it.
        whole: The same with its body and headers, where these are shown.
        problem: Why something cannot be shown, or was not done.
        text: The body that somebody would have in its place; None for its own.
    """
    values: dict[str, Any] = {
        "letter": letter,
        "whole": whole,
        "problem": problem,
        "body": "",
        "typed": text or "",
        "mends": False,
    }
    if whole is not None:
        body = redacted(whole.text, LONGEST, addresses=False)
        values |= {"body": body, "headers": _headers(whole), "mended": body if text is None else text}
        # What is not shown as it is cannot be mended here.
        values["mends"] = body == whole.text and letter.place is LetterPlace.DEAD
    return await _shown(request, "dead_letter.html", values)


async def whole_of(request: web.Request, letter: IndexedLetter) -> tuple[DeadLetter | None, str]:
    """Return a letter with its body, or why it cannot be had, for people."""
    site, name = site_of(request), request.match_info["account"]
    try:
        whole = await site.letters.whole(name, letter, within=BODY_WITHIN)
    except BrokerUnavailable as error:
        return None, f"RabbitMQ cannot be asked: {error}."
    except TimeoutError:
        return None, f"{HELD}. Look again in a minute."
    if whole is None:
        return None, "It is no longer in its queue: somebody replayed or discarded it."
    return whole, ""


def _headers(whole: DeadLetter) -> list[tuple[str, str]]:
    known: Mapping[str, Any] = {**whole.properties, **whole.headers}
    return [(redacted(str(name), 255), _header(value)) for name, value in sorted(known.items())]


def _header(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return redacted(text, addresses=False)


async def show_run(request: web.Request) -> web.StreamResponse:
    """Show how far something has come that is done to dead letters, or how it ended."""
    values = await _run(request)
    return refusal(request, 404) if values is None else await _shown(request, "dead_letter_run.html", values)


async def show_run_state(request: web.Request) -> web.StreamResponse:
    """Show that part alone, for whoever looks on."""
    values = await _run(request)
    return refusal(request, 404) if values is None else await _shown(request, "_dead_letter_run.html", values)


async def _run(request: web.Request) -> dict[str, Any] | None:
    site, name = site_of(request), request.match_info["account"]
    number = number_in(request.match_info["run"])
    if number is None or not await site.has_ledger():
        return None
    run = await site.letters.runs.get(name, number)
    if run is None:
        return None
    left = await site.letters.index.group(name, run.place, run.reason) if run.reason else None
    return {
        "run": run,
        "became": await _became(site, run),
        "left": left,
        "fates": await _fates(site, run),
    }


async def _fates(site: Site, run: Run) -> list[tuple[IndexedLetter, str, str]]:
    """Return the first letters of a dry run that are still there: what would become of each, and why."""
    told = site.letters.runner.told.of(run.id)
    if not told or run.ended_at is None:
        return []
    letters = await site.letters.index.these(run.account, told.keys())
    fates = [(each, told[each.entry.id]) for each in letters]
    return [(each, line(fate.told, MAX_REASON), line(fate.why, MAX_DETAIL)) for each, fate in fates]


async def _became(site: Site, run: Run) -> tuple[str, str]:
    """Return what became of replayed events: its mood, and a sentence; empty where there are none.

    The history tells it of a single one, and why. Of many it would have to be asked for each: workers count.
    """
    if run.action is not RunAction.REPLAY:
        return "", ""
    if run.event_id:
        lines = await find_history(site.ledger.database, event_id=run.event_id, account=run.account, limit=1)
        if lines and lines[0].at >= run.started_at:
            return became_of_one(lines[0].outcome, lines[0].detail)
    return became(run.done - run.gone, await site.letters.runs.ends(run.account, run.id))


# -- what views share -------------------------------------------------------------------------------------


async def letter_of(request: web.Request) -> IndexedLetter | None:
    """Return the letter that an address names; None where it is not this account's, or gone."""
    site, number = site_of(request), number_in(request.match_info["number"])
    if number is None or not await site.has_ledger():
        return None
    return await site.letters.index.letter(request.match_info["account"], number)


def place_in(text: str) -> LetterPlace:
    """Return the queue that an address or a form names; the dead letters' where it names none."""
    return LetterPlace.ARCHIVE if text == LetterPlace.ARCHIVE else LetterPlace.DEAD


async def _shown(request: web.Request, template: str, values: dict[str, Any] | None) -> web.Response:
    if values is None:
        return refusal(request, 503, NO_LEDGER)
    always = {"account": request.match_info["account"], "view": "dead_letters"}
    words = {"words_of": words_of, "shown_time": shown_time, "day": day, "actions": ACTIONS}
    return render(request, template, {**always, **words, **values})


ROUTES: Final = (
    web.get("/accounts/{account}/dead-letters", show),
    web.get("/accounts/{account}/dead-letters/_groups", show_groups),
    web.get("/accounts/{account}/dead-letters/group", show_group),
    web.get("/accounts/{account}/dead-letters/letters/{number}", show_letter),
    web.get("/accounts/{account}/dead-letters/letters/{number}/body", show_body),
    web.get("/accounts/{account}/dead-letters/runs/{run}", show_run),
    web.get("/accounts/{account}/dead-letters/runs/{run}/_state", show_run_state),
)
