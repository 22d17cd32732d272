"""What people do to dead letters: replay, after a dry run perhaps, discard, archive, mend, and note."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from worker.accounts.account import Account
from worker.dead_letters.entry import MAX_REASON
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.mended import mended_message
from worker.errors import BrokerUnavailable, EventError
from worker.ledger.letter_index import IndexedLetter, Note
from worker.ledger.letter_runs import RunAction, Wanted
from worker.ledger.letters import LetterPlace
from worker.ops.letters.dry_run import as_in_queue, why_not
from worker.ops.letters.ends import counted
from worker.outside.texts import line
from worker.page.actions import ended, noted
from worker.page.addresses import part, view_of
from worker.page.answers import refusal, see
from worker.page.event_size import too_large
from worker.page.letter_words import ACTIONS
from worker.page.proposal import LARGEST_EVENT_FORM, form_in
from worker.page.request import number_in, site_of, visitor_of
from worker.page.site import NO_LEDGER, Site
from worker.page.views.dead_letters import BODY_WITHIN, HELD, letter_of, place_in, render_letter, whole_of
from worker.page.words import Told

WAITED: Final = 2.0
"""Seconds for which the end of what was begun is waited for: most of it is done by then."""
LONGEST_NOTE: Final = 500
"""Characters."""
NO_LONGER_DEAD: Final = (
    "Nothing was replayed: the letter is not among the dead letters any more. Somebody replayed, archived or "
    "discarded it meanwhile."
)


async def begin(request: web.Request) -> web.StreamResponse:
    """Begin what was asked for, and go to where one sees how far it has come."""
    site, name, form = site_of(request), request.match_info["account"], await request.post()
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    what = _about(form)
    action = _action(str(form.get("action", "")), place_in(str(form.get("place", ""))))
    if action is None:
        return refusal(request, 400, "The page offers no such thing.")
    if action is RunAction.DISCARD and form.get("sure") != "yes":
        told = Told("busy", "Nothing was deleted.", "Tick the box first: what is deleted is gone for good.")
        return await ended(request, action, told, _back(request, form), what=what, count=0)
    wanted = _wanted(request, action, form)
    run = await site.letters.runner.begin(name, wanted, within=WAITED)
    if run is None:
        said = "Nothing was done: it is gone, something is being done to it, or others were restored since."
        told = Told("busy", said, "What was done lately tells which, and by whom.")
        return await ended(request, action, told, _back(request, form), what=what, count=0)
    which = f" ({line(run.reason, MAX_REASON)})" if run.reason else ""
    said, place = (
        f"{ACTIONS[action]} of {counted(run.total)}{which} was begun.",
        f"{_letters(name)}/runs/{run.id}",
    )
    later = await _later(site, name, wanted)
    if later:
        left = f"{later:,} that came since you looked {'is' if later == 1 else 'are'} not among them."
        return await ended(request, action, Told("busy", f"{said} {left}"), place, what=what, count=run.total)
    await noted(request, action, Told("good", said), what=what, count=run.total)
    return see(place)


def _wanted(request: web.Request, action: RunAction, form: Mapping[str, object]) -> Wanted:
    """Return what a form asks for: about the letter, or no more of a group, than whoever sent it saw."""
    letter = str(form.get("id", ""))
    return Wanted(
        action,
        line(visitor_of(request).who),
        place_in(str(form.get("place", ""))),
        "" if letter else str(form.get("reason", "")),
        letter,
        oldest=form.get("oldest") == "yes",
        newest=None if letter else number_in(str(form.get("newest", ""))) or 0,
        seen=None if letter else number_in(str(form.get("count", ""))) or 0,
    )


async def _later(site: Site, name: str, wanted: Wanted) -> int:
    """Return how many letters of a group came since somebody saw it, where all that they saw are meant."""
    if wanted.newest is None or wanted.oldest:
        return 0
    return await site.letters.index.later(name, wanted.place, wanted.reason, wanted.newest)


def _action(text: str, place: LetterPlace) -> RunAction | None:
    """Return what is to be done to letters in a queue; None where a form by hand says what is not offered."""
    action = RunAction(text) if text in ACTIONS else None
    return action if action is not None and action.fits(place) else None


async def mend(request: web.Request) -> web.StreamResponse:
    """Put a new event with a mended body in a letter's place."""
    site, name, letter = site_of(request), request.match_info["account"], await letter_of(request)
    form, account = await form_in(request, LARGEST_EVENT_FORM), site.account(name)
    text = form.get("body")
    if letter is None or letter.place is not LetterPlace.DEAD or letter.entry.id != form.get("id"):
        return refusal(request, 404, NO_LONGER_DEAD, typed=text)
    whole, problem = await whole_of(request, letter)
    if whole is None or account is None:
        problem = problem or "The account's file has a mistake, which has to be mended first."
        return await render_letter(request, letter, None, f"Nothing was replayed. {problem}", text)
    told, what = await _mended(request, letter, whole, account, text), f"letter {letter.number}"
    if told.mood == "good":
        return await ended(request, "mend", told, _letters(name), what=what)
    if told.mood == "busy":
        await noted(request, "mend", told, what=what)
    said = " ".join(filter(None, (told.sentence, told.remedy, "What you typed is still below.")))
    return await render_letter(request, letter, whole, said, text)


async def _mended(
    request: web.Request, letter: IndexedLetter, whole: DeadLetter, account: Account, text: str
) -> Told:
    """Put the event in the letter's place; return how that ended: busy where nobody knows."""
    site = site_of(request)
    try:
        message = mended_message(as_in_queue(whole), whole, text)
        problem = too_large(len(message.body)) or why_not(message, account, site.clock.now())
        if not problem and not await site.letters.mend(account.name, letter, text, within=BODY_WITHIN):
            problem = "it is no longer in its queue: somebody replayed or discarded it"
    except EventError as error:
        problem = str(error)
    except TimeoutError:
        problem = f"{HELD[0].lower()}{HELD[1:]}; try again in a minute"
    except BrokerUnavailable as error:
        said = f"1 event may have been replayed in the place of letter {letter.number}: {error}."
        remedy = "To replay the same text once more does no harm; another text would be a second event."
        return Told("busy", said, remedy)
    if problem:
        return Told("bad", f"Nothing was replayed: {problem}.")
    said = f"1 event was replayed in the place of letter {letter.number}, with the mended body."
    remedy = "If it fails again, it is here again in a moment; else People shows what it did."
    return Told("good", said, remedy)


async def note(request: web.Request) -> web.StreamResponse:
    """Keep a note for a colleague, about one letter or a group."""
    site, name, form = site_of(request), request.match_info["account"], await request.post()
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    text = line(str(form.get("note", "")).strip(), LONGEST_NOTE)
    written = Note(text, line(visitor_of(request).who) if text else "")
    letter, reason = str(form.get("id", "")), str(form.get("reason", ""))
    if not letter and not reason:
        return refusal(request, 400, "The page offers no such thing.")
    index, was = site.letters.index, str(form.get("was", ""))
    if letter:
        stands = await index.note_letter(name, letter, written, was)
    else:
        stands = await index.note_group(name, line(reason, MAX_REASON), written, was)
    if stands is None:
        said = "The note was not kept: the letter is gone. Somebody replayed or discarded it meanwhile."
        return refusal(request, 404, said, typed=text)
    if stands.text != text:
        said = f"The note was not kept, for {_stands(stands)}. Write yours with what is said there."
        return refusal(request, 409, said, typed=text)
    told = Told("good", "The note is kept." if text else "The note is gone.")
    return await ended(request, "note", told, _back(request, form), what=_about(form))


def _stands(note: Note) -> str:
    """Return what became of the note before, in the time in which somebody wrote another one."""
    return f"{note.who} wrote meanwhile: {note.text}" if note.text else "somebody emptied it meanwhile"


def _about(form: Mapping[str, object]) -> str:
    """Return what a form is about, as the journal names it."""
    number = number_in(str(form.get("letter", "")))
    return line(str(form.get("reason", "")), MAX_REASON) if number is None else f"letter {number}"


def _back(request: web.Request, form: Mapping[str, object]) -> str:
    """Return the view that a form is on."""
    place, number = _letters(request.match_info["account"]), number_in(str(form.get("letter", "")))
    if number is not None:
        return f"{place}/letters/{number}"
    reason, queue = part(str(form.get("reason", ""))), place_in(str(form.get("place", "")))
    return f"{place}/group?place={queue}&reason={reason}"


def _letters(name: str) -> str:
    return view_of(name, "dead-letters")


ROUTES: Final = (
    web.post("/accounts/{account}/dead-letters/runs", begin),
    web.post("/accounts/{account}/dead-letters/notes", note),
    web.post("/accounts/{account}/dead-letters/letters/{number}/mend", mend),
)
