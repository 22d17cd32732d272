"""Which Kit account an account is connected to, and that no two are to one; on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, NewLedger
from tests.integration.ledger.tokens.granted import KEY, KIT, granted, loaded, seal
from worker.ledger.connecting import Connected, OtherConnectionError, TakenError
from worker.ledger.tokens import TokenStore

SANDBOX = "http://127.0.0.1:8081"


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
