"""What Kit has, for those who type: asked for seldom, by nobody who waits."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.unit.page.serve import KEY, TOKEN, Client, served
from worker.accounts.account import Account
from worker.clock import Clock
from worker.kit.access import KitAccess
from worker.kit.credentials import ApiKey
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page import kit_names
from worker.page.kit_names import AGAIN_AFTER, KEPT_FOR, KitNames
from worker.sandbox import Sandbox
from worker.settings import Settings

SUNNY = Account("sunny", credential=ApiKey(SecretStr("key-of-sunny")))


class StandingClock(Clock):
    """A clock whose hands somebody moves."""

    now_ = 1000.0

    def monotonic(self) -> float:
        return self.now_


def names_at(url: str, tmp_path: Path) -> tuple[KitNames, StandingClock]:
    settings = Settings(_env_file=None, kit_base_url=url)
    ledger = Ledger(Database(f"sqlite+aiosqlite:///{tmp_path / 'l.db'}"), worker="page", clock=Clock())
    clock = StandingClock()
    return KitNames(KitAccess(settings, ledger), clock), clock


async def test_kit_is_asked_once_in_ten_minutes_however_many_look(tmp_path: Path) -> None:
    async with Sandbox(keys={"key-of-sunny": "Sunny"}).running() as made:
        made.account("key-of-sunny").add_tag("VIP")
        names, clock = names_at(made.url, tmp_path)
        assert not names.of(SUNNY).is_known
        await asked(names)
        for _ in range(50):
            assert names.of(SUNNY).tags == ("VIP",)
        assert names._asked.empty()
        calls = made.count()
        clock.now_ += KEPT_FOR + 1
        made.account("key-of-sunny").add_tag("annual")
        assert names.of(SUNNY).tags == ("VIP",)
        await asked(names)
        assert names.of(SUNNY).tags == ("annual", "VIP")
        assert made.count() == 2 * calls


async def asked(names: KitNames) -> None:
    """Let it ask what it is to ask."""
    running = asyncio.create_task(names.run())
    await names._asked.join()
    running.cancel()


async def test_where_kit_does_not_answer_it_is_asked_again_after_a_minute(tmp_path: Path) -> None:
    names, clock = names_at("http://127.0.0.1:9", tmp_path)
    names.of(SUNNY)
    await asked(names)
    assert not names.of(SUNNY).is_known
    assert names._asked.empty()
    clock.now_ += AGAIN_AFTER + 1
    names.of(SUNNY)
    assert not names._asked.empty()


async def test_an_account_without_a_key_is_not_asked_for(tmp_path: Path) -> None:
    names, _ = names_at("http://127.0.0.1:9", tmp_path)
    assert not names.of(Account("sunny")).is_known
    assert names._asked.empty()


async def test_forms_offer_the_tags_and_fields_that_kit_has(tmp_path: Path) -> None:
    """Given a form that was opened, the next one offers what Kit has said meanwhile."""
    async with Sandbox(keys={f"{KEY[:-5]}sunny": "Sunny"}).running() as made:
        kit = made.account(f"{KEY[:-5]}sunny")
        kit.add_tag('Kit\'s "own"')
        kit.add_custom_field("Their plan")
        async with served(tmp_path, kit_base_url=made.url) as client:
            await client.sign_in(TOKEN)
            async with asyncio.timeout(15):
                while '<option value="Kit&#39;s &#34;own&#34;">' not in await form(client):
                    await asyncio.sleep(0.05)
            assert '<option value="Their plan">' in await form(client)


async def form(client: Client) -> str:
    return (await client.ask("/accounts/sunny/events/edit")).text


@pytest.mark.parametrize("name", ["KEPT_FOR", "AGAIN_AFTER"])
def test_typing_costs_kit_next_to_nothing(name: str) -> None:
    """Two calls in ten minutes are less than a part in 500 of the smallest limit, 120 a minute."""
    assert 2 / (120 / 60 * getattr(kit_names, name)) < 0.02
