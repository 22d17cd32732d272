"""What a plan of a file says is what workers then do with its rows, whatever came before."""

from __future__ import annotations

import io
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ops.test_rehearsal import FILE, HAPPENS, KEY, Happens, body_of
from tests.unit.ops.worker_at_work import WorkerAtWork
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.consumer.due_message import due_again
from worker.events.delivery import Delivery
from worker.events.event import Imported
from worker.kit.access import KitAccess
from worker.kit.single_calls import NEWLY_TAGGED
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.backfill.options import BackfillOptions, run_of
from worker.ops.backfill.plan import IGNORED, BackfillPlan, Planning
from worker.ops.backfill.reading import WrongRow, read_rows
from worker.ops.backfill.spool import Spool
from worker.ops.backfill.trial import PersonEnd
from worker.ops.letters.dry_run import as_delivered
from worker.sandbox import AccountView, Person, Sandbox
from worker.settings import Settings
from worker.subscribers.item import Kind, Outcome
from worker.subscribers.parts import tag_key

TTL = 3600.0
AS_ANY = Imported()
OWN = HAPPENS.filter(lambda each: each.at < 0)
"""Of people with their own addresses: by moves one's tags become another one's."""
PLAIN = FILE.format(first_name="always", identity="user_id")
PLAIN = PLAIN.replace("options: {", "options: {max_new_taggings_per_hour: 1000000, ")


class Bench:
    """One account with its worker, its ledger and its Kit."""

    def __init__(self, account: Account, ledger: Ledger, sandbox: Sandbox) -> None:
        access = KitAccess(Settings(kit_base_url=sandbox.url, kit_rate_limit=10**6), ledger)
        assert account.credential is not None
        self.account = account
        self.ledger = ledger
        self.sandbox = sandbox
        self.kit: AccountView = sandbox.account(KEY)
        self.client = access.client(account.name, account.credential)
        self.worker = WorkerAtWork(account, ledger, self.client, TTL)
        self.people: dict[str, PersonEnd] = {}

    async def live(self, body: bytes, kind: str) -> Outcome:
        """Let an event of the platform come."""
        return await self.worker.ends(Delivery(body, f"{kind}.sunny", received_at=datetime.now(UTC)))

    async def planned(self, spool: Spool, rows: Sequence[bytes], imported: Imported = AS_ANY) -> BackfillPlan:
        """Plan a file with these rows."""
        text = b"\n".join(rows) or b" "
        run = run_of(self.account.name, text.hex(), BackfillOptions(imported=imported))
        plan = BackfillPlan(self.account.name, run, spool)
        file = read_rows(io.BytesIO(text), self.account, BackfillOptions())
        await Planning(self.ledger, self.account, imported, TTL, plan).plan(
            file, told=lambda end: self.people.__setitem__(end.email, end)
        )
        return plan

    async def taken_in(self, plan: BackfillPlan) -> list[Outcome]:
        """Let a plan's rows come, as workers publish them."""
        messages = [due_again(self.account.name, plan.spool[number].message) for number in plan.order]
        return [await self.worker.ends(as_delivered(message, datetime.now(UTC))) for message in messages]

    def has(self) -> Mapping[str, tuple[frozenset[str], Mapping[str, str | None]]]:
        """Return the tags and fields of everybody in Kit."""
        return {email: _has(person) for email, person in self.kit.subscribers().items()}

    def new_taggings(self) -> int:
        """Return how many tags were newly put on so far, by Kit's own answers."""
        return sum(
            call.status == NEWLY_TAGGED and call.endpoint.startswith("POST /v4/tags/")
            for call in self.sandbox.calls(KEY)
        )


def _has(person: Person) -> tuple[frozenset[str], Mapping[str, str | None]]:
    fields = {name: value for name, value in person.fields.items() if value}
    return frozenset(map(tag_key, person.tags)), fields


@asynccontextmanager
async def bench(text: str = PLAIN) -> AsyncIterator[Bench]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "accounts").mkdir()
        (folder / "accounts" / "sunny.yaml").write_text(text)
        account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
        database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
        async with (
            Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox,
            Ledger(database, worker="here", clock=Clock()) as ledger,
        ):
            made = Bench(account, ledger, sandbox)
            async with made.client, made.worker.working():
                yield made


def row(kind: str, email: str = "ada@example.com", time: str = "2024-01-01T00:00:00Z", **more: Any) -> bytes:  # noqa: ANN401  # JSON
    """Return a row of a file."""
    id_ = {"id": more.pop("id")} if "id" in more else {}
    data = {"user": {"email": email}, **more}
    return json.dumps({**id_, "type": kind, "time": time, "data": data}).encode()


@pytest.mark.timeout(400)  # for each event the ledger, Kit and a worker are asked
@given(
    st.lists(OWN, max_size=10),
    st.lists(OWN, min_size=1, max_size=20),
    st.sampled_from([Imported(), Imported(fields_only=True), Imported(marker="Old")]),
)
@settings(max_examples=30, deadline=None)
async def test_what_the_plan_says_is_what_then_happens(
    before: list[Happens], file: list[Happens], imported: Imported
) -> None:
    """Given events of before and a file in any order, each row ends, and each person has, what was told."""
    async with bench() as it:
        for number, each in enumerate(before):
            await it.live(body_of(number, each), each.kind)
        had, tagged = it.has(), it.new_taggings()
        by_id = {person.id: email for email, person in it.kit.subscribers().items()}
        with Spool() as spool:
            rows = [body_of(number % 25 + 10, each) for number, each in enumerate(file)]
            plan = await it.planned(spool, rows, imported)
            assert it.has() == had
            ended = await it.taken_in(plan)
            note = f"{plan}\n{[(str(each.kind), str(each.error or each.note), each.calls) for each in ended]}"
            # Whom Kit lacks, and a row does not create, the ledger does not know.
            kinds = Counter(Kind.APPLIED if each.kind is Kind.IGNORED else each.kind for each in ended)
            assert kinds.pop(Kind.DEAD_LETTERED, 0) == len(plan.dead), note
            # Of whom Kit lacks it is told as if it had them, also where a later row creates them.
            if not any(each.kind is Kind.IGNORED for each in ended):
                assert kinds == plan.ends, note
            in_vain = sum(len(end.newly) for end in it.people.values() if end.depends)
            assert plan.new_taggings - in_vain == it.new_taggings() - tagged, note
            check_people(it, {each: had[email] for each, email in by_id.items()}, note)
        then, tagged = it.has(), it.new_taggings()
        with Spool() as spool:
            await it.taken_in(await it.planned(spool, rows, imported))
        assert (it.has(), it.new_taggings()) == (then, tagged), "a second run does nothing"


def check_people(it: Bench, had: Mapping[int, Any], note: str) -> None:
    """Fail unless everybody has gained and lost what was told, whatever their address was before."""
    for email, person in it.kit.subscribers().items():
        tags, fields = _has(person)
        tags_before, fields_before = had.get(person.id, (frozenset(), {}))
        told = it.people[email].impact if email in it.people else None
        gained, lost = (frozenset(told.gained), frozenset(told.lost)) if told else (frozenset(), frozenset())
        assert (tags - tags_before, tags_before - tags) == (gained, lost), f"{email}\n{told}\n{note}"
        names = {name.lower().replace(" ", "_") for name in (told.fields if told else ())}
        changed = {
            name for name in {**fields, **fields_before} if fields.get(name) != fields_before.get(name)
        }
        assert changed <= names, f"{email}\n{told}\n{note}"


async def test_each_row_ends_as_it_is_told() -> None:
    """Wrong, unmapped, new, older than what is known, come before, later, and dead by what is known."""
    async with bench() as it:
        started = row("subscription.started", time="2025-01-01T00:00:00Z", id="e-1", subscription={"id": "s"})
        assert (await it.live(started, "subscription.started")).kind is Kind.APPLIED
        rows = [
            row("user.signed_up", email="none"),
            row("order.unknown"),
            started,
            row("subscription.started", subscription={"id": "s"}),
            row("user.signed_up", email="bob@example.com"),
            row("order.paid", email="cy@example.com"),
            row("subscription.canceled", subscription={"id": "s", "ends_at": "2999-01-01T00:00:00Z"}),
            b"?",
            row("access.granted", email="bob@example.com", access={}),
        ]
        with Spool() as spool:
            plan = await it.planned(spool, rows)
            assert plan.wrong == [
                WrongRow(1, "data.user.email: not an email address"),
                WrongRow(8, "not JSON: Expecting value: line 1 column 1 (char 0)"),
            ]
            assert plan.ignored == {IGNORED: 1}
            assert [each.line for each in plan.dead] == [9]
            assert plan.ends == {
                Kind.DUPLICATE: 1, Kind.SUPERSEDED: 1, Kind.APPLIED: 2, Kind.SCHEDULED: 1,
            }  # fmt: skip
            assert (plan.new_people, plan.depend, plan.new_taggings) == (1, 1, 2)
            ended = Counter(each.kind for each in await it.taken_in(plan))
            assert ended == {**plan.ends, Kind.APPLIED: 1, Kind.IGNORED: 1, Kind.DEAD_LETTERED: 1}


async def test_who_gets_no_more_mail_already_is_not_told_of_again() -> None:
    """Given two rows by which somebody goes, the older one is older than what is known by the newer one."""
    async with bench() as it:
        await it.live(row("user.signed_up", time="2023-01-01T00:00:00Z"), "user.signed_up")
        with Spool() as spool:
            plan = await it.planned(
                spool, [row("user.deleted"), row("user.deleted", time="2024-01-02T00:00:00Z")]
            )
            ended = Counter(each.kind for each in await it.taken_in(plan))
        assert plan.ends == ended == {Kind.APPLIED: 1, Kind.SUPERSEDED: 1}


async def test_nobody_has_a_tag_for_a_moment_only() -> None:
    """Given who came and went, in the order in which it happened, the newest row is taken first."""
    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(
                spool,
                [
                    row("subscription.started", time="2024-01-01T00:00:00Z", subscription={"id": "s"}),
                    row("subscription.canceled", time="2024-02-01T00:00:00Z", subscription={"id": "s"}),
                ],
            )
            ended = await it.taken_in(plan)
        assert plan.impact.new_taggings == {"Cancelled": 1}
        assert (it.new_taggings(), len(ended)) == (1, 2)
        assert it.kit.subscriber("ada@example.com").tags == {"Cancelled"}


async def test_what_is_known_is_only_learned() -> None:
    """Given that Kit has it all, nobody calls it, and the next event knows of it."""
    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(
                spool,
                [row("subscription.started", subscription={"id": "s", "plan": "Annual"})],
                Imported(known=True),
            )
            await it.taken_in(plan)
        assert (plan.new_taggings, plan.impact.calls) == (0, 0)
        assert it.kit.subscribers() == {}
        it.kit.add_subscriber("ada@example.com", tags=["Active Member", "By hand"])
        left = row("subscription.canceled", time="2025-01-01T00:00:00Z", subscription={"id": "s"})
        await it.live(left, "subscription.canceled")
        assert set(it.kit.subscriber("ada@example.com").tags) == {"By hand", "Cancelled"}


async def test_what_ends_later_is_taken_off_then_and_what_has_ended_never_comes() -> None:
    """An `until` that lies ahead sets a timer; one that has passed puts nothing on."""
    async with bench() as it:
        with Spool() as spool:
            plan = await it.planned(
                spool,
                [
                    row("access.granted", access={"level": "Gold", "expires_at": "2024-02-01T00:00:00Z"}),
                    row(
                        "access.granted",
                        email="bob@example.com",
                        access={"level": "Gold", "expires_at": "2999-02-01T00:00:00Z"},
                    ),
                ],
            )
            ended = await it.taken_in(plan)
        assert plan.impact.new_taggings == {"Gold access": 1}
        assert {email: person.tags for email, person in it.kit.subscribers().items()} == {
            "ada@example.com": set(),
            "bob@example.com": {"Gold access"},
        }
        assert [each.item.later is not None for each in ended] == [False, True]
