"""Taking existing members in from a file: uploading it, its plan, what is done of it, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from worker.accounts.account import Account
from worker.errors import LedgerUnavailable
from worker.events.event import Imported
from worker.ops.backfill.options import RUN, MembersFileError, options_of
from worker.ops.backfill.plan import BEGUN
from worker.ops.backfill.run import STOPPED, UNDONE, latest, stop
from worker.outside.texts import line
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal, render
from worker.page.backfill_runs import runs_of
from worker.page.backfill_runs import take_back as take_back_run
from worker.page.members_file import MembersFile, ShownBackfill
from worker.page.request import site_of, visitor_of, written_number
from worker.page.site import NO_LEDGER
from worker.page.upload import NotUploadedError, Upload, uploaded
from worker.page.views.apply import GOES_ON, MISTAKE
from worker.page.words import Told, day, lasting

PLACE: Final = "/accounts/{account}/backfill"
AT_ONCE: Final = 3
"""Files that are on their way here at once: each is in memory."""
LONGEST_NAME: Final = 80
LONGEST_READ: Final = 600
"""Characters of what is told of a file's columns, of which it may have any number."""
NOT_KEPT: Final = Told(
    "busy",
    "Nothing was begun: that file is not kept any more, or its plan is another one.",
    "Upload it anew.",
)


# -- looking ----------------------------------------------------------------------------------------------


async def show(request: web.Request) -> web.StreamResponse:
    """Show the file that waits with its plan, and what was done of others."""
    return await _shown(request, "backfill.html")


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that alone, for whoever looks on."""
    return await _shown(request, "_backfill.html")


async def _shown(request: web.Request, template: str) -> web.Response:
    site, name = site_of(request), request.match_info["account"]
    account, file, runs, problem = site.account(name), None, [], ""
    try:
        if not await site.has_ledger():
            problem = NO_LEDGER
        else:
            file, runs = await site.backfilling.file(name, _version(account)), await runs_of(site, name)
    except LedgerUnavailable as error:
        problem = f"The ledger cannot be read: {error}."
    takes = None if file is None else file.left(site.clock.monotonic())
    values = {
        "account": name,
        "view": "backfill",
        "apps": () if account is None else tuple(account.apps),
        "problem": problem or ("" if account else MISTAKE),
        "file": file,
        "works": file is not None and not file.ended.is_set(),
        "takes": "" if takes is None else lasting(takes),
        "read": [line(each, LONGEST_READ) for each in (file.shown.told.read if file and file.shown else ())],
        "wrong": _rows(file.shown.wrong if file and file.shown else ()),
        "dead": _rows(file.shown.dead if file and file.shown else ()),
        "runs": runs,
        "day": day,
    }
    return render(request, template, values)


def _rows(rows: tuple[tuple[int, str], ...]) -> list[tuple[int, str]]:
    return [(number, line(why)) for number, why in rows]


# -- uploading --------------------------------------------------------------------------------------------


async def upload(request: web.Request) -> web.StreamResponse:
    """Take a file, and have it planned; that changes nothing."""
    site, name = site_of(request), request.match_info["account"]
    account, backfilling = site.account(name), site.backfilling
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    if account is None:
        return await _not_done(request, "plan", Told("bad", f"No plan was made. {MISTAKE}"))
    if backfilling.coming >= AT_ONCE:
        return refusal(request, 503, "Others are uploading files just now. Nothing was done.")
    backfilling.coming += 1
    try:
        await backfilling.plan(_file(request, account, await uploaded(request)))
    except NotUploadedError as error:
        return refusal(request, error.status, str(error))
    except MembersFileError as error:
        said, remedy = f"No plan was made: {line(str(error))}.", "Choose the file once more."
        return await _not_done(request, "plan", Told("bad", said, remedy))
    finally:
        backfilling.coming -= 1
    told = Told("good", "The file is being planned, or its plan is below. Nothing is done yet.")
    return going_to(request, _place(name), told)


def _file(request: web.Request, account: Account, sent: Upload) -> MembersFile:
    """Return what somebody uploaded; raises `MembersFileError`."""
    if not sent.content:
        raise MembersFileError("there is no file, or nothing is in it")
    ticked = {name for name, value in sent.boxes.items() if value == "yes"}
    kind, app, as_of, marker, columns = (
        sent.boxes.get(each, "").strip() for each in ("type", "app", "as_of", "marker", "columns")
    )
    imported = Imported("fields_only" in ticked, "known" in ticked, marker)
    options = options_of(filter(str.strip, columns.splitlines()), kind, app, as_of, imported)
    return MembersFile(
        account,
        line(visitor_of(request).who),
        line(sent.name, LONGEST_NAME),
        sent.content,
        options,
        skip_wrong="skip_wrong" in ticked,
    )


async def put_away(request: web.Request) -> web.StreamResponse:
    """Keep nothing of the file that waits."""
    backfilling, name = site_of(request).backfilling, request.match_info["account"]
    if backfilling.is_handing_over(name):
        told = Told(
            "busy", "Nothing was let go: it is being handed to the workers.", "It can be stopped then."
        )
        return going_to(request, _place(name), told)
    backfilling.put_away(name)
    told = Told("good", "The file is let go, and nothing of it is kept here.")
    return await ended(request, "let go", told, _place(name), what="members")


# -- doing ------------------------------------------------------------------------------------------------


async def begin(request: web.Request) -> web.StreamResponse:
    """Have workers take in the file whose plan somebody has seen."""
    site, name = site_of(request), request.match_info["account"]
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    file = await site.backfilling.file(name, _version(site.account(name)))
    if file is None or file.shown is None:
        return await _not_done(request, BEGUN, NOT_KEPT)
    shown = file.shown
    if (why := _why_not(file, shown, await request.post())) is not None:
        return await _not_done(request, BEGUN, why)
    await site.backfilling.hand_over(file, line(visitor_of(request).who))
    if file.problem:
        return await _not_done(request, BEGUN, Told("busy", file.problem))
    said = f"{shown.rows:,} rows, {shown.taggings:,} new taggings."
    if not file.ended.is_set():
        said = f"It is looked at once more, and begun if it is still so: {said}"
        return going_to(request, _place(name), Told("busy", said))
    return going_to(request, _place(name), Told("good", f"It is begun: {said}", GOES_ON))


def _version(account: Account | None) -> str:
    return "" if account is None else account.version


def _why_not(file: MembersFile, shown: ShownBackfill, form: Mapping[str, object]) -> Told | None:
    """Return why what a form asks for is not begun; None where it is."""
    if shown.run != form.get("run"):
        return NOT_KEPT
    if shown.wrong_in_all and not file.skip_wrong:
        said = f"Nothing was begun: {shown.wrong_in_all:,} rows are wrong."
        return Told("busy", said, "Mend them, or have them left out.")
    if written_number(form, "taggings") != str(shown.taggings):
        said = (
            f"Nothing was begun: the plan has {shown.taggings:,} new taggings, and the form says otherwise."
        )
        return Told("busy", said, "Write that number into the box.")
    return None


async def end_early(request: web.Request) -> web.StreamResponse:
    """Take no more rows of a run in."""
    run = await _run_in(request)
    if not run:
        return await _not_done(request, STOPPED, Told("busy", "Nothing was stopped: there is no such run."))
    name = request.match_info["account"]
    stopped = await stop(site_of(request).ledger, name, run, line(visitor_of(request).who))
    told = Told("good", f"It is stopped: {stopped:,} rows are not taken in.", "What is on its way is done.")
    return going_to(request, _place(name), told)


async def take_back(request: web.Request) -> web.StreamResponse:
    """Have workers take off what a run newly put on, and nobody touched since."""
    run, form = await _run_in(request), await request.post()
    if not run:
        return await _not_done(request, UNDONE, Told("busy", "Nothing was done: there is no such run."))
    if form.get("sure") != "yes":
        return await _not_done(request, UNDONE, Told("busy", "Nothing was done: tick the box first."))
    name = request.match_info["account"]
    going = await take_back_run(site_of(request), name, run, line(visitor_of(request).who))
    if going.problem:
        return await _not_done(request, UNDONE, Told("bad", going.problem))
    return going_to(request, _place(name), Told("good", "What it newly put on is being taken back.", GOES_ON))


async def _run_in(request: web.Request) -> str:
    """Return the run of the account that a form is about; empty where it was never begun, or is undone."""
    site, run = site_of(request), str((await request.post()).get("run", ""))
    if not run.startswith(RUN) or not await site.has_ledger():
        return ""
    last = await latest(site.ledger, request.match_info["account"], run)
    return "" if last is None or last.action.action == UNDONE else run


async def _not_done(request: web.Request, action: str, told: Told) -> web.Response:
    return await ended(request, action, told, _place(request.match_info["account"]), count=0)


def _place(name: str) -> str:
    return view_of(name, "backfill")


ROUTES: Final = (
    web.get(PLACE, show),
    web.get(f"{PLACE}/_state", show_state),
    web.post(PLACE, upload),
    web.post(f"{PLACE}/run", begin),
    web.post(f"{PLACE}/away", put_away),
    web.post(f"{PLACE}/stop", end_early),
    web.post(f"{PLACE}/undo", take_back),
)
