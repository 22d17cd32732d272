"""Trying an event: what would become of it now, by rules, by the ledger and in Kit. Nothing is sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from worker.accounts.account import Account
from worker.accounts.explain import RuleView, told
from worker.broker.queues import connected
from worker.dead_letters.finding import as_replayed, find_letter
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery
from worker.handlers import HANDLERS
from worker.ledger.history import Line, history_page, line_of
from worker.ledger.person import known_person
from worker.ops.effects import effects_of
from worker.ops.tried import Tried
from worker.ops.trying import Trying
from worker.page.answers import refusal, render
from worker.page.proposal import LARGEST_EVENT_FORM, form_in
from worker.page.request import number_in, site_of
from worker.page.site import NO_LEDGER, Site
from worker.page.try_form import Given, NotTriedError, asked_for
from worker.page.verdicts import of_tried
from worker.page.words import day, when
from worker.subscribers.identity import normalize_email

LETTER_WITHIN: Final = 5.0
"""Seconds for which a dead letter is looked for."""
RECENT: Final = 10
"""So many events that came last can be taken from the list."""


@dataclass(frozen=True, slots=True)
class TriedRule:
    """A rule held against the event, for people.

    Attributes:
        conditions: Each with what the event has there.
        does: What it asks for.
        line: Of the account's file; 0 where it stands in no file.
    """

    name: str
    matches: bool
    conditions: tuple[str, ...]
    does: tuple[str, ...]
    line: int


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form, and what would become of the event that an address names, if it does."""
    return await _shown(request, Given.of(request.query.items()), post=False)


async def attempt(request: web.Request) -> web.StreamResponse:
    """Show what would become of what was filled in."""
    return await _shown(request, Given.of((await form_in(request, LARGEST_EVENT_FORM)).boxes), post=True)


async def _shown(request: web.Request, given: Given, *, post: bool) -> web.StreamResponse:
    site, account = site_of(request), site_of(request).account(request.match_info["account"])
    if account is None:
        return refusal(request, 503, "The account's file has a mistake, which has to be mended first.")
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    values: dict[str, Any] = {"problem": "", "tried": None, "hint": ""}
    delivery: Delivery | None = None
    try:
        if not post:
            given, values["hint"], delivery = await _named(request, site, account, given)
        if delivery is None and (post or given.email):
            delivery = given.message(account, site.clock.now())
    except NotTriedError as error:
        values["problem"] = str(error)
    if delivery is not None:
        trying = Trying(account, site.ledger, site.look_into_kit(account), site.settings.known_state_ttl)
        values |= await _result(site, account, await trying.event(delivery), delivery)
    return render(request, "try.html", {**values, **await _form(site, account, given)})


# -- what an address names --------------------------------------------------------------------------------


async def _named(
    request: web.Request, site: Site, account: Account, given: Given
) -> tuple[Given, str, Delivery | None]:
    """Return what is filled in for what an address names, what is said of it, and the message, if any."""
    query = request.query
    if letter := query.get("letter", ""):
        return await _of_letter(site, account, given, letter)
    if "line" in query:
        number = number_in(query["line"])
        found = None if number is None else await line_of(site.ledger.database, account.name, number)
        if found is None:
            raise web.HTTPNotFound
        return await _of_line(site, account, given, found), OF_LINE, None
    if person := query.get("person", ""):
        return await _of_person(site, account, given, person), OF_PERSON, None
    return given, "", None


OF_LINE: Final = (
    "The history keeps no values: those that are known of the person now stand in for them. Empty the "
    "event's id and its time to try it as something new."
)
OF_PERSON: Final = "With what is known of the person now."
OF_LETTER: Final = "As it would come in again if it were replayed."


async def _of_letter(
    site: Site, account: Account, given: Given, letter: str
) -> tuple[Given, str, Delivery | None]:
    url = site.settings.amqp_url.get_secret_value()
    try:
        async with asyncio.timeout(LETTER_WITHIN), connected(url, "try") as connection:
            found = await find_letter(connection, account.name, letter)
    except TimeoutError:
        raise NotTriedError(f"The dead letter was not found within {LETTER_WITHIN:.0f} seconds.") from None
    except BrokerUnavailable as error:
        raise NotTriedError(f"The dead letter cannot be read now: {error}.") from error
    if found is None:
        said = "There is no such dead letter, or somebody else looks at it; it may have been replayed."
        raise NotTriedError(said)
    return replace(given, json=found.letter.text), OF_LETTER, as_replayed(found, site.clock.now())


async def _of_line(site: Site, account: Account, given: Given, line: Line) -> Given:
    given = replace(given, kind=line.event_type, id=line.event_id or "", at=line.event_time)
    return await _of_person(site, account, given, line.email) if line.email else given


async def _of_person(site: Site, account: Account, given: Given, email: str) -> Given:
    try:
        known = await known_person(site.ledger.database, account.name, normalize_email(email))
    except ValueError as error:
        raise NotTriedError(f"{email} is {error}.") from error
    given = replace(given, kind=given.kind or await _last_type(site, account, known.addresses), email=email)
    return given if known.record is None else replace(given, email="").of_person(known.record, account)


async def _last_type(site: Site, account: Account, addresses: frozenset[str]) -> str:
    page = await history_page(site.ledger.database, account=account.name, emails=addresses, limit=RECENT)
    return next((line.event_type for line in page.lines if line.event_type in account.events), "")


# -- what is shown ----------------------------------------------------------------------------------------


async def _form(site: Site, account: Account, given: Given) -> dict[str, Any]:
    first, others = asked_for(given, account)
    recent = await history_page(site.ledger.database, account=account.name, limit=RECENT)
    return {
        "account": account.name,
        "view": "try",
        "given": given,
        "kinds": sorted({*account.events, *HANDLERS}),
        "apps": sorted(account.apps),
        "first": first,
        "others": others,
        "recent": list(zip(recent.numbers, recent.lines, strict=True)),
        "when": when,
        "day": day,
    }


async def _result(site: Site, account: Account, tried: Tried, delivery: Delivery) -> dict[str, Any]:
    lines = await site.lines.of(account)
    kind = tried.preview.event_type
    rules = [_rule(each, lines.get((kind, number), 0)) for number, each in enumerate(tried.preview.rules)]
    return {
        "tried": tried,
        "verdict": of_tried(tried),
        "rules": rules,
        "effects": effects_of(tried),
        "body": delivery.body.decode("utf-8", "replace"),
    }


def _rule(rule: RuleView, line: int) -> TriedRule:
    adds = (f"adds {tag}{' (in place of others)' if tag in rule.replaces else ''}" for tag in rule.add_tags)
    does = (*adds, *(f"takes off {tag}" for tag in rule.remove_tags), *rule.effects)
    return TriedRule(rule.name, rule.matches, tuple(map(told, rule.conditions)), does, line)
