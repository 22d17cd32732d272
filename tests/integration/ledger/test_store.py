"""What a worker writes is what the next one reads; on both databases."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.ledger.full_record import full_record
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NewLedger,
    contents,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    record,
    state_of,
    texts,
)
from worker.errors import LedgerUnavailable
from worker.ledger.history import find_history
from worker.ledger.names import names_of
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, KitName, Person
from worker.subscribers.record import Record

# --  -----------------------------------------------------------------------------------------------------


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


# -- how much, and how bad --------------------------------------------------------------------------------


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
