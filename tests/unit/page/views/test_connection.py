"""How an account's connection stands, over HTTP: where something is another one's; at first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.page.serve import ACCOUNT_FILE, KEY, STORED_KEY, TOKEN, Client, admin, served
from worker.accounts.account import Account
from worker.accounts.claims import opened_by
from worker.clock import Clock
from worker.ledger.connecting import take_kit_account, taken
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.sandbox import Sandbox

SUNNY_KEY = f"{KEY[:-5]}sunny"
PLACE = "/accounts/sunny"
ONE_APP = "app: the-app\nkit: {{api_key_env: KIT_API_KEY_{}}}\n"
SAID = "Its Kit account belongs to another account here already; events wait, and none is lost."


@pytest.fixture
async def kit() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={SUNNY_KEY: "Sunny Kitchen"}).running() as running:
        yield running


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        yield ledger


@pytest.fixture
async def client(tmp_path: Path, kit: Sandbox) -> AsyncIterator[Client]:
    """A page where `sunny` has its key by a variable, and `rainy` may have one entered."""
    settings: dict[str, Any] = {"kit_base_url": kit.url, "ledger_key": new_key()}
    texts = {"rainy": STORED_KEY.format(name="rainy")}
    async with served(tmp_path, file=ACCOUNT_FILE, texts=texts, **settings) as client:
        yield client


async def after_a_test(client: Client) -> str:
    assert (await client.ask(f"{PLACE}/test", {})).status == 303
    return (await client.ask(PLACE)).text


async def test_a_key_by_variable_that_opens_what_another_one_has_does_not_pass(client: Client) -> None:
    """Given a key that is stored for `rainy` and that `sunny` names by a variable, the test says so."""
    await client.follow(admin())
    assert "It works: this is" in await after_a_test(client)
    await client.sign_in(TOKEN)
    await client.ask("/accounts/rainy/key", {"key": SUNNY_KEY})
    await client.follow(admin())
    told = await after_a_test(client)
    assert SAID in told
    assert "It works" not in told
    assert "rainy" not in told.lower()


async def test_no_key_is_saved_that_opens_what_another_one_has_by_a_variable(
    client: Client, ledger: Ledger, kit: Sandbox
) -> None:
    """Given a Kit account that `sunny` works in, not even another key of it is taken for `rainy`."""
    opened = opened_by(
        Account("sunny", secret_place="env KIT_API_KEY_SUNNY"),  # no secret
        kit.account(SUNNY_KEY).account.id,
        kit.url,
    )
    await take_kit_account(ledger.database, opened)
    await client.sign_in(TOKEN)
    await client.ask("/accounts/rainy/key", {"key": SUNNY_KEY})
    told = (await client.ask("/accounts/rainy")).text
    assert "This Kit account belongs to another account here already; nothing was changed." in told
    assert "It belongs to sunny." in told
    assert "kit-worker disconnect sunny" in told


async def test_what_a_worker_says_of_it_names_the_other_account_to_operators_alone(
    client: Client, ledger: Ledger
) -> None:
    report = {"state": "credential_refused", "last_error": taken("rainy")}
    await Registry(ledger, "w-1").beat({"sunny": report})
    await client.follow(admin())
    told = (await client.ask(PLACE)).text
    assert SAID in told
    assert "rainy" not in told.lower()
    await client.sign_in(TOKEN)
    told = (await client.ask(PLACE)).text
    assert SAID in told
    assert "that of rainy; one Kit account is one file" in told


async def test_before_the_queues_were_looked_at_nobody_knows_how_much_waits(client: Client) -> None:
    """Given the first seconds of a page, or a broker that is away, that is said in words."""
    await client.sign_in(TOKEN)
    assert (await client.ask(PLACE)).text.count("<dd>not known yet</dd>") == 2
    assert (await client.ask("/")).text.count(">not known yet</td>") == 4


async def test_whose_an_app_is_already_is_told_to_operators_alone(tmp_path: Path, ledger: Ledger) -> None:
    """Given a file that claims another account's app, as this page finds it, and a worker elsewhere."""
    texts = {name: ONE_APP.format(name.upper()) for name in ("rainy", "sunny")}
    by_a_worker = "/etc/accounts/sunny.yaml:1:6: app: it belongs to /etc/accounts/rainy.yaml already"
    async with served(tmp_path, texts=texts) as client:
        report = {"state": "invalid_config", "config_errors": [by_a_worker]}
        await Registry(ledger, "w-1").beat({"sunny": report})
        await client.sign_in(TOKEN)
        told = (await client.ask(PLACE)).text
        assert told.count("accounts/rainy.yaml already") == 2
        await client.follow(admin())
        for view in ("", "/_state", "/events", "/fields", "/text", "/versions"):
            assert "rainy" not in (await client.ask(f"{PLACE}{view}")).text
        told = (await client.ask(PLACE)).text
        assert told.count("belongs to another account&#39;s file already") == 2
        assert str(tmp_path) not in told
