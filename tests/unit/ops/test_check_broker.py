"""The connection test: against a stand-in for Kit, and where nothing answers."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from worker.accounts.account import Account
from worker.broker.version import version_warnings
from worker.clock import Clock
from worker.kit.credentials import ApiKey, OAuthApp
from worker.ledger.database import Database
from worker.ledger.sealing import Seal, new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import Tokens, TokenStore
from worker.mapping import EventMapping, FieldTarget, Options, Rule, Template
from worker.ops.check_broker import check_broker
from worker.ops.check_kit import KitCheck, KitReport, check_kit, named_fields, named_tags
from worker.sandbox import FaultKind, Sandbox
from worker.settings import Settings

KEY = "kit_0123456789abcdef"


@pytest.fixture
async def kit() -> AsyncIterator[Sandbox]:
    async with Sandbox(keys={KEY: "Sunny Kitchen"}).running() as sandbox:
        yield sandbox


@pytest.fixture
def settings(kit: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)  # no .env
    return Settings(
        kit_base_url=kit.url, amqp_url=SecretStr("amqp://guest:very-secret@127.0.0.1:1/"), kit_timeout=2
    )


def account(key: str | None = KEY, *, create_missing: bool = True) -> Account:
    mapping = EventMapping(
        Rule(
            add_tags=(Template("Gold"), Template("{mk_access_level} access")),
            remove_tags=(Template("Old"),),
            set_fields={"Source": "app", "Ended": None, "first_name": "Friend"},
        ),
        (Rule(add_tags=(Template("GOLD "), Template("New"))),),
    )
    return Account(
        "sunny",
        credential=ApiKey(SecretStr(key)) if key else None,
        events={"order.paid": mapping},
        fields=(FieldTarget("mk_first_name", "first_name"), FieldTarget("mk_user_id", "User id")),
        options=Options(create_missing=create_missing),
    )


async def checked(settings: Settings, of: Account) -> KitReport:
    (report,) = await check_kit(settings, [of], Clock())
    return report


async def test_the_kit_account_is_named_with_its_plan(settings: Settings) -> None:
    report = await checked(settings, account())

    assert (report.state, report.name, report.plan) == (KitCheck.OK, "Sunny Kitchen", "creator")


async def test_what_kit_lacks_is_listed_and_nothing_is_created(settings: Settings, kit: Sandbox) -> None:
    """A tag that is only taken off, and a field that is only cleared, need not be there."""
    kit.account(KEY).add_tag("gold")

    report = await checked(settings, account())

    assert (report.lacking_tags, report.lacking_fields) == (("New",), ("User id", "Source"))
    assert not report.lacks_something  # the worker will create it
    assert set(kit.account(KEY).tags()) == {"gold"}
    assert {call.method for call in kit.calls()} == {"GET"}


async def test_what_kit_lacks_is_a_fault_where_nothing_may_be_created(settings: Settings) -> None:
    report = await checked(settings, account(create_missing=False))

    assert report.lacks_something


async def test_a_wrong_key_is_refused_and_not_shown(settings: Settings) -> None:
    report = await checked(settings, account("kit_ffffffffffffffff"))

    assert report.state is KitCheck.REFUSED
    assert "kit_f" not in repr(report)


async def test_a_missing_key_is_said_without_asking_kit(settings: Settings, kit: Sandbox) -> None:
    report = await checked(settings, account(None))

    assert report.state is KitCheck.NO_SECRET
    assert not kit.calls()


async def test_a_kit_that_is_down_is_said_to_be(settings: Settings, kit: Sandbox) -> None:
    kit.fail(FaultKind.STATUS, status=503)

    assert (await checked(settings, account())).state is KitCheck.UNREACHABLE


async def test_a_kit_whose_limit_is_reached_is_no_kit_that_is_down(settings: Settings, kit: Sandbox) -> None:
    kit.fail(FaultKind.STATUS, status=429)

    report = await checked(settings, account())

    assert report.state is KitCheck.LIMITED
    assert "Kit is there, and its limit of calls is reached" in report.detail


async def test_a_broker_that_is_not_there_is_in_the_report_without_its_password(settings: Settings) -> None:
    report = await check_broker(settings, ["sunny"])

    assert "cannot be reached" in report.problem
    assert "very-secret" not in repr(report)


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ("3.8.9", True), ("3.13.7", True), ("4.0.0", True), ("4.0.9", True), ("4.1.1", True),
        ("4.1.2", False), ("4.2.0", False), ("5.0", False), ("", False), ("unknown", False),
    ],
)  # fmt: skip
def test_versions_with_something_to_know_get_a_warning(version: str, warned: bool) -> None:
    assert bool(version_warnings(version)) is warned


def test_tags_are_named_once_whatever_their_case_and_placeholders_are_not_known() -> None:
    found = {wish.name.strip().lower(): wish.present for wish in named_tags(account())}
    assert found == {"gold": True, "old": False, "new": True}
    assert named_fields(account()) == ["User id", "Source"]


# -- OAuth ------------------------------------------------------------------------------------------------


def connectable() -> Account:
    return replace(account(), credential=OAuthApp(SecretStr("app"), SecretStr("secret")))


async def test_a_ledger_is_not_made_to_look_for_tokens(settings: Settings, tmp_path: Path) -> None:
    report = await checked(settings, connectable())

    assert report.state is KitCheck.REFUSED
    assert report.detail == "not connected to Kit: run kit-worker connect sunny"
    assert await checked(keyed(settings), connectable()) == report
    assert list(tmp_path.iterdir()) == []


async def test_a_connected_account_is_named_and_its_old_token_renewed(
    settings: Settings, kit: Sandbox
) -> None:
    """Given a token that has ended, the test renews it as a worker would, once."""
    settings = keyed(settings)
    assert settings.ledger_key is not None
    kit.oauth.client("app", "secret")
    granted = kit.oauth.grant("Sunny Kitchen")
    tokens = Tokens(granted.access_token, granted.refresh_token, time.time() - 1, 5.0)
    database = Database(settings.ledger_url.get_secret_value())
    async with Ledger(database, worker="test", clock=Clock()) as ledger:
        store = TokenStore(ledger, Seal(settings.ledger_key))
        await store.connect("sunny", tokens, 7, kit.url)

        report = await checked(settings, connectable())

        assert (report.state, report.name) == (KitCheck.OK, "Sunny Kitchen")
        renewed = await store.load("sunny")
    assert [refresh.granted for refresh in kit.oauth.refreshes] == [True]
    assert renewed is not None
    assert kit.oauth.account_of(renewed.tokens.refresh_token) == "Sunny Kitchen"


def keyed(settings: Settings) -> Settings:
    return settings.model_copy(update={"ledger_key": SecretStr(new_key())})
