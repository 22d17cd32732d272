"""Dead letters in a real browser: readable for everybody, and each action where it is expected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.page.browser import LOOKS, WITHOUT_SCRIPTS, Browsing, Look
from tests.page.checks import assert_well_made
from tests.page.conftest import served
from tests.page.test_views import sign_in
from tests.unit.page.letters import entry, indexed, ledger_in
from tests.unit.page.serve import Client
from tests.unit.page.serve import served as serving
from worker.ledger.letter_runs import LetterRuns, RunAction, Wanted
from worker.ledger.letter_work import LetterWork, RunEnd
from worker.ledger.letters import LetterPlace
from worker.ops.letters.fate import Fate
from worker.ops.letters.told import ToldFates
from worker.subscribers.item import Kind
from worker.subscribers.known import Batch

LETTERS = "/accounts/sunny/dead-letters"
LONG = "wilhelmina.featherstonehaugh+newsletter@international-cookery-school.example.com"


@served
async def site(tmp_path: Path) -> AsyncIterator[Client]:
    """A page over an account with letters of all kinds; no RabbitMQ runs."""
    async with serving(tmp_path) as client:
        await indexed(
            tmp_path,
            [
                entry(1, "kit_plan_full", email="ada@example.com"),
                entry(
                    2,
                    email=LONG,
                    event_id="evt_01HZY3N8Q4T5V6W7X8Y9Z0A1B2C3D4E5F6",
                    detail="data.user.email: x",
                ),
                entry(3, "identity_conflict", user_id="u-1", failed_at=""),
                entry(4, "something-else-altogether"),
            ],
        )
        await indexed(tmp_path, [entry(5)], place=LetterPlace.ARCHIVE)
        yield client


async def ended_run(folder: Path) -> int:
    """Note a run that has ended; returns its number."""
    async with ledger_in(folder) as ledger:
        run = await LetterRuns(ledger).begin(
            "sunny", Wanted(RunAction.DRY_RUN, "operator", reason="kit_plan_full")
        )
        assert run is not None
        await LetterWork(ledger).end(
            run, RunEnd("busy", "1 would be applied, 0 would change nothing.", "Try one.")
        )
        return run.id


async def replayed_run(folder: Path) -> int:
    """Note a run that put an event back which failed again; returns its number."""
    async with ledger_in(folder) as ledger:
        wanted = Wanted(RunAction.REPLAY, "operator", reason="something-else-altogether")
        run = await LetterRuns(ledger).begin("sunny", wanted)
        assert run is not None
        await LetterWork(ledger).done(run, ["letter-4"])
        await LetterWork(ledger).end(run, RunEnd("good", "1 dead letter is back in the queue of events."))
        await ledger.save(await ledger.take("sunny"), Batch(replayed={(run.id, "dead_lettered"): 1}))
        return run.id


@pytest.mark.parametrize("look", LOOKS, ids=str)
async def test_every_view_of_dead_letters_is_readable_for_everybody(
    browsing: Browsing, site: Client, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fate = Fate(Kind.DEAD_LETTERED, "the plan of the Kit account has no room for it", "kit_plan_full")
    monkeypatch.setattr(ToldFates, "of", lambda *_: {"letter-1": fate})
    run, replayed = await ended_run(tmp_path), await replayed_run(tmp_path)
    page = await browsing.window(look)
    await sign_in(page, site)
    views = (
        "", "/group?reason=invalid_event", "/group?reason=kit_rejected",
        "/group?place=archive&reason=invalid_event",
        "/letters/2", "/letters/3/body", f"/runs/{run}", f"/runs/{replayed}",
    )  # fmt: skip
    for view in views:
        await page.goto(f"{site.root}{LETTERS}{view}")
        await assert_well_made(page)
    await page.get_by_role("link", name="See why").click()
    await expect(page.get_by_role("heading", name="Dead letters")).to_be_visible()


async def test_without_scripts_a_group_is_noted_and_replayed_and_what_is_deleted_is_asked_about(
    browsing: Browsing, site: Client
) -> None:
    """Given a browser without scripts, each action is a click, and leads to where it says how far it is."""
    page = await browsing.window(WITHOUT_SCRIPTS)
    await sign_in(page, site)
    await page.goto(f"{site.root}/accounts/sunny")
    await page.get_by_role("link", name="Dead letters").click()
    await page.get_by_role("link", name="kit plan full").click()
    await page.get_by_label("Note for a colleague").fill("the owner upgrades on Monday")
    await page.get_by_role("button", name="Keep the note").click()
    await expect(page.get_by_role("status")).to_contain_text("The note is kept.")
    await expect(page.get_by_text("the owner upgrades on Monday (operator)").first).to_be_visible()

    await page.get_by_role("button", name="Discard all 1").click()  # the browser asks for the tick first
    await expect(page.get_by_role("heading", name="kit plan full")).to_be_visible()
    await page.get_by_role("button", name="Replay all 1").click()
    await expect(page.get_by_text("0 of 1 so far.")).to_be_visible()
    await page.get_by_role("link", name="All dead letters").click()
    await expect(page.get_by_role("link", name="Replay, 20")).to_be_visible()


async def test_how_far_it_is_can_be_followed_in_any_window(
    browsing: Browsing, site: Client, tmp_path: Path
) -> None:
    """Given a run that somebody else carries out, its view says how it ended without a click."""
    async with ledger_in(tmp_path) as ledger:
        run = await LetterRuns(ledger).begin(
            "sunny", Wanted(RunAction.REPLAY, "operator", reason="kit_plan_full")
        )
        assert run is not None
        page = await browsing.window()
        await page.clock.install()
        await sign_in(page, site)
        await page.goto(f"{site.root}{LETTERS}/runs/{run.id}")
        await expect(page.get_by_text("0 of 1 so far.")).to_be_visible()
        await LetterWork(ledger).end(run, RunEnd("good", "1 dead letter is back in the queue."))
        await page.clock.run_for(6000)
        await expect(page.get_by_text("1 dead letter is back in the queue.")).to_be_visible()
