"""The tokens of connected accounts are renewed in turn; on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, NewLedger
from tests.integration.ledger.tokens.granted import KEY, KIT, granted, loaded, seal
from worker.ledger.tokens import TokenStore


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
