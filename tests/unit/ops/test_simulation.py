"""What a simulation says is what a worker does: the same events, to the real stages, ledger and a Kit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.accounts.harness import KIT, parse
from tests.unit.ops.test_rehearsal import FILE, HAPPENS, KEY, NAMES, Happens, body_of
from tests.unit.ops.worker_at_work import WorkerAtWork
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.events.delivery import Delivery
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.simulation import Simulation
from worker.sandbox import AccountView, Sandbox
from worker.settings import Settings
from worker.subscribers.item import Kind
from worker.subscribers.record import Record

FIRST = datetime(2027, 1, 1, tzinfo=UTC)


class Life:
    """A simulation, to which events happen day by day."""

    def __init__(self, events: str) -> None:
        self.simulation = Simulation(parse(f"{KIT}events:\n{events}"))
        self._count = 0

    def on(self, day: int, kind: str, **data: Any) -> Kind:  # noqa: ANN401  # any JSON
        """Let an event of Ada happen on a day of January."""
        self._count += 1
        time = FIRST + timedelta(days=day - 1)
        data = {"user": {"id": "ada", "email": "ada@example.com"}} | data
        body = {"id": f"e{self._count}", "type": kind, "time": time.isoformat(), "data": data}
        self.simulation.waits_until(time)
        return self.simulation.hears(Delivery(json.dumps(body).encode(), kind, exchange="events")).kind

    def tags_on(self, day: int) -> set[str]:
        """Return Ada's tags on a day."""
        self.simulation.waits_until(FIRST + timedelta(days=day - 1))
        record = self.simulation.known_by("ada", None)
        return set() if record is None else tags_of(record)


def tags_of(record: Record) -> set[str]:
    return {tag.part.value.name for tag in record.tags.values() if tag.part.value.present}


def test_of_several_that_are_due_the_soonest_comes_first() -> None:
    life = Life(
        "  order.paid: {at: data.at, add_tags: [Paid]}\n  order.sent: {at: data.at, add_tags: [Sent]}"
    )
    life.on(1, "order.paid", at="2027-01-10T00:00:00Z")
    life.on(2, "order.sent", at="2027-01-20T00:00:00Z")
    ended = life.simulation.waits_until(FIRST + timedelta(days=30))

    assert [each.event.type for each in ended if each.event] == ["order.paid", "order.sent"]


def test_what_is_due_takes_effect_at_its_time_also_after_the_last_event() -> None:
    life = Life("  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member]}")
    life.on(1, "subscription.started")
    end = life.on(2, "subscription.canceled", subscription={"ends_at": "2027-01-10T00:00:00Z"})

    assert end is Kind.SCHEDULED
    assert len(life.simulation.due) == 1
    assert life.tags_on(9) == {"Active Member"}
    assert life.tags_on(10) == set()
    assert life.simulation.due == []


def test_who_has_another_address_is_found_there_and_nobody_at_the_old_one() -> None:
    life = Life("  user.updated: {}")
    life.on(1, "subscription.started")
    life.on(2, "user.updated", user={"id": "ada", "email": "ada@new.example"})

    record = life.simulation.at("ada@new.example")

    assert record is not None
    assert tags_of(record) == {"Active Member"}
    assert life.simulation.state_of(record) == "active"
    left = life.simulation.at("ada@example.com")
    assert left is None or not life.simulation.state_of(left)


def test_whom_somebody_leaves_behind_in_kit_is_there_for_who_comes_to_that_address() -> None:
    """Given two who become one, Kit keeps the other without mail; whoever signs up there gets none either."""
    life = Life("  user.updated: {}")
    life.on(1, "user.signed_up")
    life.on(1, "user.signed_up", user={"email": "bob@example.com"})
    life.on(2, "user.updated", user={"id": "ada", "email": "bob@example.com"})
    life.on(3, "user.signed_up", user={"id": "cy", "email": "ada@example.com"})

    found = [life.simulation.at(f"{name}@example.com") for name in ("ada", "bob")]
    assert [record and life.simulation.state_of(record) for record in found] == ["unsubscribed", "active"]


def test_what_creates_nobody_is_owed_until_somebody_is_there() -> None:
    life = Life("  order.paid: {create: false, add_tags: [Customer]}")

    assert life.on(1, "order.paid") is Kind.IGNORED
    assert life.tags_on(1) == set()
    life.on(2, "user.signed_up")
    assert life.tags_on(2) == {"Customer"}


def test_a_first_name_is_kept_where_the_account_says_so() -> None:
    life = Simulation(parse(f"{KIT}options: {{first_name: if_created}}"))
    life.waits_until(FIRST)
    for name in ("Ada", "Bob"):
        user = {"email": "ada@example.com", "first_name": name}
        body = {"id": name, "type": "user.signed_up", "time": FIRST.isoformat(), "data": {"user": user}}
        life.hears(Delivery(json.dumps(body).encode(), "user.signed_up", exchange="events"))

    record = life.at("ada@example.com")

    assert record is not None
    assert life.first_name_of(record) == "Ada"


# -- beside a worker ---------------------------------------------------------------------------------------


def as_simulated(simulation: Simulation, email: str, left: Mapping[str, str]) -> tuple[object, ...]:
    record = simulation.at(email)
    if record is None or not (state := simulation.state_of(record)):
        return ()
    told = {name.lower().replace(" ", "_"): value.part.value for name, value in record.fields.items()}
    fields = {name: value for name, value in {**left, **told}.items() if value is not None}
    state = {"unsubscribed": "cancelled"}.get(state, state)
    return state, simulation.first_name_of(record), {tag.lower() for tag in tags_of(record)}, fields


def as_in_kit(kit: AccountView, email: str) -> tuple[Any, ...]:
    person = kit.find(email)
    if person is None:
        return ()
    fields = {name: value for name, value in person.fields.items() if value}
    return person.state, person.first_name or "", {tag.lower() for tag in person.tags}, fields


def check_alike(
    simulation: Simulation, kit: AccountView, email: str, behind: dict[str, dict[str, str]], note: str
) -> None:
    """Fail unless an address has the same in both; who became somebody else is left in Kit, without tags.

    Such a one goes on getting mail only where the new address gets none, and keeps its custom fields, also
    for whoever has the address next; see `kit.addresses`.
    """
    simulated, has = as_simulated(simulation, email, behind.get(email, {})), as_in_kit(kit, email)
    left = simulation.at(email)
    if not simulated and left is not None and left.moved is not None and has:
        assert not has[2], note
        there = as_in_kit(kit, left.moved.to)
        assert has[0] == "cancelled" or not there or there[0] != "active", note
        behind[email] = has[3]
    else:
        assert simulated == has, note


async def both_agree(folder: Path, account: Account, happens: Sequence[Happens]) -> None:
    """Fail unless each event ends alike with a worker and simulated, and all people are alike then."""
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    simulation = Simulation(account)
    async with (
        Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox,
        Ledger(database, worker="here", clock=Clock()) as ledger,
    ):
        access = KitAccess(Settings(kit_base_url=sandbox.url, kit_rate_limit=10**6), ledger)
        assert account.credential is not None
        client = access.client(account.name, account.credential)
        worker = WorkerAtWork(account, ledger, client, 3600.0)
        bodies: list[tuple[bytes, str]] = []
        behind: dict[str, dict[str, str]] = {}
        async with client, worker.working():
            for number, each in enumerate(happens):
                is_copy = 0 < each.copies <= len(bodies)
                bodies.append(bodies[-each.copies] if is_copy else (body_of(number, each), each.kind))
                delivery = Delivery(bodies[-1][0], f"{bodies[-1][1]}.sunny", received_at=datetime.now(UTC))
                simulation.waits_until(delivery.received_at)
                heard, outcome = simulation.hears(structs.replace(delivery)), await worker.ends(delivery)
                said = f"{bodies[-1][0].decode()}\n{heard}\n{outcome.kind} {outcome.error or outcome.note}"
                assert heard.kind is outcome.kind, said
                assert heard.reason == str(outcome.error.reason if outcome.error else ""), said
                for name in NAMES:
                    email = f"{name}@example.com"
                    check_alike(simulation, sandbox.account(KEY), email, behind, said)


@pytest.mark.timeout(300)  # for each event a worker and Kit are asked
@given(
    st.lists(HAPPENS, min_size=25, max_size=25),
    st.sampled_from(["always", "if_created"]),
    st.sampled_from(["user_id", "email"]),
)
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
async def test_what_is_simulated_is_what_a_worker_does(
    happens: list[Happens], first_name: str, identity: str
) -> None:
    """Given any events of people who share and change addresses, each ends alike, and all have the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "accounts").mkdir()
        (folder / "accounts" / "sunny.yaml").write_text(FILE.format(first_name=first_name, identity=identity))
        account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
        await both_agree(folder, account, happens)
