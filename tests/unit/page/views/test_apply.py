"""Bringing people under the file in force, over HTTP: who may, what they see, and what is begun."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from sqlalchemy import select, update

from tests.unit.page.forms import form_on
from tests.unit.page.planning import opened, until_due, workers_do_it
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from tests.unit.page.views.test_people_look import FILE, fill_ledger, words_of
from worker.ledger.forgetting import forget
from worker.ledger.schema import due
from worker.metrics import VERSION
from worker.ops.kept_plan import make_plan
from worker.page import applying

PLACE = "/accounts/sunny/apply"
NEW = FILE.replace("[Buyer]", "[VIP]")
BUTTON = f'action="{PLACE}/start"'


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, a small account's plan is made at once, and what is begun is seen."""
    monkeypatch.setattr(applying, "WITHIN", 30.0)
    monkeypatch.setattr(applying, "EVERY", 0.05)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """30 people have the tag `Buyer`, and by the file in force they should have `VIP` in its place."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE)
    await fill_ledger(tmp_path)
    async with served(tmp_path, texts={"sunny": NEW}) as client:
        await client.sign_in(TOKEN)
        yield client


async def seen(client: Client, *words: str) -> str:
    """Return what the view says once these words are there."""
    async with asyncio.timeout(30):
        while True:
            view = (await client.ask(PLACE)).text
            if all(each in words_of(view) for each in words):
                return view
            await asyncio.sleep(0.02)


async def planned(client: Client) -> str:
    """Have a plan made; return its hash."""
    assert (await client.ask(f"{PLACE}/plan", {})).place == PLACE
    view = await seen(client, "The plan")
    assert f"<footer><p>kit-worker {VERSION}</p></footer>" in view
    return str(form_on(view, "/start")["plan"])


async def begun(client: Client, folder: Path, count: int = 30) -> str:
    """Begin a plan, and wait until all timers are set."""
    plan = await planned(client)
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": "30"})
    await until_due(folder, count)
    return plan


async def test_a_plan_tells_what_each_would_gain_and_lose_and_changes_nothing(
    client: Client, tmp_path: Path
) -> None:
    view = words_of((await client.ask(PLACE)).text)
    assert "who is there already stays as they are until their next event" in view
    assert "Make a plan" in view
    plan = await planned(client)
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "30 of 30 people would be treated otherwise." in told
    assert "New taggings, each of which may start an automation and send mail: 30." in told
    assert "VIP 30 30 0" in told
    assert "Buyer 0 0 30" in told
    assert "or until somebody says kit-worker apply" not in told
    assert view.count('<a href="/accounts/sunny/people/person') == 10
    assert "Put 30 tags on, and bring 30 people under the file" in told
    await until_due(tmp_path, 0)
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "A plan for 30 people, with 30 new taggings; nothing is done yet" in journal
    assert plan in journal


@pytest.mark.parametrize("typed", ["", "29", "3", "abc", "030"])
async def test_nothing_is_begun_without_the_number_of_new_taggings(
    client: Client, tmp_path: Path, typed: str
) -> None:
    plan = await planned(client)
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": typed})
    view = (await client.ask(PLACE)).text
    assert "Nothing was begun: the plan has 30 new taggings" in words_of(view)
    assert BUTTON in view
    await until_due(tmp_path, 0)


async def test_it_is_carried_out_with_who_began_it_how_many_are_left_and_how_it_ended(
    client: Client, tmp_path: Path
) -> None:
    await client.follow(admin())
    plan = await begun(client, tmp_path)
    view = await seen(client, "0 of 30 people are done.", "by admin of sunny")
    assert f'action="{PLACE}/stop"' in view
    assert f'action="{PLACE}/plan"' not in view
    assert await workers_do_it(tmp_path, some=10) == 10
    await seen(client, "10 of 30 people are done; it takes about")
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": "30"})
    await seen(client, "somebody has begun it already")
    assert await workers_do_it(tmp_path) == 20
    view = await seen(client, "Done: 30 people.")
    assert f'action="{PLACE}/plan"' in view
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "apply ended" in journal
    assert "Done: 30 people." in journal


async def test_how_others_ended_is_told_with_the_reason(client: Client, tmp_path: Path) -> None:
    plan = await begun(client, tmp_path)
    await workers_do_it(tmp_path, "dead_lettered", some=2)
    await workers_do_it(tmp_path, some=18)
    await client.ask(f"{PLACE}/stop", {"plan": plan})
    assert "It is stopped: 10 people stay as they were." in (await client.ask(PLACE)).text
    view = words_of(await seen(client, "Done: 18 of 30 people. The others were not brought under the file:"))
    assert "2: they are dead letters" in view
    assert "10: the run was stopped before their turn" in view
    assert "Go on with those who are left" in view
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": "30"})
    await until_due(tmp_path, 30)


async def test_who_is_on_the_way_when_it_is_stopped_is_done_and_counted(
    client: Client, tmp_path: Path
) -> None:
    """Given five messages that are published, the run ends once these have, and is taken back only then."""
    plan = await begun(client, tmp_path)
    async with opened(tmp_path) as ledger, ledger.database.write() as connection:
        on_the_way = select(due.c.id).order_by(due.c.id).limit(5)
        published = update(due).where(due.c.id.in_(on_the_way))
        await connection.execute(published.values(published=1, not_before=due.c.at + 600))
    await client.ask(f"{PLACE}/stop", {"plan": plan})
    assert "It is stopped: 25 people stay as they were." in (await client.ask(PLACE)).text
    await until_due(tmp_path, 5)
    await seen(client, "It was stopped: who is on the way is done all the same.")
    await client.ask(f"{PLACE}/undo", {"plan": plan, "sure": "yes"})
    await seen(client, "It is being taken back: 0 of 30 people looked at")
    assert await workers_do_it(tmp_path) == 5
    await seen(client, "Done: 5 of 30 people.", "30 of 30 people looked at, and 5 of them")


async def test_it_is_taken_back_once_the_box_is_ticked(client: Client, tmp_path: Path) -> None:
    plan = await begun(client, tmp_path)
    await workers_do_it(tmp_path)
    await seen(client, "Done: 30 people.")
    await client.ask(f"{PLACE}/undo", {"plan": plan})
    await seen(client, "Nothing was done: tick the box first.")
    await client.ask(f"{PLACE}/undo", {"plan": plan, "sure": "yes"})
    await until_due(tmp_path, 30)
    await seen(client, "It is being taken back: 30 of 30 people looked at, and 30 of them")
    await workers_do_it(tmp_path)
    view = await seen(client, "Taken back: of 30 people.")
    assert f'action="{PLACE}/undo"' not in view
    await client.ask(f"{PLACE}/undo", {"plan": plan, "sure": "yes"})
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": "30"})
    await until_due(tmp_path, 0)


async def test_a_plan_for_another_file_is_not_carried_out(client: Client, tmp_path: Path) -> None:
    """Given a file that is saved after the plan was made, the view says so; an older form does nothing."""
    plan = await planned(client)
    form = form_on((await client.ask("/accounts/sunny/text")).text, "/text")
    form["events"] = form["events"].replace("VIP", "Friend")
    form["do"] = "save"
    assert (await client.ask("/accounts/sunny/text", form)).status == 303
    view = await client.ask(PLACE)
    assert "Another file is in force by now" in view.text
    assert BUTTON not in view.text
    await client.ask(f"{PLACE}/start", {"plan": plan, "taggings": "30"})
    assert "another file is in force by now. Make the plan anew." in words_of((await client.ask(PLACE)).text)
    await until_due(tmp_path, 0)


async def test_who_only_looks_sees_it_and_does_nothing_and_anothers_admin_finds_nothing(
    client: Client, tmp_path: Path
) -> None:
    plan = await planned(client)
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "30 of 30 people would be treated otherwise." in words_of(view)
    assert f'action="{PLACE}' not in view
    for what in ("plan", "start", "stop", "undo"):
        form = {"plan": plan, "taggings": "30", "sure": "yes"}
        assert (await client.ask(f"{PLACE}/{what}", form)).status == web.HTTPForbidden.status_code
    client.session.cookie_jar.clear()
    await client.follow(admin("rainy"))
    assert (await client.ask(PLACE)).status == web.HTTPNotFound.status_code
    theirs = PLACE.replace("sunny", "rainy")
    assert "person00" not in (await client.ask(theirs)).text
    for what in ("start", "stop", "undo"):
        await client.ask(f"{theirs}/{what}", {"plan": plan, "taggings": "30", "sure": "yes"})
        assert "that plan is not kept any more" in (await client.ask(theirs)).text
    await until_due(tmp_path, 0)


async def test_where_nobody_would_have_anything_otherwise_there_is_nothing_to_begin(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await fill_ledger(tmp_path)
        await client.sign_in(TOKEN)
        await client.ask(f"{PLACE}/plan", {})
        view = await seen(client, "Nobody would be treated otherwise, of 30 people.")
        assert BUTTON not in view


async def test_who_is_forgotten_is_no_example_any_more(client: Client, tmp_path: Path) -> None:
    await planned(client)
    async with opened(tmp_path) as ledger:
        await forget(ledger, "person00@example.com", ["sunny"])
    view = (await client.ask(PLACE)).text
    assert "person00" not in view
    assert "person10" in view.replace("<wbr>", "")


async def test_while_it_is_made_the_view_says_how_far_it_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a plan that takes long, it is told by the part alone as well, and it is there once it is made."""
    goes_on, made = asyncio.Event(), make_plan

    async def half_way(*args: object) -> object:
        counted: Callable[[int], None] = args[4]  # type: ignore[assignment]
        counted(15)
        await goes_on.wait()
        counted(-15)
        return await made(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(applying, "make_plan", half_way)
    monkeypatch.setattr(applying, "WITHIN", 0.0)
    await client.ask(f"{PLACE}/plan", {})
    view = await seen(client, "15 of 30 people looked at so far; it takes about")
    assert "<progress" in view
    assert f'action="{PLACE}/plan"' not in view
    await client.ask(f"{PLACE}/plan", {})
    part = re.search('data-live="([^"]*)"', view)
    assert part
    assert "15 of 30" in (await client.ask(part[1])).text
    goes_on.set()
    await seen(client, "30 of 30 people would be treated otherwise.")
    answer = await client.ask(part[1])
    assert "<html" not in answer.text
    assert (await client.ask(part[1], headers={"If-None-Match": answer.headers["ETag"]})).status == 304


async def test_a_file_with_a_mistake_has_no_plan(client: Client, tmp_path: Path) -> None:
    (tmp_path / "accounts" / "sunny.yaml").write_text(NEW.replace("add_tags", "ad_tags"))
    await seen(client, "The account's file has a mistake, which has to be mended first.")
    await client.ask(f"{PLACE}/plan", {})
    assert "No plan was made." in (await client.ask(PLACE)).text


async def test_before_a_file_is_saved_the_way_to_it_is_shown(client: Client) -> None:
    form = form_on((await client.ask("/accounts/sunny/text")).text, "/text")
    form["events"] = form["events"].replace("VIP", "Friend")
    form["do"] = "review"
    assert f'<a href="{PLACE}">Apply</a>' in (await client.ask("/accounts/sunny/text", form)).text
