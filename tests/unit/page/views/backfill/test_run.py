"""Having a file of members taken in: begun as agreed, followed, stopped, taken back, and what is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.kept_people import apply_events
from tests.unit.page.forms import form_on
from tests.unit.page.planning import opened, until_due
from tests.unit.page.serve import Client, admin
from tests.unit.page.views.backfill.members import (
    BUTTON,
    PLACE,
    begun,
    seen,
    send,
    table,
    workers_take_in,
)
from tests.unit.page.views.test_people_look import FILE, bought, words_of
from worker.accounts.load import load_accounts
from worker.ledger.forgetting import forget
from worker.ledger.timers import Timers
from worker.ops.backfill.run import HowFar, latest, stage_of, start
from worker.page import backfilling


async def test_it_is_taken_in_followed_counted_and_taken_back(client: Client, tmp_path: Path) -> None:
    await client.follow(admin())
    run = await begun(client, tmp_path)
    view = await seen(client, "0 of 30 rows are done.", "by admin of sunny")
    assert "The plan" not in view
    await workers_take_in(tmp_path, 10)
    await seen(client, "10 of 30 rows are done; it takes about")
    await workers_take_in(tmp_path)
    await seen(client, "Done: 30 of 30 rows; 30 are applied.")
    async with opened(tmp_path) as ledger:
        assert stage_of(await latest(ledger, "sunny", run)) is HowFar.HANDED_OVER
    await client.ask(f"{PLACE}/undo", {"run": run})
    await seen(client, "Nothing was done: tick the box first.")
    await client.ask(f"{PLACE}/undo", {"run": run, "sure": "yes"})
    await seen(client, "It is being taken back: 30 of 30 are left.")
    async with opened(tmp_path) as ledger:
        await Timers(ledger).drop("sunny")
    view = await seen(client, "What 30 rows put on is taken back.")
    assert "/undo" not in view
    await client.ask(f"{PLACE}/undo", {"run": run, "sure": "yes"})
    await seen(client, "Nothing was done: there is no such run.")


async def test_the_same_file_is_not_taken_in_twice(client: Client, tmp_path: Path) -> None:
    run = await begun(client, tmp_path)
    await send(client, table())
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    await seen(client, "Nothing was begun: the workers have this file, by these options, already.")
    await until_due(tmp_path, 30)


async def test_it_is_stopped_and_the_rest_can_be_taken_in_later(client: Client, tmp_path: Path) -> None:
    run = await begun(client, tmp_path)
    await workers_take_in(tmp_path, 10)
    await client.ask(f"{PLACE}/stop", {"run": run})
    await seen(client, "It is stopped: 20 rows are not taken in.")
    told = words_of(await seen(client, "Done: 10 of 30 rows; 10 are applied; 20: they were not taken in"))
    assert "stop ended" in told
    async with opened(tmp_path) as ledger:
        assert stage_of(await latest(ledger, "sunny", run)) is HowFar.NEW


async def test_a_plan_for_another_version_of_the_accounts_file_is_not_begun(
    client: Client, tmp_path: Path
) -> None:
    """Given another version of the account's file, whoever agreed did so to something else."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE.replace("[Buyer]", "[Buyer, VIP]"))
    await seen(client, "The file was let go, as another version of the account's file is in force by now.")
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "Nothing was begun: that file is not kept any more")
    assert "person0" not in view
    await until_due(tmp_path, 0)


async def test_a_plan_that_is_another_one_by_now_is_shown_anew_and_not_begun(
    client: Client, tmp_path: Path
) -> None:
    """Given live events that have put some of the tags on meanwhile, there are fewer new ones to agree to."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    account = load_accounts(tmp_path, {"KIT_API_KEY_SUNNY": "k"}).accounts["sunny"]
    async with opened(tmp_path) as ledger:
        await apply_events(ledger, account, list(bought())[:10])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "Nothing was begun: there would be 20 new taggings by now.", "Buyer 20 20 0")
    assert BUTTON in view
    await until_due(tmp_path, 0)
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "20"})
    await until_due(tmp_path, 30)


async def test_once_somebody_is_forgotten_nothing_of_the_file_is_kept(client: Client, tmp_path: Path) -> None:
    """Given a plan that waits, `forget` reaches it at once, also where another process says it."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    async with opened(tmp_path) as ledger:
        await forget(ledger, "person07@example.com", ["sunny"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "The file was let go, since somebody was forgotten in this account")
    assert "person0" not in view
    await until_due(tmp_path, 0)


async def test_a_file_waits_for_its_time_only_or_until_somebody_lets_it_go(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(client, table())
    await client.ask(f"{PLACE}/away", {})
    view = (await client.ask(PLACE)).text
    assert "nothing of it is kept here" in view
    assert "let go" in words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "person0" not in view
    monkeypatch.setattr(backfilling, "KEPT_FOR", 0.0)
    await send(client, table())
    await seen(client, "The file was let go, as nobody agreed to its plan for an hour")


async def test_another_file_can_be_chosen_while_one_is_planned_and_takes_its_place(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a plan that takes its time, the form is there when it ends: only the part above is followed."""
    monkeypatch.setattr(backfilling, "WITHIN", 0.0)
    await send(client, table(2000))
    assert 'type="file"' in (await client.ask(PLACE)).text
    await send(client, table(3))
    await seen(client, "3 rows are taken in")


async def test_no_other_file_takes_the_place_of_one_that_is_handed_over(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()

    async def slowly(*given: Any) -> None:  # noqa: ANN401  # whatever it is given
        await goes_on.wait()
        await start(*given)

    monkeypatch.setattr(backfilling, "start", slowly)
    await send(client, table())
    run = form_on((await client.ask(PLACE)).text, "/run")["run"]
    monkeypatch.setattr(backfilling, "WITHIN", 0.2)
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    await send(client, table(3))
    await seen(client, "No plan was made: the file before is being handed to the workers")
    await client.ask(f"{PLACE}/away", {})
    await seen(client, "Nothing was let go: it is being handed to the workers")
    goes_on.set()
    await seen(client, "The workers take them in behind what just happens")
    await until_due(tmp_path, 30)
    await send(client, table(3))
    await seen(client, "3 rows are taken in")
