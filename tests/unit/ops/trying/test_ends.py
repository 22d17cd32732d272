"""How an event would end now, as a worker would judge it, and why."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.examples import EMAIL, NOON
from tests.unit.ops.trying.bench import Bench
from tests.unit.page.known import USER, ada, know
from worker.errors import Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.ledger.forgetting import forget
from worker.ops.trying import Trying
from worker.subscribers.item import Kind
from worker.subscribers.known import Batch, Person
from worker.subscribers.mark import event_mark
from worker.subscribers.move_guard import FEW


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


async def test_where_too_many_have_another_address_of_late_no_more_may_have_one(bench: Bench) -> None:
    await bench.met(ada("Customer"), "Customer")
    now = bench.ledger.clock.time()
    moved = [Person(f"u-{at}", f"person{at}@example.com", now - at) for at in range(FEW)]
    tenure = await bench.ledger.take("sunny", apps=("sunny",))
    await bench.ledger.save(tenure, Batch(people=moved))
    tried = await bench.tries("user.updated", user={"email": "new@example.com", "id": USER})
    assert (tried.kind, tried.moves) == (Kind.DEAD_LETTERED, False)
    assert f"{FEW} addresses changed within an hour" in tried.detail


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


async def test_what_no_event_is_says_why(bench: Bench) -> None:
    tried = await Trying(bench.account, bench.ledger, bench.kit, 3600.0).event(
        Delivery(b"?", "order.paid.sunny")
    )
    assert (tried.kind, tried.preview.reason) == (Kind.DEAD_LETTERED, Reason.UNDECODABLE)
