"""Bringing an account's people under the file in force: the plan, what is done of it, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from worker.errors import LedgerUnavailable
from worker.ledger.plan_runs import PlanAction, PlanRun, PlanRuns
from worker.ledger.plans import KeptPlan, Plans
from worker.ops.apply_run import NotThisPlanError, left, start, stop, undo
from worker.ops.kept_plan import told_of_kept
from worker.ops.told_apply import told_plan_end
from worker.ops.told_end import ToldEnd
from worker.ops.told_impact import ToldImpact
from worker.outside.texts import line
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal, render
from worker.page.request import site_of, visitor_of, written_number
from worker.page.site import NO_LEDGER
from worker.page.words import Told, day, lasting

PLACE: Final = "/accounts/{account}/apply"
MISTAKE: Final = "The account's file has a mistake, which has to be mended first."
GOES_ON: Final = "The workers do it, a hundred people at a time, also when this page is closed."
GONE: Final = Told(
    "busy", "Nothing was done: that plan is not kept any more.", "Another has taken its place."
)


@dataclass(frozen=True, slots=True)
class ShownRun:
    """What is done of a plan, or was.

    Attributes:
        left: How many people it has not come to; None once it has ended.
        done: How many it is done with.
        takes: About how long it still takes; empty where nobody can tell.
        told: How it ended; None while it goes on.
    """

    run: PlanRun
    left: int | None = None
    done: int = 0
    takes: str = ""
    told: ToldEnd | None = None


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan, with what is done of it.

    Attributes:
        told: What it says; None where that is not known, or it is carried out already.
    """

    plan: KeptPlan
    told: ToldImpact | None
    applied: ShownRun | None
    undone: ShownRun | None


# -- looking ----------------------------------------------------------------------------------------------


async def show(request: web.Request) -> web.StreamResponse:
    """Show the plan that waits, and what is done of others."""
    return await _shown(request, "apply.html")


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that alone, for whoever looks on."""
    return await _shown(request, "_apply.html")


async def _shown(request: web.Request, template: str) -> web.Response:
    site, name = site_of(request), request.match_info["account"]
    account, making, problem, shown = site.account(name), site.applying.making(name), "", []
    try:
        if not await site.has_ledger():
            problem = NO_LEDGER
        else:
            shown = [await _plan(request, plan) for plan in await Plans(site.ledger).all_of(name)]
    except LedgerUnavailable as error:
        problem = f"The ledger cannot be read: {error}."
    takes = None if making is None else making.left(site.clock.monotonic())
    values = {
        "account": name,
        "view": "apply",
        "making": making,
        "takes": "" if takes is None else lasting(takes),
        "problem": problem or ("" if account else MISTAKE),
        "in_force": "" if account is None else account.version,
        "plans": shown,
        "goes_on": any(each.run.ended_at is None for plan in shown for each in _runs(plan)),
        "day": day,
    }
    return render(request, template, values)


def _runs(shown: ShownPlan) -> list[ShownRun]:
    return [each for each in (shown.applied, shown.undone) if each is not None]


async def _plan(request: web.Request, plan: KeptPlan) -> ShownPlan:
    ledger, runs = site_of(request).ledger, await _runs_of(request, plan)
    told = None if runs else await told_of_kept(ledger, plan)
    shown = {action: await _run(request, plan, run) for action, run in runs.items()}
    return ShownPlan(plan, told, shown.get(PlanAction.APPLY), shown.get(PlanAction.UNDO))


async def _runs_of(request: web.Request, plan: KeptPlan) -> dict[PlanAction, PlanRun]:
    """Return what is done of a plan; an undo is no more where the command has applied it anew since."""
    runs = await PlanRuns(site_of(request).ledger).of(plan)
    undo_run, last = runs.get(PlanAction.UNDO), max((run.round for run in runs.values()), default=0)
    if undo_run is not None and undo_run.round < last:
        del runs[PlanAction.UNDO]
    return runs


async def _run(request: web.Request, plan: KeptPlan, run: PlanRun) -> ShownRun:
    if run.ended_at is not None:
        return ShownRun(run, told=told_plan_end(run.action, run.ends))
    site = site_of(request)
    waiting = await left(site.ledger, plan, run)
    done = max(0, (run.people if run.stopped_at is not None else plan.people) - waiting)
    seconds = site.clock.time() - run.begun_at
    takes = lasting(seconds / done * waiting) if done and waiting and seconds > 0 else ""
    return ShownRun(run, waiting, done, takes)


# -- doing ------------------------------------------------------------------------------------------------


async def make(request: web.Request) -> web.StreamResponse:
    """Have a plan made; that changes nothing."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    if account is None:
        return await ended(
            request, "plan", Told("bad", f"No plan was made. {MISTAKE}"), _place(name), count=0
        )
    await site.applying.make(account, line(visitor_of(request).who))
    return going_to(
        request, _place(name), Told("good", "A plan is being made, or is below. Nothing is done yet.")
    )


async def begin(request: web.Request) -> web.StreamResponse:
    """Have workers do what a plan says that somebody has seen, if it is for the file in force."""
    site, form = site_of(request), await request.post()
    account, plan = site.account(request.match_info["account"]), await _plan_in(request, form)
    if plan is None or account is None:
        return await _not_done(request, PlanAction.APPLY, GONE if account else Told("bad", MISTAKE))
    runs = await _runs_of(request, plan)
    if plan.taggings and written_number(form, "taggings") != str(plan.taggings):
        said = f"Nothing was begun: the plan has {plan.taggings:,} new taggings, and the form says otherwise."
        return await _not_done(
            request, PlanAction.APPLY, Told("busy", said, "Write that number into the box.")
        )
    if PlanAction.UNDO in runs or any(run.ended_at is None for run in runs.values()):
        said = "Nothing was begun: somebody has begun it already, or it was taken back."
        return await _not_done(request, PlanAction.APPLY, Told("busy", said))
    try:
        await start(site.ledger, account, plan, visitor_of(request).who)
    except NotThisPlanError as error:
        said, remedy = "Nothing was begun: another file is in force by now.", "Make the plan anew."
        return await _not_done(request, PlanAction.APPLY, Told("busy", said, remedy), str(error))
    said = f"It is begun: {plan.people:,} people, {plan.taggings:,} new taggings."
    return _begun(request, Told("good", said, GOES_ON))


async def end_early(request: web.Request) -> web.StreamResponse:
    """Do no more of a plan."""
    plan = await _plan_in(request, await request.post())
    if plan is None:
        return await _not_done(request, "stop", GONE)
    who = visitor_of(request).who
    stopped = await stop(site_of(request).ledger, plan.account, plan.hash, who)
    said = f"It is stopped: {stopped:,} people stay as they were."
    return _begun(
        request, Told("good", said, "Who is on the way, of a hundred at most, is done all the same.")
    )


async def take_back(request: web.Request) -> web.StreamResponse:
    """Have workers take off what a plan put on, and nobody touched since."""
    form = await request.post()
    plan = await _plan_in(request, form)
    if plan is None:
        return await _not_done(request, PlanAction.UNDO, GONE)
    runs = await _runs_of(request, plan)
    if PlanAction.APPLY not in runs or PlanAction.UNDO in runs:
        said = "Nothing was done: it was never begun, or is taken back already."
        return await _not_done(request, PlanAction.UNDO, Told("busy", said))
    if form.get("sure") != "yes":
        return await _not_done(
            request, PlanAction.UNDO, Told("busy", "Nothing was done: tick the box first.")
        )
    await undo(site_of(request).ledger, plan, visitor_of(request).who)
    return _begun(request, Told("good", "What it put on is being taken back.", GOES_ON))


async def _plan_in(request: web.Request, form: Mapping[str, object]) -> KeptPlan | None:
    """Return the plan of the account that a form is about; None where it is not there."""
    site, hash_ = site_of(request), str(form.get("plan", ""))
    if not hash_ or not await site.has_ledger():
        return None
    return await Plans(site.ledger).newest(request.match_info["account"], hash_)


def _begun(request: web.Request, told: Told) -> web.Response:
    site_of(request).applying.begun()
    return going_to(request, _place(request.match_info["account"]), told)


async def _not_done(request: web.Request, action: str, told: Told, why: str = "") -> web.Response:
    return await ended(request, action, told, _place(request.match_info["account"]), what=why, count=0)


def _place(name: str) -> str:
    return view_of(name, "apply")


ROUTES: Final = (
    web.get(PLACE, show),
    web.get(f"{PLACE}/_state", show_state),
    web.post(f"{PLACE}/plan", make),
    web.post(f"{PLACE}/start", begin),
    web.post(f"{PLACE}/stop", end_early),
    web.post(f"{PLACE}/undo", take_back),
)
