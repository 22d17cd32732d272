"""The tokens of connected accounts: encrypted, and renewed in turn; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, NewLedger, contents, execute
from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected, OtherConnectionError, TakenError
from worker.ledger.sealing import BrokenSealError, Seal, check_key, new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import NO_KEY, KitConnection, Tokens, TokenStore

KEY, OTHER = new_key(), new_key()
KIT = "https://api.kit.com"
SANDBOX = "http://127.0.0.1:8081"


def granted(number: int = 1) -> Tokens:
    return Tokens(f"access-{number}", f"refresh-{number}", 7200.0 * number, 7200.0)


def seal(*keys: str) -> Seal:
    return Seal(SecretStr(", ".join(keys)))


@pytest.fixture
def store(ledger: Ledger) -> TokenStore:
    return TokenStore(ledger, seal(KEY))


async def loaded(store: TokenStore) -> KitConnection:
    connection = await store.load(ACCOUNT)
    assert connection is not None
    return connection


async def test_what_was_granted_is_kept_and_not_readable(store: TokenStore, ledger: Ledger) -> None:
    assert await store.load(ACCOUNT) is None
    await store.connect(ACCOUNT, granted(), 7, KIT)
    connection = await loaded(store)
    assert connection.tokens == granted()
    assert (connection.kit_url, connection.refreshing, connection.in_doubt) == (KIT, "", False)
    assert connection.connected == Connected(7, ledger.clock.time())
    assert await store.connected() == {ACCOUNT: connection.connected}
    kept = str((await contents(ledger))["tokens"])
    assert "access-1" not in kept
    assert "refresh-1" not in kept
    assert "access-1" not in repr(connection)


async def test_one_takes_the_turn_of_all_who_try_at_once(new_ledger: NewLedger, store: TokenStore) -> None:
    """Given eight processes that read the same and try at once, one is told that it is its turn."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    stores = [TokenStore(new_ledger(f"w-{number}"), seal(KEY)) for number in range(8)]
    read = await asyncio.gather(*(loaded(each) for each in stores))
    took = await asyncio.gather(
        *(
            each.begin_refresh(ACCOUNT, stored, f"refresh-{number}")
            for number, (each, stored) in enumerate(zip(stores, read, strict=True))
        )
    )
    assert sum(took) == 1
    assert (await loaded(store)).refreshing == f"refresh-{took.index(True)}"


async def test_whose_turn_it_is_writes_and_the_next_begins_from_that(store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert await store.begin_refresh(ACCOUNT, first, "one")
    await store.finish_refresh(ACCOUNT, first.version, granted(2))
    second = await loaded(store)
    assert second == replace(first, tokens=granted(2), version=first.version + 1)
    assert not await store.begin_refresh(ACCOUNT, first, "two")
    assert await store.begin_refresh(ACCOUNT, second, "two")


async def test_a_commit_whose_answer_was_lost_is_made_again_and_changes_nothing(store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert await store.begin_refresh(ACCOUNT, first, "one")
    for _ in range(2):
        await store.finish_refresh(ACCOUNT, first.version, granted(2))
    second = await loaded(store)
    await store.finish_refresh(ACCOUNT, second.version, granted(3))
    await store.finish_refresh(ACCOUNT, first.version, granted(2))
    assert (await loaded(store)).tokens == granted(3)


async def test_a_turn_that_is_taken_over_leaves_it_in_doubt_until_a_refresh_is_written(
    store: TokenStore,
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert await store.begin_refresh(ACCOUNT, first, "killed")
    seen = await loaded(store)
    assert not seen.in_doubt
    assert await store.begin_refresh(ACCOUNT, seen, "next")
    assert (await loaded(store)).in_doubt
    await store.give_up_refresh(ACCOUNT, first.version, "next", in_doubt=False)
    given_up = await loaded(store)
    assert (given_up.refreshing, given_up.in_doubt) == ("", True)  # what was in doubt before still is
    assert await store.begin_refresh(ACCOUNT, given_up, "third")
    assert (await loaded(store)).in_doubt
    await store.finish_refresh(ACCOUNT, first.version, granted(2))
    assert not (await loaded(store)).in_doubt


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_a_turn_is_given_up_by_its_owner_only(
    store: TokenStore,
    in_doubt: bool,  # of a table
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert await store.begin_refresh(ACCOUNT, first, "one")
    await store.give_up_refresh(ACCOUNT, first.version, "another", in_doubt=True)
    assert (await loaded(store)).refreshing == "one"
    await store.give_up_refresh(ACCOUNT, first.version, "one", in_doubt=in_doubt)
    assert await loaded(store) == replace(first, in_doubt=in_doubt)


async def test_what_must_be_connected_again_says_so_until_it_is(
    store: TokenStore, clock: StandingClock
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert not await store.must_connect(ACCOUNT, first.version + 1, "not this one")
    assert await store.must_connect(ACCOUNT, first.version, "why")
    assert (await loaded(store)).connected.problem == "why"
    assert (await store.connected())[ACCOUNT].problem == "why"
    clock.wait(60)
    await store.connect(ACCOUNT, granted(2), 7, KIT)
    again = await loaded(store)
    assert again.connected == Connected(7, clock.time())
    assert not await store.must_connect(ACCOUNT, first.version, "too late")


async def test_a_refresh_of_an_earlier_connection_changes_nothing_of_the_next(
    store: TokenStore, clock: StandingClock
) -> None:
    """Given a disconnection and a connection while a refresh is under way, what it got is dropped."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    assert await store.begin_refresh(ACCOUNT, first, "one")
    clock.wait(0.5)
    await store.disconnect(ACCOUNT)
    await store.finish_refresh(ACCOUNT, first.version, granted(2))
    assert await store.load(ACCOUNT) is None
    await store.connect(ACCOUNT, granted(3), 8, KIT)
    await store.finish_refresh(ACCOUNT, first.version, granted(2))
    assert not await store.must_connect(ACCOUNT, first.version, "why")
    assert (await loaded(store)).tokens == granted(3)


async def test_connected_again_by_a_clock_that_was_set_back_it_is_a_newer_connection(
    store: TokenStore, clock: StandingClock
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    first = await loaded(store)
    clock.wait(-3600)
    await store.connect(ACCOUNT, granted(2), 7, KIT)
    assert (await loaded(store)).version > first.version
    await store.finish_refresh(ACCOUNT, first.version, granted(3))
    assert (await loaded(store)).tokens == granted(2)


async def test_one_kit_account_is_one_accounts(store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    with pytest.raises(TakenError, match=f"^{ACCOUNT}$"):
        await store.connect("rainy", granted(2), 7, KIT)
    assert (await store.connected()).keys() == {ACCOUNT}
    await store.connect("rainy", granted(2), 8, KIT)
    await store.connect(ACCOUNT, granted(3), 7, KIT)  # once more does no harm
    rainy = (await store.connected())["rainy"]
    with pytest.raises(TakenError, match=f"^{ACCOUNT}$"):
        await store.connect("rainy", granted(4), 7, KIT, instead_of=rainy)
    await store.disconnect(ACCOUNT)
    await store.connect("rainy", granted(4), 7, KIT, instead_of=rainy)


async def test_the_same_number_at_another_kit_is_another_account(store: TokenStore) -> None:
    """Given a sandbox, which counts its accounts as Kit does, then each of the two has its account 7."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    await store.connect("rainy", granted(2), 7, SANDBOX)
    assert (await store.connected()).keys() == {ACCOUNT, "rainy"}


@pytest.mark.parametrize("attempt", range(5))
async def test_of_accounts_that_are_connected_to_one_kit_account_at_once_one_gets_it(
    new_ledger: NewLedger, attempt: int
) -> None:
    """Given eight commands that end at the same moment, seven are told who has the Kit account."""
    stores = await many_stores(new_ledger)
    names = [f"account-{attempt}-{number}" for number in range(8)]
    ends = await asyncio.gather(
        *(each.connect(name, granted(), 7, KIT) for each, name in zip(stores, names, strict=True)),
        return_exceptions=True,
    )
    (owner,) = await stores[0].connected()
    assert [str(end) for end in ends if isinstance(end, TakenError)] == [owner] * 7
    assert ends[names.index(owner)] is None


@pytest.mark.parametrize("attempt", range(5))
async def test_of_kit_accounts_that_an_account_is_connected_to_at_once_one_is_kept(
    new_ledger: NewLedger, attempt: int
) -> None:
    """Given eight creators who say yes for one account at the same moment, none replaces another unasked."""
    stores = await many_stores(new_ledger)
    ends = await asyncio.gather(
        *(
            each.connect(ACCOUNT, granted(), 100 * attempt + number, KIT)
            for number, each in enumerate(stores, 1)
        ),
        return_exceptions=True,
    )
    kept = (await stores[0].connected())[ACCOUNT]
    assert ends[kept.kit_account - 100 * attempt - 1] is None
    assert [end.connected for end in ends if isinstance(end, OtherConnectionError)] == [kept] * 7


async def many_stores(new_ledger: NewLedger) -> list[TokenStore]:
    """Return eight processes' ways to the tokens, each with its connection to the database open."""
    ledgers = [new_ledger(f"w-{number}") for number in range(8)]
    for each in ledgers:
        await each.ready()
    return [TokenStore(each, seal(KEY)) for each in ledgers]


async def test_another_kit_account_takes_the_place_of_the_one_that_was_asked_about(
    store: TokenStore, clock: StandingClock
) -> None:
    """Given a yes to replace one connection, then it holds for that one, and for no later one."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    asked_about = (await loaded(store)).connected
    with pytest.raises(OtherConnectionError) as caught:
        await store.connect(ACCOUNT, granted(2), 8, KIT)
    assert caught.value.connected == asked_about
    assert (await loaded(store)).tokens == granted()
    await store.connect(ACCOUNT, granted(2), 8, KIT, instead_of=asked_about)
    clock.wait(60)
    await store.connect(ACCOUNT, granted(3), 7, KIT, instead_of=(await loaded(store)).connected)
    with pytest.raises(OtherConnectionError):
        await store.connect(ACCOUNT, granted(4), 9, KIT, instead_of=asked_about)
    assert (await loaded(store)).tokens == granted(3)


async def test_disconnecting_forgets_one_account_and_no_other(store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    await store.connect("rainy", granted(2), 8, KIT)
    await store.disconnect(ACCOUNT)
    await store.disconnect(ACCOUNT)
    assert await store.load(ACCOUNT) is None
    assert (await store.connected()).keys() == {"rainy"}


# -- keys -------------------------------------------------------------------------------------------------


async def test_another_key_opens_nothing_and_says_so(ledger: Ledger, store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    said = f"the tokens of {ACCOUNT} were encrypted with another LEDGER_KEY: set that one again, or run"
    with pytest.raises(CredentialRefused, match=said) as caught:
        await TokenStore(ledger, seal(OTHER)).load(ACCOUNT)
    assert KEY not in str(caught.value)
    assert OTHER not in str(caught.value)


async def test_without_a_key_one_sees_who_is_connected_and_no_token(
    ledger: Ledger, store: TokenStore
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    keyless = TokenStore(ledger, None)
    assert (await keyless.connected()).keys() == {ACCOUNT}
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await keyless.load(ACCOUNT)
    assert await keyless.load("rainy") is None
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await keyless.connect("rainy", granted(), 9, KIT)
    await keyless.disconnect(ACCOUNT)
    assert await keyless.connected() == {}


async def test_a_new_key_takes_over_with_the_next_refresh(ledger: Ledger, store: TokenStore) -> None:
    """Given both keys, the new one first, the old one can be left out once the tokens were renewed."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    both, new = TokenStore(ledger, seal(OTHER, KEY)), TokenStore(ledger, seal(OTHER))
    first = await loaded(both)
    assert first.tokens == granted()
    await both.finish_refresh(ACCOUNT, first.version, granted(2))
    assert (await loaded(new)).tokens == granted(2)


async def test_tokens_that_were_changed_in_the_ledger_are_refused(ledger: Ledger, store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    await execute(ledger, "UPDATE tokens SET sealed = 'x' || sealed")
    with pytest.raises(CredentialRefused, match="another LEDGER_KEY"):
        await store.load(ACCOUNT)
    async with ledger.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM tokens"))).scalar() == 1


@pytest.mark.parametrize(
    "key",
    ["", "short", "ключ", f"{KEY},", f"{KEY[:-2]}", "🔑" * 44],
    ids=["empty", "short", "Cyrillic", "too long", "cut off", "44 keys"],
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="must be a Fernet key, 44 letters and signs") as caught:
        check_key(key)
    assert not key or key not in str(caught.value)


def test_a_seal() -> None:
    closed = seal(KEY).close("secret")
    assert "secret" not in closed
    assert seal(OTHER, KEY).open(closed) == "secret"
    with pytest.raises(BrokenSealError):
        seal(OTHER).open(closed)
    check_key(f" {KEY} , {OTHER} ")
