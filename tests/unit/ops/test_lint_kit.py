"""What lint asks of Kit: a few calls that only read, of a Kit that knows more or less of counts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.unit.kit.client.talking import talking_to
from tests.unit.kit.raw_server import Request, http
from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit
from worker.clock import Clock
from worker.errors import CredentialRefused
from worker.kit.access import KitAccess
from worker.kit.credentials import ApiKey, Credential, StoredKey
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.lint_kit import look_at_kit, read_kit
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.known import Batch, KitName

KEY = "key-of-sunny-0001"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={KEY: "Sunny"}).running() as running:
        running.account(KEY).add_custom_field("Last order")
        running.account(KEY).add_tag("VIP")
        running.account(KEY).add_tag("Nobody's")
        running.account(KEY).add_subscriber("ada@example.com", tags=["VIP"])
        yield running


def settings_of(sandbox: Sandbox, folder: Path) -> Settings:
    url = SecretStr(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    return Settings(_env_file=None, kit_base_url=sandbox.url, ledger_url=url)


async def look(sandbox: Sandbox, folder: Path, credential: Credential | None) -> AtKit:
    settings = settings_of(sandbox, folder)
    account = Account("sunny", apps=("sunny",), credential=credential)
    database = Database(settings.ledger_url.get_secret_value())
    async with Ledger(database, worker="lint", clock=Clock()) as ledger:
        return await look_at_kit(settings, account, KitAccess(settings, ledger), Clock())


OURS = ApiKey(SecretStr(KEY))


async def test_three_calls_tell_tags_with_their_people_and_fields(sandbox: Sandbox, tmp_path: Path) -> None:
    found = await look(sandbox, tmp_path, OURS)

    assert {tag.name: tag.people for tag in found.tags} == {"VIP": 1, "Nobody's": 0}
    assert [(field.key, field.label) for field in found.fields] == [("last_order", "Last order")]
    assert (found.meant, found.created_tags, found.has_counts) == ((), None, True)
    assert [call.endpoint for call in sandbox.calls()] == [
        "GET /v4/account", "GET /v4/tags", "GET /v4/custom_fields",
    ]  # fmt: skip
    assert not (tmp_path / "ledger.db").exists()


async def test_an_older_kit_does_not_count(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.unknown_parameters = ["include"]

    found = await look(sandbox, tmp_path, OURS)

    assert ([tag.people for tag in found.tags], found.has_counts) == ([None, None], False)


async def test_a_kit_that_refuses_to_count_is_asked_without() -> None:
    async def kit(request: Request, writer: object) -> None:
        asked, pages = "include" in request.target, '"pagination": {"has_next_page": false}'
        tags = b'{"tags": [{"id": 1, "name": "VIP"}], %b}' % pages.encode()
        fields = b'{"custom_fields": [], %b}' % pages.encode()
        answer = http(422, b'{"errors": ["include is unknown"]}') if asked else http(200, tags)
        writer.write(http(200, fields) if "custom_fields" in request.target else answer)  # type: ignore[attr-defined]

    async with talking_to(kit) as (_, client):
        found = await read_kit(client)

    assert [tuple(tag) for tag in found.tags] == [(1, "VIP", None)]


async def test_what_the_ledger_knows_of_names_and_made_tags_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    url = settings_of(sandbox, tmp_path).ledger_url.get_secret_value()
    named = KitName("tags", "vip", 1, "VIP")
    async with Ledger(Database(url), worker="one", clock=Clock()) as ledger:
        await ledger.save(await ledger.take("sunny"), Batch(names=[named], created_tags=7))

    found = await look(sandbox, tmp_path, OURS)

    assert (found.meant, found.created_tags) == ((named,), 7)


async def test_without_a_credential_kit_is_not_asked(sandbox: Sandbox, tmp_path: Path) -> None:
    wrong = ApiKey(SecretStr("no-key-of-kits"))
    for credential, said in ((None, "a secret of it is missing"), (StoredKey(), "entered"), (wrong, "401")):
        with pytest.raises(CredentialRefused) as refused:
            await look(sandbox, tmp_path, credential)
        assert said in str(refused.value)
    assert not (tmp_path / "ledger.db").exists()
