"""What a worker writes is what the next one reads; on both databases."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from msgspec.structs import replace

from tests.clocks import StandingClock
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    EVE,
    NewLedger,
    contents,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    order,
    record,
    state_of,
    texts,
)
from worker.errors import LedgerUnavailable
from worker.ledger.forgetting import forget
from worker.ledger.history import find_history
from worker.ledger.names import names_of
from worker.ledger.registry import Registry
from worker.ledger.signs import people_of_id
from worker.ledger.store import Ledger
from worker.ledger.takeover import RELEASE_COUNTS
from worker.subscribers.change import Change
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.known import Batch, KitName, Person
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import KnownPart, Record

HOUR = 3600.0


def full_record() -> Record:
    """Return a record with something in every part."""
    wish = Part(TagWish("VIP", present=True, by_placeholder=True, rule=2), order(3))
    return Record(
        ADA,
        2**40,
        tags={"vip": KnownPart(wish, 17.25, 11)},
        fields={
            "Plan": KnownPart(Part("Gold", order(3)), 18.5, 12),
            "Gone": KnownPart(Part(None, order(4)), 0.0),
        },
        first_name=KnownPart(Part("Ada", order(5)), 19.0),
        ensured=order(5),
        gave={"access.granted/0/0": wish},
        seen={"first": None, "second": None},
        users={"u-1": order(6)},
        owed=Change(
            tags={"vip": wish}, fields={"Plan": Part("Gold", order(3))}, first_name=Part("A", order(1))
        ),
    )


async def test_what_one_worker_saves_the_next_one_loads(new_ledger: NewLedger) -> None:
    """Given a batch with everything in it, another worker that takes the account has all of it."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    people = [Person("u-1", ADA, moved_at=1_783_000_000.125), Person("u-2", BOB)]
    records = [full_record(), record(BOB, kit_id=None)]
    tenure = await fill(first, Batch(records, people, [entry(ADA)], created_tags=3))
    await first.release(tenure)

    taken = await second.take(ACCOUNT)
    known = await load(second, taken, ADA, users=["u-1", "u-2", "u-3"])

    assert (taken.epoch, taken.created_tags) == (tenure.epoch + 1, 3)
    assert texts(known.records.values()) == texts(records)
    assert known.people == {person.user_id: person for person in people}
    assert known.forgotten == {}


async def test_a_later_save_replaces_what_was_there(ledger: Ledger) -> None:
    """Given a record and a person that are saved again, the later ones are there, once."""
    tenure = await fill(ledger, one_of_all())
    await ledger.save(tenure, Batch([record(ADA, "Other", kit_id=8)], [Person("u-1", BOB, 5.0)]))

    known = await load(ledger, tenure, ADA, users=["u-1"])

    assert texts(known.records.values()) == texts([record(ADA, "Other", kit_id=8)])
    assert known.people == {"u-1": Person("u-1", BOB, 5.0)}
    rows = await contents(ledger)
    assert (len(rows["subscribers"]), len(rows["people"])) == (1, 1)


async def test_accounts_do_not_see_each_other(ledger: Ledger) -> None:
    """Given one person in two accounts, each account has its own record, person and count."""
    sunny = await fill(ledger, Batch([record(ADA, "VIP")], [Person("u-1", ADA)], created_tags=2))
    rainy = await fill(ledger, Batch([record(ADA, "Wet", kit_id=9)]), account="rainy")

    assert texts((await load(ledger, sunny, ADA)).records.values()) == texts([record(ADA, "VIP")])
    known = await load(ledger, rainy, ADA, users=["u-1"])
    assert texts(known.records.values()) == texts([record(ADA, "Wet", kit_id=9)])
    assert known.people == {}
    assert (await ledger.take("rainy")).created_tags == 0


async def test_created_tags_add_up(ledger: Ledger) -> None:
    """Given three batches that created tags, the next tenure knows the sum."""
    tenure = await ledger.take(ACCOUNT)
    for count in (1, 0, 4):
        await ledger.save(tenure, Batch(entries=[entry(ADA)], created_tags=count))
    assert (await ledger.take(ACCOUNT)).created_tags == 5


async def test_a_batch_that_is_repeated_is_written_once(ledger: Ledger) -> None:
    """Given a save that is made again, for nobody heard that it was made, nothing is there twice."""
    batch, next_one = one_of_all(), one_of_all()
    batch.number, next_one.number = 1, 2
    tenure = await ledger.take(ACCOUNT)
    for each in (batch, batch, next_one, next_one):
        await ledger.save(tenure, each)
    assert len(await find_history(ledger.database)) == 2

    tenure = await ledger.take(ACCOUNT)  # whose numbers are its own
    assert tenure.created_tags == 2
    await ledger.save(tenure, next_one)
    assert len(await find_history(ledger.database)) == 3


# -- what earlier answers are worth ------------------------------------------------------------------------


async def test_after_a_clean_end_earlier_answers_may_be_relied_on(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Given tenures that were released, `known_since` stays at the first of them, also across many."""
    first = await ledger.take(ACCOUNT)
    assert first.known_since == clock.time()
    for _ in range(3):
        await ledger.release(await ledger.take(ACCOUNT))
        clock.wait(RELEASE_COUNTS - 1)
    assert (await ledger.take(ACCOUNT)).known_since == first.known_since


@pytest.mark.parametrize("seconds", [RELEASE_COUNTS + 1, HOUR])
async def test_a_clean_end_of_long_ago_says_nothing(
    ledger: Ledger, clock: StandingClock, seconds: float
) -> None:
    """Given a ledger put back from a copy, what Kit holds may have changed since that was made."""
    await ledger.release(await ledger.take(ACCOUNT))
    clock.wait(seconds)
    taken = await ledger.take(ACCOUNT)
    assert taken.known_since >= clock.time()


async def test_only_an_unclean_end_leaves_calls_in_doubt(ledger: Ledger, clock: StandingClock) -> None:
    """Given an account that nobody had before, or whose holder left in good order, nothing is under way."""
    first = await ledger.take(ACCOUNT)
    await ledger.release(first)
    clock.wait(1)
    second = await ledger.take(ACCOUNT)
    clock.wait(1)
    third = await ledger.take(ACCOUNT)
    assert [each.in_doubt for each in (first, second, third)] == [False, False, True]


async def test_after_an_unclean_end_they_may_not(ledger: Ledger, clock: StandingClock) -> None:
    """Given a tenure that ended without a word, the next one relies on nothing older than itself."""
    await ledger.release(await ledger.take(ACCOUNT))
    clock.wait(HOUR)
    await ledger.take(ACCOUNT)
    clock.wait(HOUR)
    assert (await ledger.take(ACCOUNT)).known_since == clock.time()


async def test_no_clock_that_is_behind_makes_answers_count(ledger: Ledger, clock: StandingClock) -> None:
    """Given a worker that was killed, one whose clock is behind relies on none of the other's answers."""
    tenure = await ledger.take(ACCOUNT)
    clock.wait(HOUR)
    await ledger.save(tenure, Batch([full_record()]))
    answered_at = clock.time()
    clock.wait(-60)
    assert (await ledger.take(ACCOUNT)).known_since >= answered_at


async def test_a_release_that_comes_too_late_says_nothing(
    new_ledger: NewLedger, clock: StandingClock
) -> None:
    """Given a worker that lost the account, its release does not speak for the one who has it now."""
    first, second = new_ledger("w-1"), new_ledger("w-2")
    lost = await first.take(ACCOUNT)
    await second.take(ACCOUNT)
    await first.release(lost)
    clock.wait(HOUR)
    assert (await second.take(ACCOUNT)).known_since == clock.time()


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)])
async def test_a_kit_that_does_not_say_which_account_it_is_is_the_same(
    ledger: Ledger, before: int, after: int
) -> None:
    """Given `GET /v4/account` that failed once, nothing is owed anew: that would undo what a person did."""
    await ledger.save(await ledger.take(ACCOUNT, kit_account=before), Batch([full_record()]))
    found = (await load(ledger, await ledger.take(ACCOUNT, kit_account=after), ADA)).records[ADA]
    assert (found.kit_id, found.tags, found.fields) == (
        full_record().kit_id,
        full_record().tags,
        full_record().fields,
    )


async def test_what_was_done_in_another_kit_account_is_owed_in_this(ledger: Ledger) -> None:
    """Given a record of a sandbox, under the real credential its person is unknown and everything is owed."""
    sandbox = await ledger.take(ACCOUNT, kit_account=1)
    await ledger.save(sandbox, Batch([full_record()]))
    real = await ledger.take(ACCOUNT, kit_account=2)

    found = (await load(ledger, real, ADA)).records[ADA]

    assert (found.kit_id, found.tags, found.fields, found.first_name) == (None, {}, {}, None)
    assert found.owed == replace(full_record().owed.merge(full_record().done), ensure=None)
    await ledger.save(real, Batch([record(BOB)]))
    back = await ledger.take(ACCOUNT, kit_account=1)
    known = await load(ledger, back, ADA, BOB)
    assert {email: each.kit_id for email, each in known.records.items()} == {ADA: 2**40, BOB: None}


# -- people who moved --------------------------------------------------------------------------------------


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


# -- how much, and how bad ---------------------------------------------------------------------------------


async def test_a_large_batch_is_saved_and_loaded_at_once(ledger: Ledger) -> None:
    """Given 500 people with 20 tags each, one save and one load carry all of them."""
    tags = [f"Tag {number}" for number in range(20)]
    records = [record(f"p{number}@example.com", *tags, kit_id=number) for number in range(500)]
    people = [Person(f"u-{number}", each.email) for number, each in enumerate(records)]
    lines = [entry(each.email, f"e{number}") for number, each in enumerate(records)]
    tenure = await ledger.take(ACCOUNT)
    async with asyncio.timeout(20):
        await ledger.save(tenure, Batch(records, people, lines))
        emails = [each.email for each in records]
        known = await load(ledger, tenure, *emails, users=[person.user_id for person in people])
    assert texts(known.records.values()) == texts(records)
    assert len(known.people) == 500
    assert len(await find_history(ledger.database, account=ACCOUNT)) == 500


async def test_nothing_asked_for_is_nothing_found(ledger: Ledger) -> None:
    """Given no addresses and an empty batch, both calls do nothing and harm nothing."""
    tenure = await fill(ledger, one_of_all())
    before = await contents(ledger)
    await ledger.save(tenure, Batch())
    known = await load(ledger, tenure)
    assert (known.records, known.people, known.forgotten) == ({}, {}, {})
    assert await contents(ledger) == before


UNREADABLE = [
    "", "{", "null", "[]", "1", '"text"', '{"tags": 1}', '{"tags": {"vip": []}}', '{"tags": {"vip": 1}}',
    '{"ensured": []}', '{"ensured": ["", "yesterday", 1]}', '{"ensured": ["", 5, 1]}',
    '{"moved": ["x@y.zz"]}',
    '{"owed": {"tags": 1}}', '{"owed": 1}', '{"first_name": [1]}', '{"users": []}',
]  # fmt: skip


@pytest.mark.parametrize("state", UNREADABLE)
async def test_a_state_that_cannot_be_read_holds_the_account(ledger: Ledger, state: str) -> None:
    """Given a damaged state, loading says that the ledger cannot be used, and never that nothing is known."""
    tenure = await fill(ledger, Batch([record(ADA, "VIP"), record(BOB)]))
    await execute(
        ledger, "UPDATE subscribers SET state = :state WHERE email = :email", state=state, email=ADA
    )
    with pytest.raises(LedgerUnavailable, match=rf"a row of {ACCOUNT} that cannot be read"):
        await load(ledger, tenure, ADA)
    assert (await load(ledger, tenure, BOB)).records.keys() == {BOB}


async def test_the_state_of_a_new_subscriber_is_small(ledger: Ledger) -> None:
    """Given a record with nothing in it but an address, its state has the one part that always is."""
    tenure = await fill(ledger, Batch([Record(ADA)]))
    assert texts((await load(ledger, tenure, ADA)).records.values()) == texts([Record(ADA)])
    assert state_of(Record(ADA)).keys() == {"ensured"}


async def test_what_names_mean_in_kit_is_there_for_the_next_tenure(ledger: Ledger) -> None:
    """Given a deploy, what was renamed in Kit is followed by its id; in another Kit account it is not."""
    vip, plan = KitName("tags", "vip", 7, "VIP"), KitName("custom_fields", "Plan", 2**40, "Plan \0 \ud800")
    first = await ledger.take(ACCOUNT, kit_account=5)
    assert first.names == ()
    await ledger.save(first, Batch(names=[vip, plan]))
    second = await ledger.take(ACCOUNT, kit_account=5)
    assert {(one.kind, one.name, one.kit_id) for one in second.names} == {vip[:3], plan[:3]}
    await ledger.save(second, Batch(names=[vip._replace(kit_id=8, kit_name="Members 2026")]))

    assert KitName("tags", "vip", 8, "Members 2026") in (await ledger.take(ACCOUNT, kit_account=5)).names
    assert (await ledger.take(ACCOUNT, kit_account=6)).names == ()
    assert (await ledger.take("other", kit_account=5)).names == ()
    assert len((await ledger.take(ACCOUNT)).names) == 2
    assert len(await names_of(ledger.database, ACCOUNT)) == 2


# -- apps ---------------------------------------------------------------------------------------------------


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
