"""A page over a ledger of a large platform's size: accounts, history, journal and dead letters."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg
import msgspec
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.known import ada
from tests.unit.page.routes import views
from tests.unit.page.serve import TOKEN, Answer, Client, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.letter_runs import LetterRuns, RunAction, Wanted
from worker.ledger.letter_work import LetterWork, RunEnd
from worker.ledger.plan_runs import PlanAction, PlanRuns
from worker.ledger.plans import PlannedPerson, Plans, SaidOfPlan
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ops.file_impact import FileImpact
from worker.ops.kept_plan import told_of
from worker.subscribers.known import Batch, Person

ACCOUNTS: Final = 1_000
LETTERS: Final = 100_000
PLANNED: Final = 100_000
"""People of a plan that is carried out, of whom nobody is done."""
NAMES: Final = ("sunny", *(f"a{number:04}" for number in range(ACCOUNTS - 1)))
WORKERS: Final = ("one", "two", "three")
_OTHER: Final = "'a' || substr(CAST(10000 + i % 999 AS TEXT), 2)"
_ACCOUNT: Final = f"CASE WHEN i % 10 = 0 THEN 'sunny' ELSE {_OTHER} END"
_EMAIL: Final = "CASE WHEN i % 1000 = 0 THEN 'ada@example.com' ELSE 'p' || i % 200000 || '@example.com' END"
_NEXT: Final = "SELECT i + 1 FROM n WHERE i < :last"
_NUMBERS: Final = f"WITH RECURSIVE n(i) AS (SELECT CAST(:first AS BIGINT) UNION ALL {_NEXT}) SELECT"
_PORTION: Final = 100_000
"""Rows of one statement: the ledger waits 10 s for one."""
_CALLS: Final = json.dumps(
    [
        {
            "call": "POST /v4/subscribers",
            "what": "mk_user_id 'u-1', mk_plan 'Annual', mk_subscription_status 'active'",
            "status": 201,
            "rules": [],
        },
        {"call": "POST /v4/tags/{id}/subscribers", "what": "tag 'VIP' on", "status": 201, "rules": [0, 1]},
    ]
)
_FILLING: Final = (
    (
        "INSERT INTO history (account, email, event_id, event_type, event_time, at, outcome, detail, calls, "
        f"version, worker) {_NUMBERS} {_ACCOUNT}, {_EMAIL}, 'e' || i, 'order.kind_' || i % 20, "
        "'2026-11-01T10:00:00Z', CAST(:now AS FLOAT) - i * 0.1, "
        "CASE WHEN i % 50 = 0 THEN 'dead_lettered' ELSE 'applied' END, '', :calls, '0123456789ab', 'one' "
        "FROM n"
    ),
    (
        "INSERT INTO journal (at, account, who, action, what, count, result) "
        f"{_NUMBERS} CAST(:now AS FLOAT) - i, {_ACCOUNT}, 'operator', 'pause', '', 1, 'It is paused.' FROM n"
    ),
    (
        f"INSERT INTO counts (at, account, applied, superseded, dead, calls, age, aged) {_NUMBERS} "
        "CAST(:now AS BIGINT) / 900 * 900 - i / 1000 * 900, 'a' || substr(CAST(10000 + i % 1000 AS TEXT), 2)"
        ", i % 90, i % 7, i % 3, i % 120, 9.5, 3 FROM n"
    ),
    (
        "INSERT INTO dead_letters (account, letter_id, place, reason, detail, event_type, event_id, "
        "event_time, failed_at, attempts, email, user_id, noted_at, note, noted_by) "
        f"{_NUMBERS} CASE WHEN i % 2 = 0 THEN 'sunny' ELSE {_OTHER} END, 'l' || i, "
        "CASE WHEN i % 20 = 0 THEN 'archive' ELSE 'dead' END, "
        "CASE i % 3 WHEN 0 THEN 'kit_rejected' WHEN 1 THEN 'partly_applied' ELSE 'invalid_event' END, "
        "'data.user.email: it is not an email address', 'order.kind_' || i % 20, 'e' || i, "
        f"'2026-11-01T10:00:00Z', '2026-11-01T10:00:05Z', 1, {_EMAIL}, 'u' || i, CAST(:now AS FLOAT), '', '' "
        "FROM n"
    ),
    (
        "INSERT INTO due (account, id, at, not_before, published, email, event_type, event_id, event_time, "
        f"what, message) {_NUMBERS} 'sunny', 'apply-h-1-' || (1000000 + i), 1.0, 1.0, 0, {_EMAIL}, "
        "'kit-worker.apply', 'apply-h-1-' || (1000000 + i), '2026-11-01T10:00:00Z', '', :message FROM n"
    ),
    (
        "INSERT INTO planned_people (plan, number, account, email, what) "
        f"{_NUMBERS} 1, i, 'sunny', {_EMAIL}, '[[\"VIP\"],[],[]]' FROM n"
    ),
)
"""The same on both databases: history, journal, a day's counts of all accounts, the index of dead letters,
what is due of a plan, and its people."""

Look: TypeAlias = Callable[[], Awaitable[Answer]]


async def fill_large_ledger(url: str, lines: int) -> None:
    """Fill an empty ledger.

    Args:
        url: Of its database.
        lines: Of the history; a tenth of them is of `sunny`, and as many are in the journal.
    """
    async with Ledger(Database(url), worker="one", clock=Clock()) as ledger:
        await ledger.ready()
        counts = (lines, lines // 10, 96 * ACCOUNTS, LETTERS, PLANNED, PLANNED)
        now = int(Clock().time())
        await _begin_plan(ledger)
        for statement, count in zip(_FILLING, counts, strict=True):
            for first in range(1, count + 1, _PORTION):
                last = min(first + _PORTION - 1, count)
                values = {"first": first, "last": last, "now": now, "calls": _CALLS, "message": b"an event"}
                async with ledger.database.write() as connection:
                    await connection.execute(text(statement), values)
        replayed = {(await _replayed(ledger), "applied"): 1}
        batch = Batch([ada("VIP")], [Person("u-ada", "ada@example.com")], replayed=replayed)
        await ledger.save(await ledger.take("sunny"), batch)
        report = {
            "state": "waiting",
            "last_error": "",
            "config_errors": [],
            "kit_calls": 1,
            "config_hash": "0",
        }
        for worker in WORKERS:
            await Registry(ledger, worker).beat(dict.fromkeys(NAMES, report))
        async with ledger.database.write() as connection:
            await connection.execute(text("ANALYZE"))
    if make_url(url).get_backend_name() == "postgresql":
        await _vacuum(url)


@asynccontextmanager
async def page_over(folder: Path, url: str) -> AsyncIterator[Client]:
    """Serve a page over a ledger that was filled; an operator is signed in."""
    async with served(folder, NAMES, ledger_url=SecretStr(url)) as client:
        await client.sign_in(TOKEN)
        yield client


def url_in(folder: Path) -> str:
    """Return the URL of a SQLite ledger in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'ledger.db'}"


async def _begin_plan(ledger: Ledger) -> None:
    """Note that a plan is carried out whose timers are set, and that another one waits."""
    plans, runs = Plans(ledger), PlanRuns(ledger)
    first = await plans.begin("sunny", "v-1", "operator")
    await plans.made(first, SaidOfPlan("h-1", PLANNED, PLANNED, "null"))
    (plan,) = await plans.all_of("sunny")
    await runs.start(plan, PlanAction.APPLY, "operator")
    await runs.set_timers(plan, (await runs.of(plan))[PlanAction.APPLY], PLANNED, ())
    second = await plans.begin("sunny", "v-2", "operator")
    await plans.add(
        second, "sunny", 1, [PlannedPerson(f"p{at}@example.com", ("VIP",), (), ()) for at in range(20)]
    )
    impact = FileImpact(people=20, otherwise=20, gained=Counter(VIP=20), new_taggings=Counter(VIP=20))
    told = msgspec.json.encode(told_of(impact, 120)).decode()
    await plans.made(second, SaidOfPlan("h-2", 20, 20, told))


async def _replayed(ledger: Ledger) -> int:
    """Note that a group was replayed, as far as it was; returns the number of the run."""
    wanted = Wanted(RunAction.REPLAY, "operator", reason="partly_applied")
    run = await LetterRuns(ledger).begin("sunny", wanted)
    assert run is not None
    await LetterWork(ledger).done(run, [f"l{number}" for number in range(4, 1000, 6)])
    await LetterWork(ledger).end(run, RunEnd("busy", "Some dead letters are back in the queue of events."))
    return run.id


async def _vacuum(url: str) -> None:
    """Do at once what PostgreSQL does by itself in time: counts are read from an index alone then."""
    connection = await asyncpg.connect(
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    )
    await connection.execute("VACUUM")
    await connection.close()


async def looks(client: Client) -> Mapping[str, Look]:
    """Return what is looked at: each view, further pages, what somebody looks for, and a change's review."""
    more = (
        "/?after=a0700",
        "/?find=07&only=wrong",
        "/journal?before=5000",
        "/accounts/sunny/journal?before=5000",
        "/accounts/sunny/dead-letters/group?reason=kit_rejected&place=archive",
        "/accounts/sunny/dead-letters/runs/1",
    )
    found: dict[str, Look] = {path: partial(client.ask, path) for path in (*views(), *more)}
    place = "/accounts/sunny/events/edit"
    form = form_on((await client.ask(f"{place}?event=order.kind_3")).text, "/events/edit")
    fill(form, "add.tag", "Extra")
    return {**found, f"review of {place}": partial(press, client, place, form, "review")}


async def times(look: Look, rounds: int) -> list[float]:
    """Return how long each of some looks took, in milliseconds, after a first one."""
    found = []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        answer = await look()
        found.append((time.perf_counter() - began) * 1000)
        assert answer.status in {200, 404}, f"{answer.status}: {answer.text[:200]}"
    return found[1:]
