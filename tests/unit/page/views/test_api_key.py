"""An API key is entered on the page, over HTTP: what becomes of it, and that nothing shows it again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.unit.page.serve import KEY, READ_TOKEN, STORED_KEY, TOKEN, Client, admin, served
from worker.accounts.claims import mark
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.schema import tables
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.outside.texts import SECRETS
from worker.sandbox import Sandbox

SUNNY_KEY, RAINY_KEY = "kit_5555555555555555SUNNY", "any-word-that-opens-rainy"
SUNNY, RAINY = "Sunny Kitchen", "Rainy Garden"
LEDGER_KEY = new_key()
PLACE = "/accounts/sunny"
VIEWS = (PLACE, f"{PLACE}/_state", f"{PLACE}/events", f"{PLACE}/journal")


@pytest.fixture
async def kit() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={SUNNY_KEY: SUNNY, RAINY_KEY: RAINY}).running() as running:
        yield running


def settings(kit: Sandbox) -> dict[str, Any]:
    return {"kit_base_url": kit.url, "ledger_key": SecretStr(LEDGER_KEY)}


@pytest.fixture
async def client(tmp_path: Path, kit: Sandbox) -> AsyncIterator[Client]:
    async with served(tmp_path, file=STORED_KEY, **settings(kit)) as client:
        await client.follow(admin())
        yield client


async def enter(client: Client, key: str, account: str = "sunny", **more: str) -> str:
    """Enter a key; what the page says of it."""
    answer = await client.ask(f"/accounts/{account}/key", {"key": key, **more})
    assert (answer.status, answer.place) == (303, f"/accounts/{account}")
    return (await client.ask(f"/accounts/{account}")).text


async def test_the_key_of_an_account_is_saved_and_tested(client: Client) -> None:
    """Given an account without a key, one that is entered opens it, and the page says whose it is."""
    before = (await client.ask(PLACE)).text
    assert "No API key has been entered yet" in before
    assert "not known yet: test the connection" in before
    after = await enter(client, f" {SUNNY_KEY} ")
    assert f"The key is saved. It opens &#39;{SUNNY}&#39; in Kit, plan creator" in after
    assert "No API key has been entered yet" not in after
    assert f"{SUNNY}, plan creator (as Kit said 0 s ago)" in after
    assert "A key was entered on 20" in after
    await client.ask(f"{PLACE}/test", {})
    assert "It works: this is" in (await client.ask(PLACE)).text


async def test_a_key_that_was_entered_is_shown_nowhere(
    client: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Given keys that were taken and refused, they are in no page, header, log, journal or ledger."""
    found = []
    with capture_logs() as logs:
        for key in (SUNNY_KEY, RAINY_KEY, "kit_7777777777777777WRONG", "two words of a key"):
            answer = await client.ask(f"{PLACE}/key", {"key": key})
            found += [answer.text, str(answer.headers), str(list(client.session.cookie_jar))]
            for view in VIEWS:
                answer = await client.ask(view)
                found += [answer.text, str(answer.headers)]
        await client.ask(f"{PLACE}/disconnect", {"sure": "yes"})
    everything = "\n".join([*found, str(logs), caplog.text, await contents(tmp_path)])
    assert "Kit refuses this key" in everything
    for key in ("5555SUNNY", RAINY_KEY, "7777WRONG", "two words of"):
        assert key not in everything
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"5555SUNNY" not in raw


async def contents(folder: Path) -> str:
    """All rows of the ledger."""
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    rows: list[object] = []
    async with database.read() as connection:
        for table in tables.sorted_tables:
            rows += (await connection.execute(table.select())).all()
    await database.close()
    assert "api key" in str(rows)  # what was done is in the journal
    return str(rows)


async def test_a_word_that_was_no_key_is_a_word_again(client: Client) -> None:
    await enter(client, "subscription")
    assert SECRETS.taken_out("subscription") == "subscription"


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ("", "The key was not saved: no key was entered: copy it from Kit"),
        ("two words", "The key was not saved: this cannot be an API key"),
        ("kit_ключ0123456789", "The key was not saved: this cannot be an API key"),
        ("short", "The key was not saved: this cannot be an API key"),
        ("x" * 3000, "The key was not saved: this cannot be an API key"),
        ("kit_7777777777777777WRONG", "Kit refuses this key, so it was not saved."),
        (RAINY_KEY, "This is the key of another Kit account than the one before; it was not saved."),
    ],
)
async def test_a_key_that_is_not_saved_leaves_the_one_before(client: Client, entered: str, said: str) -> None:
    await enter(client, SUNNY_KEY)
    assert said in await enter(client, entered)
    await client.ask(f"{PLACE}/test", {})
    assert f"It works: this is &#39;{SUNNY}&#39;" in (await client.ask(PLACE)).text


async def test_a_kit_that_does_not_answer_is_no_reason_to_save_anything(client: Client, kit: Sandbox) -> None:
    kit.fail("hang", path="/v4/account", times=1)
    view = await enter(client, SUNNY_KEY)
    assert "Kit could not be asked, so the key was not saved: Kit has not answered within 5 seconds" in view
    assert "No API key has been entered yet" in view


async def test_a_key_of_another_kit_account_takes_the_place_of_the_one_before_if_that_is_said(
    client: Client,
) -> None:
    await enter(client, SUNNY_KEY)
    assert f"It opens &#39;{RAINY}&#39;" in await enter(client, RAINY_KEY, of="another")


async def test_a_kit_account_of_another_account_is_refused_and_its_name_told_to_operators_alone(
    client: Client,
) -> None:
    """Given a key that another account has, whoever may not see that account does not hear its name."""
    await client.sign_in(TOKEN)
    await enter(client, RAINY_KEY, "rainy")
    told = await enter(client, RAINY_KEY)
    assert "This Kit account belongs to another account here already; nothing was changed." in told
    assert "It belongs to rainy." in told
    await client.follow(admin())
    told = await enter(client, RAINY_KEY)
    assert "belongs to another account here already" in told
    assert "rainy" not in told.lower()
    assert "rainy" not in (await client.ask(f"{PLACE}/journal")).text.lower()


async def test_a_key_that_another_account_has_by_a_variable_is_known_by_its_digest(
    client: Client, tmp_path: Path, kit: Sandbox
) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        await Registry(ledger, "one").keep_claims({mark(("secret", SUNNY_KEY)): "rainy"})
        assert "belongs to another account here already" in await enter(client, SUNNY_KEY)
        assert kit.calls() == []
        # Of an account that is gone, nothing is kept from others.
        await Registry(ledger, "one").keep_claims({mark(("secret", SUNNY_KEY)): "gone"})
        assert "The key is saved" in await enter(client, SUNNY_KEY)


async def test_without_a_ledger_key_the_page_says_what_to_set(tmp_path: Path, kit: Sandbox) -> None:
    async with served(tmp_path, file=STORED_KEY, kit_base_url=kit.url) as client:
        await client.follow(admin())
        view = (await client.ask(PLACE)).text
        assert "An operator sets LEDGER_KEY" in view
        assert 'name="key"' not in view
        assert "The key was not saved: LEDGER_KEY is not set" in await enter(client, SUNNY_KEY)
        assert kit.calls() == []


async def test_where_the_file_says_otherwise_nothing_is_saved(tmp_path: Path, kit: Sandbox) -> None:
    async with served(tmp_path, **settings(kit)) as client:
        await client.follow(admin())
        assert 'name="key"' not in (await client.ask(PLACE)).text
        view = await enter(client, KEY)
        assert "The account&#39;s file does not say that its key is entered here" in view
        assert kit.calls() == []


async def test_a_key_is_forgotten(client: Client) -> None:
    await enter(client, SUNNY_KEY)
    await client.ask(f"{PLACE}/disconnect", {"sure": "yes"})
    view = (await client.ask(PLACE)).text
    assert "The key is forgotten: within 5 seconds no worker uses it any more" in view
    assert "It stays good until somebody deletes it in Kit" in view
    assert "No API key has been entered yet" in view
    await client.ask(f"{PLACE}/disconnect", {"sure": "yes"})
    assert "There was nothing to forget." in (await client.ask(PLACE)).text


async def test_no_key_is_forgotten_unless_somebody_is_sure(client: Client) -> None:
    """Given a button that was pressed by mistake, the account goes on with its key."""
    await enter(client, SUNNY_KEY)
    await client.ask(f"{PLACE}/disconnect", {})
    view = (await client.ask(PLACE)).text
    assert "Nothing was forgotten. Tick the box first" in " ".join(re.sub(r"<[^>]*>", "", view).split())
    assert "No API key has been entered yet" not in view


async def test_who_may_look_sees_no_form(client: Client) -> None:
    await enter(client, SUNNY_KEY)
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "A key was entered on 20" in view
    assert "<form" not in view.partition("<main")[2]
