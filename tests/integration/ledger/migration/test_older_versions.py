"""From each older version of a ledger to the present one: what it kept is kept, in the form of now."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NOON,
    NewLedger,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    order,
    record,
    refusal,
)
from tests.unit.ledger.records import EMPTY_V1, FULL_V1, record_of_version_1
from worker.ledger.bindings import Bindings, Noted
from worker.ledger.connecting import TakenError
from worker.ledger.history import addresses, find_history
from worker.ledger.migrations import MIGRATIONS, _when_types_came, newest
from worker.ledger.record_json import dump_record
from worker.ledger.records_anew import PORTION
from worker.ledger.registry import Registry
from worker.ledger.sealing import Seal, new_key
from worker.ledger.seen import Seen, seen_lately
from worker.ledger.store import Ledger
from worker.ledger.tokens import Tokens, TokenStore
from worker.subscribers.known import Batch, Person
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved

VERSION = newest(MIGRATIONS)


async def version_1(ledger: Ledger, states: Mapping[str, str]) -> None:
    """Make a ledger as the first version made it, with these records, by address."""
    await ledger.ready()
    await execute(ledger, "ALTER TABLE accounts ADD COLUMN spent TEXT")
    await execute(ledger, "UPDATE meta SET value = '1' WHERE key = 'version'")
    row = (
        "INSERT INTO subscribers (account, email, kit_id, kit_account, state, updated_at) "
        "VALUES (:account, :email, 7, 0, :state, 1.0)"
    )
    for email, state in states.items():
        await execute(ledger, row, account=ACCOUNT, email=email, state=state)


async def test_the_records_of_version_1_are_written_anew(new_ledger: NewLedger) -> None:
    """Given more records than are rewritten at once, each of them says what it said."""
    many = {f"p{number:04}@example.com": EMPTY_V1 for number in range(PORTION + 10)}
    await version_1(new_ledger(), {**many, ADA: FULL_V1, "zoe@example.com": FULL_V1})

    new = new_ledger()
    tenure = await new.take(ACCOUNT)

    assert await new.database.version() == VERSION
    assert await Bindings(new).note(ACCOUNT, ()) == Noted()  # there is room for them
    known = await load(new, tenure, ADA, "zoe@example.com", *many)
    said = record_of_version_1()
    said.outdate()  # nobody gave that ledger back, so what it knows is made sure of
    full, empty = dump_record(said), dump_record(Record(""))
    expected = {**dict.fromkeys(many, empty), ADA: full, "zoe@example.com": full}
    assert {email: dump_record(found) for email, found in known.records.items()} == expected
    assert all(found.kit_id == 7 for found in known.records.values())
    with pytest.raises(DBAPIError, match="spent"):
        await raw(new, "SELECT spent FROM accounts")


async def test_a_record_of_version_1_that_cannot_be_read_is_told_and_stays(new_ledger: NewLedger) -> None:
    """Given one damaged row, then everybody else's are read, and whoever asks for that one is told."""
    await version_1(new_ledger(), {ADA: FULL_V1, BOB: "{"})
    new = new_ledger()
    tenure = await new.take(ACCOUNT)
    assert (await load(new, tenure, ADA)).records.keys() == {ADA}
    assert "cannot be read" in await refusal(load(new, tenure, BOB))


async def test_a_migration_may_take_longer_than_a_transaction(new_ledger: NewLedger) -> None:
    await fill(new_ledger(), one_of_all())

    def slow(_: Connection) -> None:
        time.sleep(2.0)

    new = new_ledger(migrations=(*MIGRATIONS, slow), timeout=1.0)
    await new.ready()
    assert await new.database.version() == VERSION + 1


async def raw(ledger: Ledger, statement: str) -> None:
    """Ask the database as the ledger does not."""
    engine = await ledger.database._make()
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()


async def test_a_ledger_of_version_2_learns_who_has_what(new_ledger: NewLedger) -> None:
    """Given a ledger without the table, then it is there after the first use."""
    old = new_ledger(migrations=MIGRATIONS[:1])
    await fill(old, one_of_all())
    await execute(old, "DROP TABLE claims")
    new = new_ledger()

    await Registry(new, "w-1").keep_claims({"sunny": "a"})

    assert await Registry(new, "w-1").claims() == {"sunny": "a"}


async def test_of_accounts_that_share_a_kit_account_the_first_keeps_it(new_ledger: NewLedger) -> None:
    """Given a ledger that let two commands at once do that, then the other one has to be connected."""
    old = new_ledger(migrations=MIGRATIONS[:4])
    await old.ready()
    await execute(old, "DROP INDEX tokens_by_kit_account")
    row = (
        "INSERT INTO tokens (account, kit_account, kit_url, connected_at, sealed, expires_at, version, "
        "refreshing, in_doubt, problem) "
        "VALUES (:account, :kit_account, :kit_url, :at, '', 0, 1, '', false, '')"
    )
    for account, kit_account, kit_url, at in (
        ("late", 7, "https://api.kit.com", 20.0),
        ("first", 7, "https://api.kit.com", 10.0),
        ("same-moment", 7, "https://api.kit.com", 10.0),
        ("sandbox", 7, "http://127.0.0.1:8081", 30.0),
        ("other", 8, "https://api.kit.com", 30.0),
    ):
        await execute(old, row, account=account, kit_account=kit_account, kit_url=kit_url, at=at)
    store = TokenStore(new_ledger(), Seal(SecretStr(new_key())))

    assert (await store.connected()).keys() == {"first", "sandbox", "other"}
    with pytest.raises(TakenError, match=r"^first$"):
        await store.connect("late", Tokens("a", "r", 0.0, 1.0), 7, "https://api.kit.com")


async def without_what_came_later(ledger: Ledger) -> None:
    """Let the tables of a ledger be those of version 6, which had no more columns than these."""
    for statement in (
        "ALTER TABLE subscribers DROP COLUMN facts",
        "ALTER TABLE accounts DROP COLUMN home_app",
        "DROP TABLE due",
    ):
        await execute(ledger, statement)


async def test_addresses_are_brought_to_one_form_and_their_records_to_one(new_ledger: NewLedger) -> None:
    """Given rows of a version that kept É and bücher as they came, each person is found, once, by address."""
    old = new_ledger(migrations=MIGRATIONS[:5])
    records = [
        record("Éva@example.com", "Paid", kit_id=8),
        record("éva@example.com", "VIP", kit_id=8),
        record("info@bücher.example", "Paid"),
        record("jÜrgen@example.com", kit_id=None, moved_to="jürgen@bücher.example"),
        record("jürgen@bücher.example", "Paid", kit_id=9),
        record("Zoë@example.com", kit_id=None, moved_to="zoË@example.com"),
        record(ADA, moved_to="Éva@example.com", kit_id=None),
    ]
    entries = [entry("Éva@example.com", "e1"), entry("info@bücher.example", "e2")]
    await fill(old, Batch(records, [Person("u-eva", "Éva@example.com")], entries))
    await without_what_came_later(old)

    new = new_ledger()
    tenure = await new.take(ACCOUNT)
    eva, info, jurgen = "éva@example.com", "info@xn--bcher-kva.example", "jürgen@xn--bcher-kva.example"
    known = await load(new, tenure, eva, info, "jürgen@example.com", "zoë@example.com", ADA, users=["u-eva"])

    assert known.people == {"u-eva": Person("u-eva", eva)}
    assert known.records.keys() == {eva, info, jurgen, "jürgen@example.com", ADA, "zoë@example.com"}
    assert known.records[eva].kit_id == 8
    assert {*known.records[eva].tags, *known.records[eva].owed.tags} == {"paid", "vip"}
    assert known.records[info].tags.keys() == {"paid"}
    assert [known.records[each].moved for each in (ADA, "jürgen@example.com", "zoë@example.com")] == [
        Moved(eva, order(2)),
        Moved(jurgen, order(2)),
        None,
    ]
    assert {line.event_id for line in await find_history(new.database, emails=[eva, info])} == {"e1", "e2"}
    assert await addresses(new.database, ADA) == {ADA, eva}


async def test_of_two_forms_with_two_subscribers_in_kit_the_next_event_finds_out_which(
    new_ledger: NewLedger,
) -> None:
    """Given É and é as two subscribers, Kit is asked by the address, and what either had is owed there."""
    records = [record("Éva@example.com", "Paid", kit_id=8), record("éva@example.com", "VIP", kit_id=9)]
    await fill(new_ledger(migrations=MIGRATIONS[:5]), Batch(records))

    new = new_ledger()
    known = await load(new, await new.take(ACCOUNT), "éva@example.com")

    (eva,) = known.records.values()
    assert (eva.kit_id, eva.tags, {*eva.owed.tags}) == (None, {}, {"paid", "vip"})


async def test_a_damaged_record_in_an_old_form_stays(new_ledger: NewLedger) -> None:
    old = new_ledger(migrations=MIGRATIONS[:5])
    await fill(old, Batch([record("Éva@example.com"), record("info@bücher.example")]))
    await execute(old, "UPDATE subscribers SET state = '{' WHERE kit_id = 7 AND email LIKE '%va@%'")

    new = new_ledger()
    known = await load(new, await new.take(ACCOUNT), "éva@example.com", "info@xn--bcher-kva.example")

    assert known.records.keys() == {"info@xn--bcher-kva.example"}


async def test_an_older_ledger_learns_whose_ids_stand_alone(new_ledger: NewLedger) -> None:
    """Given accounts from before apps counted, the first tenure gives each its home; ids stay as they are."""
    old = new_ledger(migrations=MIGRATIONS[:6])
    await fill(old, one_of_all())
    await execute(old, "ALTER TABLE accounts DROP COLUMN home_app")

    new = new_ledger()
    tenure = await new.take(ACCOUNT, apps=["sunny"])

    assert tenure.home_app == "sunny"
    assert (await load(new, tenure, users=["u-1"])).people.keys() == {"u-1"}


async def test_an_older_ledger_gets_the_index_that_tells_which_events_came(new_ledger: NewLedger) -> None:
    """Given a ledger from before, with lines, its index is made; a worker of before goes on beside it."""
    before = MIGRATIONS.index(_when_types_came)
    old = new_ledger(migrations=MIGRATIONS[:before])
    await fill(old, Batch(entries=[entry(ADA, "e1")]))
    await execute(old, "DROP INDEX history_by_type")

    new = new_ledger()
    at = NOON.timestamp()
    assert await seen_lately(new.database, ACCOUNT, at) == {"user.signed_up": Seen(at, {"applied": 1})}
    await execute(new, "DROP INDEX history_by_type")  # it was there
    await fill(old, Batch(entries=[entry(ADA, "e2")]))
    assert (await seen_lately(new.database, ACCOUNT, at))["user.signed_up"].count == 2
