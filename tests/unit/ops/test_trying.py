"""What would become of an event now: as a worker would judge it, and without anything being done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from tests.unit.examples import EMAIL, NOON, change
from tests.unit.page.known import USER, ada, know
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.errors import Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.forgetting import forget
from worker.ledger.schema import tables
from worker.ledger.store import Ledger
from worker.ops.foreseen import IF_THE_TAG_IS_THERE
from worker.ops.tried import Tried
from worker.ops.trying import Trying
from worker.ops.verdict import verdict_on
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.item import Kind
from worker.subscribers.known import Batch, Person
from worker.subscribers.mark import event_mark
from worker.subscribers.move_guard import FEW
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record

KEY = "key-of-sunny-0001"
FILE = """
app: sunny
kit: {api_key_env: KIT_API_KEY}
events:
  order.paid:
    add_tags: [Customer]
    remove_tags: [Lead]
    rules: [{when: {data.plan: Gold}, add_tags: [Gold]}]
  order.later: {at: data.at, add_tags: [Later]}
  user.updated: {}
fields: {data.plan: Plan}
"""


class Bench:
    """One account with its ledger and its Kit."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        (folder / "accounts").mkdir()
        (folder / "accounts" / "sunny.yaml").write_text(FILE)
        self.folder = folder
        self.sandbox = sandbox
        self.account: Account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
        self.ledger = Ledger(
            Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}"), worker="page", clock=Clock()
        )
        self.kit = KitAccess(Settings(kit_base_url=sandbox.url), self.ledger)

    async def tries(self, kind: str = "order.paid", *, number: int = 9, **data: Any) -> Tried:  # noqa: ANN401  # any data
        """Try event `number`, about Ada unless the data says otherwise."""
        time = (NOON + timedelta(seconds=number)).isoformat()
        data = {"user": {"email": EMAIL, "id": USER}, **data}
        body = {"id": f"e-{number}", "type": kind, "time": time, "data": data}
        received = datetime.now(UTC)
        delivery = Delivery(json.dumps(body).encode(), f"{kind}.sunny", received_at=received)
        return await Trying(self.account, self.ledger, self.kit, 3600.0).event(delivery)

    async def met(self, record: Record, *tags: str, **fields: str) -> None:
        """Let the ledger know somebody whom Kit has, with these tags and fields there."""
        kit = self.sandbox.account(KEY)
        record.kit_id = kit.add_subscriber(record.email, tags=tags, fields=fields)
        ids = kit.custom_fields()
        record.fields |= {
            name: replace(value, kit_id=ids[name.lower()])
            for name, value in record.fields.items()
            if name in fields
        }
        ids = {tag_key(name): id_ for name, id_ in kit.tags().items()}
        record.tags = {key: replace(tag, kit_id=ids.get(key, 1)) for key, tag in record.tags.items()}
        await know(self.folder, record)

    async def contents(self) -> dict[str, list[Any]]:
        """Return all that the ledger holds."""
        async with self.ledger.database.read() as connection:
            return {
                name: list(await connection.execute(select(table))) for name, table in tables.tables.items()
            }


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox:
        bench = Bench(tmp_path, sandbox)
        async with bench.ledger:
            yield bench


def tags(tried: Tried) -> dict[str, tuple[bool | None, bool]]:
    """By tag, whether it would be on, and whether it is in Kit now."""
    return {tag.name: (tag.wanted, tag.in_kit is not None) for tag in tried.tags}


async def test_nothing_is_sent_or_written_whatever_is_tried(bench: Bench) -> None:
    """Given all kinds of ends, Kit gets no call but to read, and the ledger is the same to the byte."""
    await know(bench.folder, ada("Customer", number=5))
    bench.sandbox.account(KEY).add_subscriber(EMAIL, tags=["Lead"])
    before = await bench.contents()
    ends = {
        (await bench.tries("order.paid", plan="Gold")).kind,
        (await bench.tries("order.paid", number=1)).kind,
        (await bench.tries("order.later", at="2100-01-01T00:00:00Z")).kind,
        (await bench.tries("order.unknown")).kind,
        (await bench.tries("order.paid", user={"email": "other@example.com", "id": USER})).kind,
        (await bench.tries("user.updated", user={"email": "other@example.com", "id": USER})).kind,
        (await bench.tries("order.paid", user={"email": "new@example.com"})).kind,
    }
    assert ends == {Kind.APPLIED, Kind.SCHEDULED, Kind.IGNORED, Kind.DEAD_LETTERED}
    assert await bench.contents() == before
    calls = [call.endpoint for call in bench.sandbox.calls(KEY)]
    assert calls
    assert all(call.startswith("GET ") for call in calls), calls


async def test_of_somebody_new_all_calls_are_told_and_what_kit_lacks(bench: Bench) -> None:
    tried = await bench.tries(plan="Gold")
    assert (tried.kind, tried.kit.person, tried.email) == (Kind.APPLIED, None, EMAIL)
    assert tags(tried) == {"Lead": (False, False), "Customer": (True, False), "Gold": (True, False)}
    assert [call.call for call in tried.calls] == [
        "POST /v4/subscribers",
        "POST /v4/tags/{Customer}/subscribers/{id}",
        "POST /v4/tags/{Gold}/subscribers/{id}",
    ]


async def test_what_kit_has_by_its_own_answers_is_not_sent_and_what_it_lost_shows(bench: Bench) -> None:
    """Given a tag that Kit was said to have, and has no more, no call is made, which is told beside it."""
    await bench.met(ada("Customer", at=Clock().time() + 60, Plan="Gold", mk_user_id=USER), Plan="Gold")
    tried = await bench.tries(plan="Gold")
    assert tags(tried)["Customer"] == (True, False)
    assert "customer" in tried.asks - tried.told
    assert [call.call for call in tried.calls] == [
        "DELETE /v4/tags/{Lead}/subscribers/{id}",
        "POST /v4/tags/{Gold}/subscribers/{id}",
    ]


async def test_newer_events_that_are_known_stand(bench: Bench) -> None:
    """Given a newer event that gave the tag, an older one that takes it off changes nothing of it."""
    await bench.met(ada("Lead", number=20), "Lead")
    tried = await bench.tries()
    assert tags(tried)["Lead"][0] is True
    assert tags(tried)["Customer"][0] is True
    lead = next(tag for tag in tried.tags if tag.name == "Lead")
    assert lead.cause is not None
    assert lead.cause.event_time > tried.event_time
    assert "lead" in tried.asks - tried.told


async def test_of_nothing_new_nothing_would_be_done(bench: Bench) -> None:
    record = ada("Customer", "Lead", "Gold", number=20, Plan="x", mk_user_id=USER)
    await know(bench.folder, record)
    tried = await bench.tries("order.paid", user={"email": EMAIL})
    assert (tried.kind, tried.calls) == (Kind.SUPERSEDED, ())
    assert tags(tried) == dict.fromkeys(("Customer", "Lead", "Gold"), (True, False))


async def test_a_copy_of_what_was_applied_is_a_duplicate(bench: Bench) -> None:
    record = ada("Customer")
    time = (NOON + timedelta(seconds=9)).isoformat()
    body = json.dumps({"id": "e-9", "type": "order.paid", "time": time, "data": {}}).encode()
    mark = event_mark(
        decode(Delivery(body, "order.paid.sunny", received_at=datetime.now(UTC)), arrival=1, apps=("sunny",))
    )
    assert mark is not None
    record.see(mark)
    await know(bench.folder, record)
    assert (await bench.tries()).kind is Kind.DUPLICATE


async def test_an_identity_conflict_is_told_in_its_own_words(bench: Bench) -> None:
    await know(bench.folder, ada("Customer"))
    tried = await bench.tries(user={"email": "other@example.com", "id": USER})
    assert tried.kind is Kind.DEAD_LETTERED
    assert "this user.id is known by another address" in tried.detail


async def test_a_new_address_is_a_call(bench: Bench) -> None:
    await bench.met(ada("Customer"), "Customer")
    tried = await bench.tries("user.updated", user={"email": "new@example.com", "id": USER})
    assert (tried.kind, tried.email) == (Kind.APPLIED, "new@example.com")
    assert tried.calls[0].what == "change the address to new@example.com"


@pytest.mark.parametrize("state", ["active", "inactive"])
async def test_a_new_address_that_kit_has_already_is_told_with_whoever_is_there(
    bench: Bench, state: str
) -> None:
    """Given somebody there who gets mail, the old address gets none any more; else it may be all there is."""
    await bench.met(ada("Customer"), "Customer")
    there = bench.sandbox.account(KEY).add_subscriber("new@example.com", state=state, tags=["Lead"])
    tried = await bench.tries("user.updated", user={"email": "new@example.com", "id": USER})
    assert tried.kit.person is not None
    assert (tried.email, tried.kit.person.id, tried.moves) == ("new@example.com", there, True)
    assert tags(tried) == {"Customer": (True, False), "Lead": (None, True)}
    ends = [call for call in tried.calls if call.call == "POST /v4/subscribers/{id}/unsubscribe"]
    assert len(ends) == (state == "active")


async def test_an_address_that_kit_may_not_have_yet_is_sent_once_more(bench: Bench) -> None:
    """Given a worker that ended before Kit had answered to the new address, the next event tells it again."""
    record = ada("Customer")
    record.moving = True
    await bench.met(record, "Customer")
    tried = await bench.tries()
    assert (tried.calls[0].call, tried.calls[0].what) == ("PUT /v4/subscribers/{id}", f"keep {EMAIL}")


async def test_where_too_many_have_another_address_of_late_no_more_may_have_one(bench: Bench) -> None:
    await bench.met(ada("Customer"), "Customer")
    now = bench.ledger.clock.time()
    moved = [Person(f"u-{at}", f"person{at}@example.com", now - at) for at in range(FEW)]
    tenure = await bench.ledger.take("sunny", apps=("sunny",))
    await bench.ledger.save(tenure, Batch(people=moved))
    tried = await bench.tries("user.updated", user={"email": "new@example.com", "id": USER})
    assert (tried.kind, tried.moves) == (Kind.DEAD_LETTERED, False)
    assert f"{FEW} addresses changed within an hour" in tried.detail


async def test_what_kit_said_before_a_holder_left_without_a_word_is_not_relied_on(bench: Bench) -> None:
    """Given that Kit told of a tag moments before the account was taken anew, the tag is sent again."""
    await bench.met(ada("Customer", at=Clock().time() - 10), "Customer")
    assert "POST /v4/tags/{Customer}/subscribers/{id}" in [call.call for call in (await bench.tries()).calls]


async def test_a_tag_that_kit_lacked_may_have_been_made_there_since(bench: Bench) -> None:
    """Given that there was no tag to take off when Kit was last asked, nobody knows whether there is one."""
    record = ada("Customer", at=Clock().time() + 60)
    record.note(change(1, remove=("Lead",)), Clock().time() + 60, {})
    record.kit_id = bench.sandbox.account(KEY).add_subscriber(EMAIL, tags=["Customer"])
    await know(bench.folder, record)
    off = [call for call in (await bench.tries()).calls if call.call.startswith("DELETE")]
    assert [(call.call, call.only) for call in off] == [
        ("DELETE /v4/tags/{Lead}/subscribers/{id}", IF_THE_TAG_IS_THERE)
    ]


async def test_what_an_event_says_of_a_subscription_and_of_the_name_is_told(bench: Bench) -> None:
    await bench.met(ada("Active Member"))
    bench.sandbox.account(KEY).add_subscriber(EMAIL, first_name="Ada")
    user = {"email": EMAIL, "id": USER, "first_name": "Ada"}
    tried = await bench.tries("subscription.started", user=user, subscription={"id": "s-1", "plan": "Gold"})
    assert {"active member", "cancelled", "mk_subscription_plan", "first_name"} <= tried.asks
    (name,) = (row for row in tried.fields if row.name == "first_name")
    assert (name.wanted, name.in_kit) == ("Ada", "Ada")


async def test_what_no_event_is_of_somebody_forgotten_is_ignored_as_a_worker_does(bench: Bench) -> None:
    """Given a message without a valid time, it is a dead letter; or not, where its person was forgotten."""
    body = {"id": "e-9", "type": "order.paid", "time": "noon", "data": {"user": {"email": EMAIL, "id": USER}}}
    message = Delivery(json.dumps(body).encode(), "order.paid.sunny", received_at=NOON)
    trying = Trying(bench.account, bench.ledger, bench.kit, 3600.0)
    await know(bench.folder, ada("Customer"))
    assert (await trying.event(message)).kind is Kind.DEAD_LETTERED
    await forget(bench.ledger, EMAIL, ["sunny"])
    assert (await trying.event(message)).kind is Kind.FORGOTTEN


async def test_who_was_forgotten_is_told_and_nothing_of_the_person(bench: Bench) -> None:
    await know(bench.folder, ada("Customer"))
    await forget(bench.ledger, EMAIL, ["sunny"])
    tried = await bench.tries()
    assert (tried.kind, tried.email, tried.tags) == (Kind.FORGOTTEN, "", ())


@pytest.mark.parametrize(
    ("kind", "data", "end", "detail"),
    [
        ("order.later", {"at": "2100-01-01T00:00:00Z"}, Kind.SCHEDULED, "2100-01-01T00:00:00Z"),
        ("order.unknown", {}, Kind.IGNORED, "does not map"),
        ("order.paid", {"user": {}}, Kind.DEAD_LETTERED, "data.user.email: missing"),
        ("order.paid", {"user": {"email": "nobody"}}, Kind.DEAD_LETTERED, "not an email address"),
    ],
)
async def test_each_end_has_its_reason(
    bench: Bench, kind: str, data: dict[str, Any], end: Kind, detail: str
) -> None:
    tried = await bench.tries(kind, **data)
    assert tried.kind is end
    assert detail in tried.detail


async def test_where_kit_does_not_answer_all_the_rest_is_told(bench: Bench) -> None:
    bench.sandbox.fail("status", status=503)
    tried = await bench.tries()
    assert (tried.kind, len(tried.calls)) == (Kind.APPLIED, 3)
    assert "503" in tried.kit.problem


async def test_what_no_event_is_says_why(bench: Bench) -> None:
    tried = await Trying(bench.account, bench.ledger, bench.kit, 3600.0).event(
        Delivery(b"?", "order.paid.sunny")
    )
    assert (tried.kind, tried.preview.reason) == (Kind.DEAD_LETTERED, Reason.UNDECODABLE)


async def test_what_would_be_held_is_told_and_is_no_call(bench: Bench) -> None:
    """Given an account of which all tags are held, the event is applied but for these."""
    options = dataclasses.replace(bench.account.options, max_new_taggings_per_hour=0)
    bench.account = dataclasses.replace(bench.account, options=options)
    tried = await bench.tries(plan="Gold")
    assert tried.held == ("Customer", "Gold")
    assert not any(call.call.startswith("POST /v4/tags") for call in tried.calls)
    assert verdict_on(tried).endswith("held until somebody allows it: 'Customer' and 'Gold'.")
