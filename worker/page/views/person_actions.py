"""What is done about one person: Kit is told again what should be so, or the person is forgotten here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from aiohttp import web

from worker.errors import BrokerUnavailable, KitWorkerError
from worker.ledger.forgetting import Erased
from worker.ledger.person import known_person
from worker.ops.again import send_again
from worker.ops.forget import Forgetting
from worker.page.actions import ended, noted
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal, render
from worker.page.request import site_of
from worker.page.site import NO_LEDGER
from worker.page.words import Told, many
from worker.subscribers.change import Change
from worker.subscribers.identity import normalize_email

WITHIN: Final = 15.0
"""Seconds for which somebody waits for an end; what takes longer goes on, and the journal tells it."""
ONCE_MORE: Final = "Forget the person once more in a minute; if that says the same, tell an operator."


async def again(request: web.Request) -> web.StreamResponse:
    """Have the worker tell Kit once more what should be so of a person, by the account's queue."""
    site, name, email = site_of(request), request.match_info["account"], _email(request)
    if email is None or not await site.has_ledger():
        return refusal(request, 404)
    known = await known_person(site.ledger.database, name, email)
    if known.record is None or known.record.is_blank:
        return refusal(request, 404, "Nothing is known of this address here, so nothing can be sent again.")
    told, sent = await _sent(request, known.record.email, counted(known.record.owed.merge(known.record.done)))
    return await ended(request, "again", told, view_of(name, "people", email), count=sent)


async def _sent(request: web.Request, email: str, what: str) -> tuple[Told, int]:
    site = site_of(request)
    try:
        async with asyncio.timeout(WITHIN):
            await send_again(site.settings, request.match_info["account"], email, site.clock.now())
    except (BrokerUnavailable, TimeoutError) as error:
        said = f"It may not have reached the account's queue: {error or 'RabbitMQ does not answer'}."
        return Told("bad", said, "Look whether a worker runs, and ask once more: twice does no harm."), 0
    said = f"It is in the account's queue: Kit is told {what} again."
    return Told("good", said, "The timeline below says so once it is done; look again in a moment."), 1


def counted(should: Change) -> str:
    """Return how much should be so, for people."""
    tags, fields = len(should.tags), len(should.fields) + (should.first_name is not None)
    return f"{many(tags, 'tag')} and {many(fields, 'field')}"


# -- forgetting -------------------------------------------------------------------------------------------


async def ask_to_forget(request: web.Request) -> web.StreamResponse:
    """Ask whether a person is really to be forgotten, and say what that means."""
    email = _email(request)
    if email is None:
        return refusal(request, 404)
    values = {"account": request.match_info["account"], "view": "people", "email": email}
    return render(request, "forget.html", values)


async def forget(request: web.Request) -> web.StreamResponse:
    """Forget a person in this account, and in no other."""
    site, name, email = site_of(request), request.match_info["account"], _email(request)
    if email is None:
        return refusal(request, 404)
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    forgetting = Forgetting(email, elsewhere=False)
    work = site.begin(_forgotten(request, forgetting))
    await asyncio.wait({work}, timeout=WITHIN)
    if not work.done():
        said = "It goes on, and ends by itself: the journal says how."
        told = Told("busy", said, "Do not stop the page meanwhile; if it is stopped, forget once more.")
    else:
        told = work.result()
    return going_to(request, view_of(name, "people"), told)


async def _forgotten(request: web.Request, forgetting: Forgetting) -> Told:
    """Forget somebody, and note it in the journal: however long that takes, and whoever waits for it."""
    site, name, problem = site_of(request), request.match_info["account"], ""
    try:
        async with site.letters.turns.of(name):  # who goes through the letters now holds the person's, too
            await forgetting.run(site.settings, site.ledger, [name])
    except KitWorkerError as error:
        problem = str(error)
    told = of_forgetting(forgetting, problem)
    # Whoever does not wait for the end reads in the journal what is left to do.
    noting = told._replace(sentence=f"{told.sentence} {told.remedy}")
    await noted(request, "forget", noting, count=len(forgetting.erased))
    return told


def of_forgetting(forgetting: Forgetting, problem: str = "") -> Told:
    """Return how it ended, and what to do; it names nobody, for the journal keeps it.

    Args:
        forgetting: What was done.
        problem: Why it ended half-way; empty where it did not.
    """
    letters = many(len(forgetting.letters), "dead letter")
    if not forgetting.erased:
        but = f" but {letters}" if forgetting.letters else ""
        return Told("bad", f"Nothing was erased{but}{problem and ': '}{problem}.", ONCE_MORE)
    found = f"Erased here: {_counted(forgetting.erased)} and {letters}."
    if left := " ".join(_left(forgetting)):
        return Told("busy", f"{found} Something may be left{problem and ': '}{problem}.", left)
    remedy = "Events of the person up to now are ignored; Kit itself, and other accounts, were not touched."
    return Told("good", found, remedy)


def _left(forgetting: Forgetting) -> Iterator[str]:
    """Yield what is left to do, for those who have this page and no commands."""
    if forgetting.unseen or not forgetting.searched:
        yield f"Dead letters that came in the last seconds may be about the person. {ONCE_MORE}"
    elif forgetting.readable:
        yield f"What was erased may still be readable in the ledger's file. {ONCE_MORE}"
    if others := len(set(forgetting.mentioned)):
        letters = "1 dead letter of others" if others == 1 else f"{others:,} dead letters of others"
        yield f"The person stands in {letters} as well: look through them, and discard what is to go."


def _counted(erased: Sequence[Erased]) -> str:
    records, lines = sum(each.records for each in erased), sum(each.history for each in erased)
    due = sum(each.due for each in erased)
    return f"{many(records, 'record')}, {many(lines, 'line')} of history, {many(due, 'effect')} to come"


# -- whom it is about --------------------------------------------------------------------------------------


def _email(request: web.Request) -> str | None:
    try:
        return normalize_email(request.match_info["email"])
    except ValueError:
        return None
