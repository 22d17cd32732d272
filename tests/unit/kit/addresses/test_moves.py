"""A person who changes the address while other events come, or calls fail; each of these once ended wrong."""

from __future__ import annotations

import pytest
import structlog

from tests.unit.examples import change
from tests.unit.kit.addresses.desk import NEW, OLD, Desk, subscriber_of
from tests.unit.kit.harness import WRITTEN, nobody_in_hand
from worker.errors import KitUnavailable
from worker.sandbox import Fault, FaultKind, Rule


async def test_an_older_event_that_comes_during_a_move_does_not_undo_it(desk: Desk) -> None:
    newer = desk.take(5, NEW)
    older = desk.take(3, OLD, "VIP")  # taken in before the move is done
    await desk.apply(newer)
    await desk.apply(older)
    assert desk.tags == {NEW: {"VIP"}}


async def test_a_way_back_that_a_crash_cut_off_is_made_after_it(desk: Desk) -> None:
    """Given a move, and a newer one back to the old address, the second is not done before a crash."""
    there = desk.take(2, NEW)
    desk.take(3, OLD)
    await desk.apply(there)
    desk.of.in_hand = nobody_in_hand()

    await desk.apply(desk.take(3, OLD))

    assert desk.tags == {OLD: set()}


async def test_a_tag_whose_answer_was_lost_does_not_stay_at_the_old_address(desk: Desk) -> None:
    """Given a gift that landed unanswered, then a move to an address that Kit has, only that one has it."""
    desk.of.kit.add_subscriber(NEW)
    desk.of.sandbox.faults.add(
        Rule(Fault(FaultKind.RESET, applied=True), path="/v4/tags/*/subscribers/*", times=1)
    )
    gift = desk.take(4, OLD, "Gold")
    with pytest.raises(KitUnavailable):
        await desk.apply(gift)
    assert desk.tags == {OLD: {"Gold"}, NEW: set()}
    await desk.apply(gift, desk.take(5, NEW))
    assert desk.tags == {OLD: set(), NEW: {"Gold"}}


async def test_a_tag_in_doubt_does_not_stay_either(desk: Desk) -> None:
    """Given a removal that never landed and had no answer, the tag is taken off the old address."""
    desk.of.kit.add_subscriber(NEW)
    await desk.apply(desk.take(2, OLD, "Gold"))
    desk.of.sandbox.faults.add(
        Rule(Fault(FaultKind.RESET), method="DELETE", path="/v4/tags/*/subscribers/*", times=1)
    )
    subscriber = subscriber_of(desk.take(3, OLD))
    without = change(3, remove=("Gold",))
    with pytest.raises(KitUnavailable):
        await desk.of.writer.apply(subscriber, without)
    await desk.of.writer.apply(subscriber, without.merge(desk.take(4, NEW).change))
    assert desk.tags == {OLD: set(), NEW: set()}


async def test_the_old_address_is_unsubscribed_where_kit_has_the_new_one_already(desk: Desk) -> None:
    """Given two active subscribers, the person would get everything twice."""
    desk.of.kit.add_subscriber(NEW)
    await desk.apply(desk.take(2, OLD, "Gold"))
    desk.of.calls()
    item = desk.take(3, NEW)
    await desk.of.writer.apply(subscriber_of(item), item.change)
    calls = desk.of.calls()

    assert "the old address unsubscribed" in [call.what for call in desk.of.in_hand.let_go(item)]
    assert desk.tags == {OLD: set(), NEW: {"Gold"}}
    states = {email: person.state for email, person in desk.of.kit.subscribers().items()}
    assert states == {OLD: "cancelled", NEW: "active"}
    assert "POST /v4/subscribers/{id}/unsubscribe 204" in calls


@pytest.mark.parametrize("state", ["cancelled", "inactive", "bounced", "complained"])
async def test_the_old_address_stays_and_is_named_where_the_new_one_gets_no_mail(
    desk: Desk, state: str
) -> None:
    """Given nobody is reached at the new address, the old one may be all that is left: people decide."""
    desk.of.kit.add_subscriber(NEW, state=state)
    await desk.apply(desk.take(2, OLD, "Gold"))
    old_id = desk.of.kit.subscriber(OLD).id
    item = desk.take(3, NEW)
    with structlog.testing.capture_logs() as logs:
        await desk.of.writer.apply(subscriber_of(item), item.change)

    assert desk.of.kit.subscriber(OLD).state == "active"
    assert [(line["event"], line["kit_id"]) for line in logs] == [("old_address_left", old_id)]
    (said,) = [call.what for call in desk.of.in_hand.let_go(item) if "already" in call.what]
    assert said == f"email address, which Kit had already; the old one, subscriber {old_id}, still gets mail"


@pytest.mark.parametrize("applied", [False, True])
async def test_a_move_whose_unsubscribing_failed_is_done_again(desk: Desk, *, applied: bool) -> None:
    desk.of.kit.add_subscriber(NEW)
    fault = Fault(FaultKind.RESET, applied=applied)
    desk.of.sandbox.faults.add(Rule(fault, path="/v4/subscribers/*/unsubscribe", times=1))
    item = desk.take(3, NEW, "Gold")
    with pytest.raises(KitUnavailable):
        await desk.apply(item)
    await desk.apply(item)

    assert desk.tags == {OLD: set(), NEW: {"Gold"}}
    assert desk.of.kit.subscriber(OLD).state == "cancelled"


async def test_an_old_subscriber_who_is_deleted_meanwhile_is_in_nobodys_way(desk: Desk) -> None:
    desk.of.kit.add_subscriber(NEW)
    desk.of.sandbox.fail("status", status=404, path="/v4/subscribers/*/unsubscribe", times=1)
    await desk.apply(desk.take(3, NEW, "Gold"))
    assert desk.tags[NEW] == {"Gold"}


async def test_a_person_whose_address_was_changed_in_kit_stays_one(desk: Desk) -> None:
    """Given the creator corrected the address there, fields and name go to the same subscriber, by id."""
    kit_id = desk.of.kit.subscriber(OLD).id
    changed = {"email_address": "corrected@example.com"}
    await desk.of.client.call("PUT", "/v4/subscribers/{}", kit_id, json=changed)
    desk.of.calls()
    item = desk.take(2, OLD)
    asked = change(2, add=("Gold",), fields={"Plan": "Annual"}, first_name="Ada")
    await desk.of.writer.apply(subscriber_of(item), asked)

    assert desk.tags == {"corrected@example.com": {"Gold"}}
    person = desk.of.kit.subscriber("corrected@example.com")
    assert (person.first_name, person.fields) == ("Ada", {"plan": "Annual"})
    assert [call for call in desk.of.calls() if "/v4/subscribers" in call.split("tags")[0]] == [WRITTEN]
