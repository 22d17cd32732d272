"""One person in one account: what the ledger knows beside what Kit has, and what came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from worker.accounts.account import Account
from worker.accounts.file.lines import RuleLines
from worker.kit.person import KitTag
from worker.ledger.person import Cause
from worker.ledger.signs import KnownId, people_of_id
from worker.ops.again import EVENT_TYPE
from worker.ops.compared import FieldState, TagState
from worker.ops.person import person_view, timeline
from worker.page.addresses import view_of
from worker.page.answers import refusal, render, see
from worker.page.request import number_in, site_of
from worker.page.site import NO_LEDGER, Site
from worker.page.words import day, when
from worker.subscribers.identity import normalize_email

LISTS_LAG: Final = 300.0
"""Seconds for which Kit's list of a person's tags may be late (Kit API reference, "Consistency")."""
LATE: Final = "which may only show late"
OTHERWISE: Final = "otherwise"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A tag or a custom field of one person, for people.

    Attributes:
        wanted: What should be so by the events.
        in_kit: What is so in Kit; `?` where nobody knows.
        because: By which event.
        owed: Whether Kit has yet to be told so.
        doubt: `OTHERWISE` where Kit has something else, `LATE` where that may only seem so.
    """

    name: str
    wanted: str
    in_kit: str
    because: str
    owed: bool
    doubt: str = ""

    @property
    def mood(self) -> str:
        """How bad the doubt is, as the style sheet names it."""
        return "bad" if self.doubt == OTHERWISE else "busy"


@dataclass(frozen=True, slots=True)
class Because:
    """Says by which event something is so, for people.

    Attributes:
        version: Of the account's file, as it is now.
        lines: Where its rules stand.
    """

    version: str
    lines: RuleLines

    def of(self, cause: Cause | None, told_at: float | None = None) -> str:
        """Return it in words; by an earlier file, the line is not known any more.

        Args:
            cause: By which event; None where it is not by us.
            told_at: When Kit answered that it has it so, in seconds since 1970; None where it did not.
        """
        if cause is None:
            return "not by us"
        said = [f"{cause.event_type or 'an event'} of {when(cause.event_time)}"]
        said += [f"rule {cause.rule}"] if cause.rule else []
        line = self.lines.get((cause.event_type, cause.rule)) if cause.version == self.version else None
        said += [f"line {line}"] if line else []
        return f"{', '.join(said)}{f'; Kit told so {day(told_at)}' if told_at else ''}"


async def find(request: web.Request) -> web.StreamResponse:
    """Ask for an address or an id, and go to whom it is."""
    site, name, text = site_of(request), request.match_info["account"], request.query.get("find", "").strip()
    account = site.account(name)
    known = [] if account is None else await _known_by(site, account, text)
    emails = {each.email for each in known}
    if len(emails) == 1:
        return see(view_of(name, "people", emails.pop()))
    values = {"account": name, "view": "people", "find": text, "is_wrong": account is None, "known": known}
    return render(request, "people.html", values)


async def _known_by(site: Site, account: Account, text: str) -> list[KnownId]:
    """Return whom an address or an id may mean: each app may have somebody of one id."""
    try:
        return [KnownId(account.name, "", normalize_email(text))]
    except ValueError:
        pass  # then it is an id
    if not text or not await site.has_ledger():
        return []
    apps = {account.name: account.apps}
    return await people_of_id(site.ledger.database, text, apps, only=account.name)


async def show(request: web.Request) -> web.StreamResponse:
    """Show one person."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    if account is None:
        return refusal(request, 503, "The account's file has a mistake, which has to be mended first.")
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    try:
        email = normalize_email(request.match_info["email"])
    except ValueError:
        return refusal(request, 404)
    return render(request, "person.html", await _values(request, site, account, email))


async def _values(request: web.Request, site: Site, account: Account, email: str) -> dict[str, Any]:
    view = await person_view(site.ledger, account, site.look_into_kit(account), email)
    because = Because(account.version, await site.lines.of(account))
    came = await timeline(
        site.ledger, view.known, account.name, before=number_in(request.query.get("before", ""))
    )
    asked, lately = view.kit.person is not None, site.clock.time() - LISTS_LAG
    return {
        "account": account.name,
        "view": "people",
        "email": email,
        "person": view,
        "is_known": view.known.record is not None or view.kit.person is not None,
        "came": came,
        "tags": [tag_row(each, because, asked=asked, lately=lately) for each in view.tags],
        "fields": [field_row(each, because, asked=asked) for each in view.fields],
        "lines": list(zip(came.numbers, came.lines, strict=True)),
        "again": EVENT_TYPE,
        "day": day,
        "when": when,
    }


def tag_row(tag: TagState, because: Because, *, asked: bool, lately: float) -> PersonRow:
    """Return how somebody stands to a tag.

    Args:
        tag: The tag.
        because: Says why.
        asked: Whether Kit said what it has.
        lately: Whatever Kit was told since, in seconds since 1970, its list may not show yet.
    """
    has, asked = tag.in_kit is not None, asked and not tag.unread
    in_kit = _in_kit(tag.in_kit) if asked else "?"
    row = PersonRow(tag.name, _told(tag.wanted), in_kit, because.of(tag.cause, tag.told_at), tag.owed)
    if not asked or tag.owed or tag.wanted in {None, has}:
        return row
    return replace(row, doubt=LATE if (tag.told_at or 0.0) > lately else OTHERWISE)


def _told(wanted: bool | None) -> str:
    return "no event" if wanted is None else "on" if wanted else "off"


def _in_kit(tag: KitTag | None) -> str:
    if tag is None:
        return "off"
    return f"on since {when(tag.tagged_at)}" if tag.tagged_at else "on"


def field_row(field: FieldState, because: Because, *, asked: bool) -> PersonRow:
    """Return how somebody stands to a custom field; see `tag_row`. Its value in Kit is the present one."""
    wanted = (field.wanted or "empty") if field.is_ours else "no event"
    in_kit = (field.in_kit or "empty") if asked else "?"
    differs = asked and field.is_ours and not field.owed and field.wanted != field.in_kit
    doubt = OTHERWISE if differs else ""
    return PersonRow(field.name, wanted, in_kit, because.of(field.cause, field.told_at), field.owed, doubt)
