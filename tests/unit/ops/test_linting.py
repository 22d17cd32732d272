"""What lint says beside its findings: what it left out, and what nobody can know."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from tests.unit.accounts.lint.cases import at_kit, last_events
from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit, TagAtKit
from worker.kit.credentials import ApiKey
from worker.ops.linting import WHAT_EVENTS_TELL, Beside, with_kit
from worker.sandbox import Sandbox
from worker.settings import Settings

KEY = "key-of-sunny-0001"


def test_what_was_left_out_is_said_by_account() -> None:
    old = AtKit((TagAtKit(1, "VIP"),))
    beside = Beside({"sunny": old, "moon": at_kit()}, {"sunny": last_events(others=3), "moon": last_events()})

    assert beside.notes == [
        "sunny: this Kit does not say how many people have a tag, so tag-of-nobody was left out.",
        "sunny: the history has 3 events; event-never-came needs 20.",
        WHAT_EVENTS_TELL,
    ]
    assert Beside().notes == []


async def test_of_accounts_whose_kit_cannot_be_asked_the_reason_is_told_and_the_others_are_looked_at(
    tmp_path: Path,
) -> None:
    known = Account("sunny", credential=ApiKey(SecretStr(KEY)))
    ledger = SecretStr(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Sandbox(keys={KEY: "Sunny"}).running() as sandbox:
        sandbox.account(KEY).add_tag("VIP")
        settings = Settings(_env_file=None, kit_base_url=sandbox.url, ledger_url=ledger)
        events = {"sunny": last_events()}
        found = await with_kit(settings, [Account("moon"), known], Beside(events=events))

    assert [tag.name for tag in found.kit["sunny"].tags] == ["VIP"]
    assert {name: str(error) for name, error in found.errors.items()} == {
        "moon": "a secret of it is missing, so Kit was not asked"
    }
    assert (list(found.kit), found.events) == (["sunny"], events)
