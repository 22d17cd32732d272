"""Who is left to single calls: whom a bulk call cannot serve, or does not say enough about."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.examples import change, order
from tests.unit.kit.bulk_calls.together import LOGIN, email, people, settle
from tests.unit.kit.harness import Account, account
from worker.errors import KitRejected
from worker.mapping import Options
from worker.sandbox import FaultKind
from worker.subscribers.parts import Part


async def test_where_names_are_for_new_people_only_each_is_created_by_itself() -> None:
    """Whether somebody was new, the answer of a bulk call does not say."""
    async with account(Options(first_name="if_created"), login=LOGIN) as of:
        of.kit.add_subscriber(email(0), first_name="By hand")
        await settle(of, {each: change(first_name="Ada", add=("VIP",)) for each in people(3)})
        names = [of.kit.subscriber(email(number)).first_name for number in range(3)]
        assert names == ["By hand", "Ada", "Ada"]


@pytest.mark.parametrize("what", ["subscriber", "tag", "custom field"])
async def test_what_was_deleted_in_kit_is_made_again(of: Account, what: str) -> None:
    subscribers = people(4)
    await settle(of, {each: change(1, add=("VIP",), fields={"plan": "Annual"}) for each in subscribers})
    if what == "subscriber":
        of.kit.delete_subscriber(email(1))
    elif what == "tag":
        of.kit.delete_tag("VIP")
    else:
        of.kit.delete_custom_field("plan")
    asked = {each: change(2, add=("VIP", "New"), fields={"plan": "Monthly"}) for each in subscribers}
    await settle(of, asked)
    found = of.kit.subscribers().values()
    assert len(found) == 4
    assert {(each.tags, *each.fields.items()) for each in found} == {
        (frozenset({"VIP", "New"}), ("plan", "Monthly"))
    }


async def test_somebody_whose_address_is_another_ones_by_now_gets_everything_again(of: Account) -> None:
    subscribers = people(3)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    of.kit.delete_subscriber(email(1))
    of.kit.add_subscriber(email(1))
    kept = await settle(of, {each: change(2, first_name="Ada") for each in subscribers})
    assert kept["alone"] == 1
    assert {(each.tags, each.first_name) for each in of.kit.subscribers().values()} == {
        (frozenset({"VIP"}), "Ada")
    }


async def test_whoever_moves_does_so_by_single_calls(of: Account) -> None:
    subscribers = people(3)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    asked = {each: change(2, add=("New",)) for each in subscribers}
    asked[subscribers[1]] = replace(asked[subscribers[1]], address=Part("moved@example.com", order(2)))
    assert (await settle(of, asked))["alone"] == 1
    assert {email: each.tags for email, each in of.kit.subscribers().items()} == {
        address: {"VIP", "New"} for address in (email(0), "moved@example.com", email(2))
    }


async def test_who_is_left_is_still_owed_what_was_owed(of: Account) -> None:
    subscribers = people(3)
    for each in subscribers:
        each.record.owed = change(1, add=("Owed",))
    of.sandbox.fail(FaultKind.ENTRIES, email=email(1), path="/v4/bulk/subscribers", times=1)
    assert (await settle(of, {each: change(2, add=("VIP",)) for each in subscribers}))["alone"] == 1
    assert {each.tags for each in of.kit.subscribers().values()} == {frozenset({"Owed", "VIP"})}


async def test_whom_nobody_creates_is_left_to_single_calls_which_look_for_the_person(of: Account) -> None:
    subscribers = people(3)
    asked = [(each, replace(change(add=("VIP",)), creates=None, ensure=None)) for each in subscribers]
    end = await of.writer.apply_together(asked)
    assert (end.alone, end.done) == (subscribers, [])
    assert of.calls() == []


async def test_whom_kit_refuses_is_found_by_single_calls_and_nobody_else(of: Account) -> None:
    """Given an address that Kit does not take, in a request with others, only that one is refused."""
    of.sandbox.fail(FaultKind.ENTRIES, email=email(2))
    of.sandbox.fail(FaultKind.STATUS, status=422, path="/v4/subscribers", method="POST")
    subscribers = people(5)
    asked = {each: change(add=("VIP",)) for each in subscribers}
    end = await of.writer.apply_together(list(asked.items()))
    assert end.alone == [subscribers[2]]
    with pytest.raises(KitRejected):
        await of.writer.apply(subscribers[2], asked[subscribers[2]])
    assert of.kit.subscribers().keys() == {email(number) for number in (0, 1, 3, 4)}


async def test_where_kit_refuses_the_whole_call_single_calls_show_whose_fault_it_is(of: Account) -> None:
    """Given a plan with room for two more people, two of five are taken, and the others refused."""
    of.kit.account.plan = of.kit.account.plan.__class__(subscriber_limit=2)
    subscribers = people(5)
    asked = {each: change(add=("VIP",)) for each in subscribers}
    end = await of.writer.apply_together(list(asked.items()))
    assert set(end.alone) == set(subscribers)
    for each in subscribers[:2]:
        await of.writer.apply(each, asked[each])
    for each in subscribers[2:]:
        with pytest.raises(KitRejected, match="subscriber limit"):
            await of.writer.apply(each, asked[each])


async def test_whom_a_single_call_refuses_is_left_too(of: Account) -> None:
    """Given one new person among people who are known, whom Kit does not take, the others are done."""
    subscribers = people(3)
    await settle(of, {each: change(1) for each in subscribers[1:]})
    of.sandbox.fail(FaultKind.STATUS, status=422, path="/v4/subscribers", method="POST")
    end = await of.writer.apply_together([(each, change(2, add=("VIP",))) for each in subscribers])
    assert (end.alone, end.done) == (subscribers[:1], subscribers[1:])


@pytest.mark.parametrize("count", [1, 3])
async def test_what_may_not_be_made_is_refused_and_all_else_done(count: int) -> None:
    async with account(Options(create_missing=False), login=LOGIN) as of:
        of.kit.add_tag("VIP")
        subscribers = people(count + 2)
        asked = {each: change(add=("VIP",)) for each in subscribers}
        asked[subscribers[0]] = change(add=("VIP", "Unknown"))
        asked[subscribers[1]] = change(add=("VIP",), fields={"unknown": "x"})
        end = await of.writer.apply_together(list(asked.items()))
        assert (end.alone, end.done) == ([], subscribers)
        assert {each.record.email: part.what for each, parts in end.refused.items() for part in parts} == {
            email(0): "the tag 'Unknown'",
            email(1): "the custom field 'unknown'",
        }
        assert {each.tags for each in of.kit.subscribers().values()} == {frozenset({"VIP"})}
