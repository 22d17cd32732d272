"""Which calls an event would make now, beside what Kit has; nothing is done."""

from __future__ import annotations

import dataclasses

import pytest

from tests.unit.examples import EMAIL, change
from tests.unit.ops.trying.bench import KEY, Bench, tags
from tests.unit.page.known import USER, ada, know
from worker.clock import Clock
from worker.ops.foreseen import IF_THE_TAG_IS_THERE
from worker.ops.verdict import verdict_on
from worker.subscribers.item import Kind


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


async def test_where_kit_does_not_answer_all_the_rest_is_told(bench: Bench) -> None:
    bench.sandbox.fail("status", status=503)
    tried = await bench.tries()
    assert (tried.kind, len(tried.calls)) == (Kind.APPLIED, 3)
    assert "503" in tried.kit.problem


async def test_what_would_be_held_is_told_and_is_no_call(bench: Bench) -> None:
    """Given an account of which all tags are held, the event is applied but for these."""
    options = dataclasses.replace(bench.account.options, max_new_taggings_per_hour=0)
    bench.account = dataclasses.replace(bench.account, options=options)
    tried = await bench.tries(plan="Gold")
    assert tried.held == ("Customer", "Gold")
    assert not any(call.call.startswith("POST /v4/tags") for call in tried.calls)
    assert verdict_on(tried).endswith("held until somebody allows it: 'Customer' and 'Gold'.")
