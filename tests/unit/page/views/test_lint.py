"""The findings of one account, as its admin sees them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.unit.page.known import know
from tests.unit.page.serve import KEY, READ_TOKEN, TOKEN, Client, admin, served
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page.views import lint
from worker.page.views.lint import KIT_IS_ASKED, KIT_IS_NOT_ASKED, NOT_COUNTED
from worker.sandbox import Sandbox
from worker.subscribers.known import Batch, HistoryEntry, KitName

PLACE = "/accounts/sunny/lint"
FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
events:
  user.deleted: {create: false, unsubscribe: true}
  order.paid: {add_tags: [Buyer]}
"""
CLEAN = FILE.replace("unsubscribe: true", "unsubscribe: true, remove_tags: all")
FORM = "/accounts/sunny/events/edit?event=user.deleted"


async def findings(client: Client) -> str:
    answer = await client.ask(PLACE)
    assert answer.status == 200
    return answer.text


def ignored(*kinds: str) -> list[HistoryEntry]:
    now = Clock().now()
    return [HistoryEntry("", None, kind, now, Clock().time(), "ignored") for kind in kinds]


async def test_each_finding_has_its_line_why_what_to_do_and_its_form(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.follow(admin())
        told = await findings(client)

    assert f'<a href="{FORM}">user.deleted</a> <span class="place">line 4</span>' in told
    assert "user.deleted unsubscribes the person, who keeps every tag all the same." in told
    assert "user.deleted: {create: false, unsubscribe: true}</div>" in told
    assert "Add remove_tags: all." in told
    assert "deleted-keeps-tags" in told


async def test_who_may_only_look_sees_them_without_forms(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(READ_TOKEN)
        told = await findings(client)

    assert ("deleted-keeps-tags" in told, "/events/edit" in told) == (True, False)


async def test_where_nothing_is_found_that_is_said(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": CLEAN}) as client:
        await client.sign_in(TOKEN)
        assert "Nothing was found." in await findings(client)


async def test_a_file_with_a_mistake_is_mended_first(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": f"{FILE}event: {{}}\n"}) as client:
        await client.sign_in(TOKEN)
        told = await findings(client)

    assert "The account's file has a mistake" in told
    assert "deleted-keeps-tags" not in told


async def test_a_file_that_was_just_saved_counts_as_it_is_now(tmp_path: Path) -> None:
    """Given a file that changes between two looks at its folder, the lines are those of the new one."""
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        (tmp_path / "accounts" / "sunny.yaml").write_text(f"# more\n# lines\n{FILE}")
        assert '<span class="place">line 6</span>' in await findings(client)
        (tmp_path / "accounts" / "sunny.yaml").write_text("events: [")
        assert "The account's file has a mistake" in await findings(client)


async def test_events_that_came_are_looked_at(tmp_path: Path) -> None:
    await know(tmp_path, entries=ignored(*["order.sent"] * 3, *["order.paid"] * 20))
    async with served(tmp_path, texts={"sunny": CLEAN}) as client:
        await client.sign_in(TOKEN)
        told = await findings(client)

    assert "3 of the last 23 events were order.sent, which this file does not map" in told
    assert "A queue gets mapped types only" in told


async def test_what_kit_lacks_is_told_once_kit_has_said_what_it_has(tmp_path: Path) -> None:
    async with Sandbox(keys={f"{KEY[:-5]}sunny": "Sunny"}).running() as made:
        made.unknown_parameters = ["include"]
        made.account(f"{KEY[:-5]}sunny").add_tag("buyers")
        async with served(tmp_path, texts={"sunny": CLEAN}, kit_base_url=made.url) as client:
            await client.sign_in(TOKEN)
            first = await findings(client)
            async with asyncio.timeout(15):
                while "tag-otherwise-in-kit" not in await findings(client):
                    await asyncio.sleep(0.05)
            told = await findings(client)

    assert KIT_IS_ASKED in first
    assert "Kit has no tag &#34;Buyer&#34;, but &#34;buyers&#34;: to Kit, those are two" in told
    assert NOT_COUNTED in told


async def test_what_was_renamed_in_kit_is_told_once_both_have_said_what_they_know(tmp_path: Path) -> None:
    """Given a tag that the ledger knows by the file's name, and that is called otherwise in Kit by now."""
    key = f"{KEY[:-5]}sunny"
    async with Sandbox(keys={key: "Sunny"}).running() as made:
        named = KitName("tags", "buyer", made.account(key).add_tag("Customers 2027"), "Buyer")
        async with Ledger(
            Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}"), worker="one", clock=Clock()
        ) as ledger:
            await ledger.save(await ledger.take("sunny", apps=("sunny",)), Batch(names=[named]))
        async with served(tmp_path, texts={"sunny": CLEAN}, kit_base_url=made.url) as client:
            await client.sign_in(TOKEN)
            async with asyncio.timeout(15):
                while KIT_IS_ASKED in (told := await findings(client)):
                    await asyncio.sleep(0.05)

    assert "it is called &#34;Customers 2027&#34; there, and still meant" in told


async def test_without_ledger_and_key_the_file_is_looked_at_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise LedgerUnavailable("it is away")

    stored = FILE.replace("api_key_env: KIT_API_KEY_SUNNY", "api_key_env: KIT_API_KEY_OTHER")
    async with served(tmp_path, texts={"sunny": stored}) as client:
        await client.sign_in(TOKEN)
        assert KIT_IS_NOT_ASKED in await findings(client)
        monkeypatch.setattr(lint, "last_events", away)
        told = await findings(client)

    assert "The ledger cannot be read: it is away." in told
    assert "deleted-keeps-tags" in told


async def test_no_admin_hears_of_other_accounts(tmp_path: Path) -> None:
    """Given accounts that write one tag otherwise, an admin hears nothing of the others."""
    others = {
        name: FILE.replace("sunny", name).replace("SUNNY", name.upper()).replace("Buyer", "buyer")
        for name in ("rainy", "misty", "windy")
    }
    async with served(tmp_path, ("sunny", *others), texts={"sunny": FILE, **others}) as client:
        await client.follow(admin())
        told = await findings(client)

    assert not [name for name in others if name in told]
