"""From no ledger, or an older one, to the present one; a newer one is left alone; on both databases."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NOON,
    NewLedger,
    contents,
    entry,
    execute,
    fill,
    load,
    one_of_all,
    order,
    record,
    refusal,
    works,
)
from tests.unit.ledger.records import EMPTY_V1, FULL_V1, record_of_version_1
from worker.ledger.bindings import Bindings
from worker.ledger.connecting import TakenError
from worker.ledger.database import Database
from worker.ledger.history import addresses, find_history
from worker.ledger.migrations import MIGRATIONS, PORTION, Step, _when_types_came, newest
from worker.ledger.record_json import dump_record
from worker.ledger.registry import Registry
from worker.ledger.sealing import Seal, new_key
from worker.ledger.seen import Seen, seen_lately
from worker.ledger.store import Ledger
from worker.ledger.tokens import Tokens, TokenStore
from worker.subscribers.known import Batch, Person
from worker.subscribers.record import Moved, Record

VERSION = newest(MIGRATIONS)


def add_column(connection: Connection) -> None:
    """Be the next version: subscribers have a note, which tells what was known before."""
    connection.execute(text("ALTER TABLE subscribers ADD COLUMN note TEXT NOT NULL DEFAULT ''"))
    connection.execute(text("UPDATE subscribers SET note = 'was ' || email"))


def fail_half_way(connection: Connection) -> None:
    """Be a next version that does not come to its end."""
    add_column(connection)
    connection.execute(text("DELETE FROM history"))
    connection.execute(text("SELECT * FROM there_is_no_such_table"))


async def notes(ledger: Ledger) -> list[str]:
    """Return what the next version added."""
    async with ledger.database.read() as connection:
        return list((await connection.execute(text("SELECT note FROM subscribers"))).scalars())


async def test_an_empty_database_becomes_a_ledger(ledger: Ledger) -> None:
    """Given nothing, the first use makes the present version and says so, for that may be a surprise."""
    assert await ledger.database.version() == 0
    with capture_logs() as logs:
        await ledger.ready()
    assert await ledger.database.version() == VERSION
    (line,) = logs
    assert (line["event"], line["log_level"], line["ledger"]) == (
        "ledger_created", "warning", ledger.database.name,
    )  # fmt: skip
    assert ":kit@" not in line["ledger"]
    await works(ledger)


async def test_to_open_it_again_changes_nothing(new_ledger: NewLedger) -> None:
    """Given a ledger with rows, another program that opens it finds them all, and makes nothing."""
    await fill(new_ledger(), one_of_all())
    before = await contents(new_ledger())
    with capture_logs() as logs:
        again = new_ledger()
        await again.database.version()
        assert await contents(again) == before
    assert logs == []


async def test_a_look_at_the_version_makes_nothing(ledger: Ledger) -> None:
    """Given nothing, asking for the version leaves it so."""
    existed = ledger.database.exists
    for _ in range(2):
        assert await ledger.database.version() == 0
    assert ledger.database.exists == existed == (not ledger.database.is_sqlite)


@pytest.mark.parametrize("attempt", range(4))
async def test_several_that_open_at_once_make_one(new_ledger: NewLedger, attempt: int) -> None:
    """Given eight programs that start at once, none of them fails, and one of them makes the ledger."""
    ledgers = [new_ledger(f"w-{attempt}-{number}") for number in range(8)]
    with capture_logs() as logs:
        ends = await asyncio.gather(*(each.ready() for each in ledgers), return_exceptions=True)
    assert ends == [None] * 8
    assert [line["event"] for line in logs] == ["ledger_created"]
    assert len({each.database.secret for each in ledgers}) == 1
    rows = await contents(ledgers[0])
    assert sorted(key for key, _ in rows["meta"]) == ["secret", "version"]


async def test_a_newer_ledger_is_refused(new_ledger: NewLedger) -> None:
    """Given a ledger of a newer program, this one says so, touches nothing, and works once that is over."""
    tenure = await fill(new_ledger(), one_of_all())
    await execute(new_ledger(), "UPDATE meta SET value = '99' WHERE key = 'version'")
    newer = new_ledger()
    said = [
        await refusal(newer.ready()),
        await refusal(newer.take(ACCOUNT)),
        await refusal(newer.database.version()),
    ]
    for text_ in said:
        assert text_ == (
            f"the ledger {newer.database.name} is newer than this program (version 99; this program knows "
            f"{VERSION}); install the newer program"
        )
    await execute_as_is(
        newer.database, "UPDATE meta SET value = :value WHERE key = 'version'", value=f"{VERSION}"
    )
    await works(newer)
    assert (await newer.take(ACCOUNT)).epoch == tenure.epoch + 1  # the take above was none


async def execute_as_is(database: Database, statement: str, **values: str) -> None:
    """Change a database that the ledger refuses."""
    engine = await database._make()
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.execute(text(statement), values)
    await engine.dispose()


async def test_an_older_ledger_becomes_the_present_one(new_ledger: NewLedger) -> None:
    """Given a ledger of the version before, the next program brings it forward, and all rows are kept."""
    old = new_ledger()
    tenure = await fill(old, one_of_all())
    before = await contents(old)
    new = new_ledger(migrations=(*MIGRATIONS, add_column))
    with capture_logs() as logs:
        await new.ready()

    assert logs == []  # it was there
    assert await new.database.version() == VERSION + 1
    assert await notes(new) == [f"was {ADA}"]
    after = await contents(new)
    assert {name: rows for name, rows in after.items() if name not in {"meta", "accounts"}} == {
        name: rows for name, rows in before.items() if name not in {"meta", "accounts"}
    }
    assert (await load(new, tenure, ADA)).records.keys() == {ADA}  # epochs go on
    assert new.database.secret == old.database.secret


async def test_several_bring_it_forward_once(new_ledger: NewLedger) -> None:
    """Given eight programs that find an older ledger at once, each step is made once, and none fails."""
    await fill(new_ledger(), one_of_all())
    steps: list[str] = []

    def step(name: str, work: Step) -> Step:
        def counted(connection: Connection) -> None:
            steps.append(name)
            work(connection)

        return counted

    later = (step("first", add_column), step("second", lambda _: None))
    ledgers = [new_ledger(migrations=(*MIGRATIONS, *later)) for _ in range(8)]
    assert await asyncio.gather(*(each.ready() for each in ledgers), return_exceptions=True) == [None] * 8
    assert steps == ["first", "second"]
    assert await notes(ledgers[0]) == [f"was {ADA}"]


async def test_a_step_that_fails_leaves_the_older_one_whole(new_ledger: NewLedger) -> None:
    """Given a step that fails half-way, nothing of it is there, and a mended one goes from the start."""
    old = new_ledger()
    tenure = await fill(old, one_of_all())
    before = await contents(old)
    failing = new_ledger(migrations=(*MIGRATIONS, fail_half_way))
    assert "there_is_no_such_table" in await refusal(failing.ready())

    assert await contents(old) == before
    await old.save(tenure, one_of_all())  # the older program goes on
    assert await notes(new_ledger(migrations=(*MIGRATIONS, add_column))) == [f"was {ADA}"]


@pytest.mark.parametrize("version", ["two", "1.0"])
async def test_a_damaged_version_is_named(new_ledger: NewLedger, version: str) -> None:
    """Given a version that is none, the ledger is refused and left as it is."""
    await fill(new_ledger(), one_of_all())
    await execute(new_ledger(), "UPDATE meta SET value = :version WHERE key = 'version'", version=version)
    await refusal(new_ledger().ready())


# -- from version 1 ----------------------------------------------------------------------------------------


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
    assert await Bindings(new).note(ACCOUNT, ()) == frozenset()  # there is room for them
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
