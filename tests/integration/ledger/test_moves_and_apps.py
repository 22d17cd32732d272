"""People who moved, and ids of several apps, as the next worker finds them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, EVE, entry, fill, load, record
from worker.ledger.forgetting import forget
from worker.ledger.history import find_history
from worker.ledger.registry import Registry
from worker.ledger.signs import people_of_id
from worker.ledger.store import Ledger
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.known import Batch, Person

# -- people who moved -------------------------------------------------------------------------------------


async def test_history_follows_a_move(ledger: Ledger) -> None:
    """Given a move, the batch that notes it takes the old lines to the new address, in this account alone."""
    other = await fill(ledger, Batch(entries=[entry(ADA, "theirs")]), account="rainy")
    tenure = await fill(ledger, Batch(entries=[entry(ADA, "old"), entry(EVE, "hers")]))
    await ledger.save(tenure, Batch(entries=[entry(BOB, "new")], moves=[(ADA, BOB)]))

    found = await find_history(ledger.database, emails=[BOB])

    assert [line.event_id for line in found] == ["old", "new"]
    left = await find_history(ledger.database, emails=[ADA, EVE])
    assert {(line.account, line.event_id) for line in left} == {(other.account, "theirs"), (ACCOUNT, "hers")}


async def test_several_moves_are_followed_in_their_order(ledger: Ledger) -> None:
    """Given two moves of one person in one batch, the history is under the last address."""
    tenure = await fill(ledger, Batch(entries=[entry(ADA)]))
    await ledger.save(tenure, Batch(moves=[(ADA, BOB), (BOB, EVE)]))
    assert [line.email for line in await find_history(ledger.database, account=ACCOUNT)] == [EVE]


async def test_a_chain_of_moves_is_loaded_to_its_end(ledger: Ledger) -> None:
    """Given somebody who moved four times, the first address brings all records up to the present one."""
    names = [f"ada{number}@example.com" for number in range(5)]
    notes = [record(old, moved_to=new) for old, new in pairwise(names)]
    tenure = await fill(ledger, Batch([*notes, record(names[-1], "VIP")]))
    assert (await load(ledger, tenure, names[0])).records.keys() == set(names)


async def test_a_circle_of_moves_ends(ledger: Ledger) -> None:
    """Given somebody who moved back to where she was, loading comes to an end."""
    tenure = await fill(ledger, Batch([record(ADA, moved_to=BOB), record(BOB, moved_to=ADA)]))
    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA, BOB}


async def test_a_person_brings_the_record_of_the_present_address(ledger: Ledger) -> None:
    """Given a user id, the record of where that person is now is loaded, too."""
    tenure = await fill(ledger, Batch([record(ADA, "VIP")], [Person("u-1", ADA)]))
    known = await load(ledger, tenure, BOB, users=["u-1"])
    assert known.records.keys() == {ADA}


# -- apps -------------------------------------------------------------------------------------------------


async def test_the_home_app_stays_what_it_was_at_first(ledger: Ledger) -> None:
    """Given an account that had one app, ids of that app stand alone, also when it has others."""
    taken = [(await ledger.take(ACCOUNT, apps=apps)).home_app for apps in (["a"], ["a", "b"], ["b"], [])]
    assert taken == ["a"] * 4


@pytest.mark.parametrize(("apps", "home"), [([], ""), (["a", "b"], "*")])
async def test_an_account_without_one_app_has_no_home_that_a_later_file_could_give(
    ledger: Ledger, apps: list[str], home: str
) -> None:
    assert (await ledger.take(ACCOUNT, apps=apps)).home_app == home
    assert (await ledger.take(ACCOUNT, apps=["b"])).home_app == home


async def test_an_account_that_was_only_paused_has_no_home_yet(ledger: Ledger) -> None:
    await Registry(ledger, "kit-worker").pause(ACCOUNT)
    assert (await ledger.take(ACCOUNT, apps=["a"])).home_app == "a"


async def test_who_was_forgotten_in_one_app_is_known_in_another(ledger: Ledger) -> None:
    """Given 7 of b, who is forgotten, a message that cannot be read is dropped by that id in b alone."""
    tenure = await ledger.take(ACCOUNT, apps=["a", "b"])
    await ledger.save(tenure, Batch([record(BOB)], [Person("b\n7", BOB)]))
    await forget(ledger, BOB, [])
    gone = [await ledger.forgotten(ACCOUNT, Glimpse(user_id="7", app=app)) for app in ("a", "b", None)]
    assert [each.keys() for each in gone] == [set(), {("user", "b\n7")}, set()]


async def test_an_id_is_found_in_each_app_that_has_it(ledger: Ledger) -> None:
    """Given 7 of the home app, 7 of another, and 7 of another account, each is told with its app."""
    tenure = await ledger.take(ACCOUNT, apps=["a"])
    await ledger.save(tenure, Batch(people=[Person("7", ADA), Person("b\n7", BOB)]))
    other = await ledger.take("rainy")
    await ledger.save(other, Batch(people=[Person("7", EVE), Person("8", EVE)]))

    found = await people_of_id(ledger.database, "7", {ACCOUNT: ["a", "b"]})

    assert sorted(found) == [("rainy", "", EVE), (ACCOUNT, "a", ADA), (ACCOUNT, "b", BOB)]
    assert await people_of_id(ledger.database, "9", {ACCOUNT: ["a", "b"]}) == []
    assert await people_of_id(ledger.database, "7", {}, only="rainy") == [("rainy", "", EVE)]
    assert await people_of_id(ledger.database, "7", {}, only="another's") == []
