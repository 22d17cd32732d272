"""Whose a Kit account is: one account's, whatever lets it into Kit; on both databases."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from tests.integration.ledger.harness import NewLedger, execute
from worker.accounts.account import Account
from worker.accounts.claims import mark, opened_by
from worker.ledger.api_keys import ApiKeys
from worker.ledger.connecting import Opened, TakenError, check_kit_account, let_go, take_kit_account
from worker.ledger.migrations import MIGRATIONS, _what_claims_open
from worker.ledger.registry import Registry
from worker.ledger.sealing import Seal, new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore

KIT, SANDBOX = "https://api.kit.com", "http://127.0.0.1:8081"
KEY = SecretStr("kit_0000000000000000000000000000first")


def by_variable(account: str, variable: str, kit_account: int = 7, kit_url: str = KIT) -> Opened:
    return opened_by(Account(account, secret_place=f"env {variable}"), kit_account, kit_url)


def by_stored_key(account: str, kit_account: int = 7) -> Opened:
    return opened_by(Account(account), kit_account, KIT)


@pytest.fixture
def keys(ledger: Ledger) -> ApiKeys:
    return ApiKeys(ledger, Seal(SecretStr(new_key())))


async def owner(ledger: Ledger, opened: Opened) -> str:
    """Return whose the Kit account is, after an account has tried to have it."""
    try:
        await take_kit_account(ledger.database, opened)
    except TakenError as error:
        return str(error)
    return opened.account


async def test_of_two_keys_of_one_kit_account_the_first_keeps_it(ledger: Ledger) -> None:
    """Given two variables with two keys of one Kit account, the second account is told whose it is."""
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "sunny"
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    assert await owner(ledger, by_variable("rainy", "KIT_B", 8)) == "rainy"
    assert await owner(ledger, by_variable("rainy", "KIT_B", 7, SANDBOX)) == "rainy"


async def test_a_key_by_variable_does_not_open_what_another_ones_stored_key_opens(
    ledger: Ledger, keys: ApiKeys
) -> None:
    await keys.keep("sunny", KEY, 7, KIT)
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "sunny"
    assert await owner(ledger, by_stored_key("sunny")) == "sunny"
    await TokenStore(ledger, None).disconnect("sunny")
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "rainy"


async def test_no_key_is_kept_that_opens_what_another_one_has_by_variable(
    ledger: Ledger, keys: ApiKeys
) -> None:
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    with pytest.raises(TakenError, match=r"^sunny$"):
        await keys.keep("rainy", KEY, 7, KIT)
    await keys.keep("sunny", KEY, 7, KIT)  # its file says now that the key is stored


async def test_of_a_claim_and_a_connection_of_one_moment_one_goes_on(ledger: Ledger, keys: ApiKeys) -> None:
    """Given both, as two that did not see each other leave them, one of the accounts can work."""
    await keys.keep("sunny", KEY, 7, KIT)
    await execute(
        ledger, "INSERT INTO claims (mark, account, kit_account, kit_url) VALUES (:mark, 'rainy', 7, :kit)",
        mark=by_variable("rainy", "KIT_B").place, kit=KIT,
    )  # fmt: skip
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "rainy"
    assert await owner(ledger, by_stored_key("sunny")) == "rainy"


async def test_of_many_at_once_one_has_it(new_ledger: NewLedger) -> None:
    """Given eight workers, each with another account, all are told the same name."""
    ledgers = [new_ledger(f"w-{number}") for number in range(8)]
    opened = [by_variable(f"account-{number}", f"KIT_{number}") for number in range(8)]
    owners = await asyncio.gather(*(owner(each, its) for each, its in zip(ledgers, opened, strict=True)))
    assert len(set(owners)) == 1
    assert [await owner(ledgers[0], its) for its in opened] == owners


async def test_a_key_that_moves_to_another_file_takes_its_kit_account_along(ledger: Ledger) -> None:
    """Given an account whose file was renamed, or whose key is another's now, nobody has to free anything."""
    assert await owner(ledger, by_variable("old", "KIT_A")) == "old"
    assert await owner(ledger, by_variable("new", "KIT_A")) == "new"
    assert await owner(ledger, by_variable("old", "KIT_B")) == "new"


async def test_who_opens_another_kit_account_now_lets_the_one_before_go(ledger: Ledger) -> None:
    """Given two whose keys were exchanged at their places, both work again, whoever comes first."""
    first, second = by_variable("sunny", "KIT_A", 7), by_variable("rainy", "KIT_B", 8)
    for each in (first, second):
        assert await owner(ledger, each) == each.account
    exchanged = by_variable("sunny", "KIT_A", 8), by_variable("rainy", "KIT_B", 7)
    assert [await owner(ledger, each) for each in exchanged] == ["rainy", "rainy"]
    assert await owner(ledger, exchanged[0]) == "sunny"


async def test_it_stays_whose_it_is_while_its_key_is_renewed(ledger: Ledger) -> None:
    """Given an owner whose key was replaced at its place, the one who waits for it does not get it."""
    place, other = by_variable("sunny", "KIT_A").place, by_variable("rainy", "KIT_B").place
    registry = Registry(ledger, "w-1")
    await registry.keep_claims({place: "sunny", "old": "sunny", other: "rainy"})
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    await registry.keep_claims({place: "sunny", "new": "sunny", other: "rainy"})
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "sunny"


async def test_a_place_that_no_file_names_any_more_is_free(ledger: Ledger) -> None:
    """Given an owner whose file names another place, what the old one opened is free."""
    place = by_variable("sunny", "KIT_A").place
    registry = Registry(ledger, "w-1")
    await registry.keep_claims({place: "sunny"})
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    await registry.keep_claims({mark(("app", "sunny")): "sunny"})
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "rainy"


async def test_what_an_account_without_a_file_has_is_let_go(ledger: Ledger) -> None:
    assert await owner(ledger, by_variable("gone", "KIT_A")) == "gone"
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "gone"
    assert await let_go(ledger.database, "gone")
    assert not await let_go(ledger.database, "gone")
    assert await owner(ledger, by_variable("rainy", "KIT_B")) == "rainy"


async def test_to_look_takes_nothing_and_makes_no_ledger(new_ledger: NewLedger) -> None:
    await check_kit_account(new_ledger().database, by_variable("rainy", "KIT_B"))
    assert await new_ledger().database.version() == 0
    ledger = new_ledger()
    await ledger.ready()
    await check_kit_account(ledger.database, by_variable("rainy", "KIT_B"))
    assert await owner(ledger, by_variable("sunny", "KIT_A")) == "sunny"
    with pytest.raises(TakenError, match=r"^sunny$"):
        await check_kit_account(ledger.database, by_variable("rainy", "KIT_B"))


async def test_an_older_ledger_learns_which_kit_account_is_whose(new_ledger: NewLedger) -> None:
    """Given a ledger without the columns, and claims in it, these stay, and each can have a Kit account."""
    old = new_ledger(migrations=MIGRATIONS[: MIGRATIONS.index(_what_claims_open)])
    await Registry(old, "w-1").keep_claims({"key": "sunny"})
    await execute(old, "DROP INDEX claims_by_kit_account")
    for column in ("kit_account", "kit_url"):
        await execute(old, f"ALTER TABLE claims DROP COLUMN {column}")
    new = new_ledger()
    assert await owner(new, by_variable("sunny", "KIT_A")) == "sunny"
    assert await owner(new, by_variable("rainy", "KIT_B")) == "sunny"
    assert (await Registry(new, "w-1").claims())["key"] == "sunny"
