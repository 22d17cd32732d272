"""The texts that a file had, and which workers have the present one in force."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import READ_TOKEN, Client, admin, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.registry import Overview, Registry, WorkerView
from worker.ledger.store import Ledger
from worker.ledger.versions import PAGE, Versions
from worker.page.state import Workers
from worker.page.views.versions import in_force

FILE = "app: sunny\nkit: {api_key_env: KIT_API_KEY_SUNNY}\nevents:\n  order.paid: {add_tags: [Buyer]} # all\n"
TEXT = "/accounts/sunny/text"
PLACE = "/accounts/sunny/versions"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.follow(admin())
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "sunny.yaml"


async def save(client: Client, old: str, new: str) -> None:
    form = form_on((await client.ask(TEXT)).text, "/text")
    fill(form, "events", form["events"].replace(old, new))
    review = await press(client, TEXT, form, "review")
    assert (await press(client, TEXT, form_on(review.text, "/text"), "save")).status == 303


async def test_one_goes_back_to_what_was_there_to_the_byte(client: Client, file: Path) -> None:
    """Given a text that was found in the file, and one that an admin has saved, the first comes back."""
    await save(client, "Buyer", "VIP")
    view = (await client.ask(PLACE)).text
    assert "2</a>, the present one" in view
    assert ("admin of sunny" in view, "found in the file" in view) == (True, True)
    one = (await client.ask(f"{PLACE}/1")).text
    assert "+   order.paid: {add_tags: [Buyer]} # all" in one

    review = await press(client, f"{PLACE}/1", form_on(one, "/versions/1"), "review")
    assert "adds Buyer" in review.text
    assert "VIP" in file.read_text()
    answer = await press(client, f"{PLACE}/1", form_on(review.text, "/versions/1"), "save")

    assert (answer.status, answer.place) == (303, PLACE)
    assert file.read_text() == FILE
    assert "Saved: version 1, restored." in (await client.ask("/accounts/sunny/journal")).text


async def test_what_an_operator_changed_meanwhile_stays(client: Client, file: Path) -> None:
    await save(client, "Buyer", "VIP")
    file.write_text(file.read_text().replace("app: sunny", "app: [sunny, moon]"))
    one = (await client.ask(f"{PLACE}/1")).text
    review = await press(client, f"{PLACE}/1", form_on(one, "/versions/1"), "review")
    await press(client, f"{PLACE}/1", form_on(review.text, "/versions/1"), "save")
    assert file.read_text() == FILE.replace("app: sunny", "app: [sunny, moon]")


async def test_a_version_that_is_there_already_is_no_change(client: Client) -> None:
    await save(client, "Buyer", "VIP")
    assert "Nothing differs." in (await client.ask(f"{PLACE}/2")).text
    answer = await client.ask(f"{PLACE}/2", {"do": "review"})
    assert (answer.status, "The file says so already" in answer.text) == (422, True)


async def test_anothers_versions_are_not_there(client: Client) -> None:
    """Given a version's number, which all accounts share, only its own account has it."""
    await save(client, "Buyer", "VIP")
    await client.follow(admin("rainy"))
    for place in ("/accounts/sunny/versions/1", "/accounts/rainy/versions/1", "/accounts/rainy/versions/x"):
        assert (await client.ask(place)).status == 404
        assert (await client.ask(place, {"do": "save"})).status == 404


async def test_who_may_look_sees_versions_and_restores_none(client: Client, file: Path) -> None:
    await save(client, "Buyer", "VIP")
    await client.sign_in(READ_TOKEN)
    assert "[Buyer]" in (await client.ask(f"{PLACE}/1")).text
    assert "restoring" not in (await client.ask(f"{PLACE}/1")).text
    assert (await client.ask(f"{PLACE}/1", {"do": "save"})).status == 403
    assert "VIP" in file.read_text()


async def test_older_versions_are_a_page_on(client: Client, tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    async with Ledger(Database(url), worker="one", clock=Clock()) as ledger:
        for number in range(PAGE + 1):
            await Versions(ledger).keep("sunny", "somebody", f"# {number}\n")
    view = (await client.ask(PLACE)).text
    assert ("/versions/2" in view, '/versions/1"' in view, "?before=2" in view) == (True, False, True)
    assert '/versions/1"' in (await client.ask(f"{PLACE}?before=2")).text


# -- in force ----------------------------------------------------------------------------------------------


async def test_after_saving_one_sees_which_workers_have_it(client: Client, tmp_path: Path) -> None:
    assert "No worker is there" in (await client.ask(PLACE)).text
    url = f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"
    async with Ledger(Database(url), worker="one", clock=Clock()) as ledger:
        await Registry(ledger, "one").beat({"sunny": {"state": "waiting", "config_hash": "000000000000"}})
    assert "has an older one" in (await client.ask(f"{PLACE}/_in_force")).text


def test_each_worker_is_told_that_lives_and_has_the_account() -> None:
    def view(worker: str, *, live: bool = True, **report: str) -> WorkerView:
        return WorkerView(worker, "1", worker, 0.0, live, {"sunny": report} if report else {})

    overview = Overview((
        view("a", state="running", config_hash="abc"), view("b", state="waiting", config_hash="old"),
        view("c", state="waiting"), view("d", live=False, config_hash="abc"), view("e"),
    ), {}, {}, 0.0)  # fmt: skip
    found = [(each.worker, each.told.mood) for each in in_force("sunny", "abc", Workers(overview))]
    assert found == [("a", "good"), ("b", "busy"), ("c", "busy")]
