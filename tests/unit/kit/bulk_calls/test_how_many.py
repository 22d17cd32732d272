"""Changes of many people at once: as many in a call as Kit allows, and each person settled by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.unit.examples import change, order
from tests.unit.kit.bulk_calls.together import BULK_VALUES, LOGIN, email, people, settle
from tests.unit.kit.harness import (
    CREATED,
    KEY,
    LIST_FIELDS,
    LIST_TAGS,
    NEW_FIELD,
    NEW_TAG,
    TAGGED,
    UNTAGGED,
    WRITTEN,
    Account,
    account,
)
from worker.in_turns import AT_ONCE
from worker.kit.auth.login import Login, api_key_login
from worker.kit.single_calls import NEWLY_TAGGED
from worker.sandbox import FaultKind
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

BULK_SUBSCRIBERS = "POST /v4/bulk/subscribers 200"

BULK_TAGS = "POST /v4/bulk/tags/subscribers 200"
BULK_OFF = "DELETE /v4/bulk/tags/subscribers 200"


async def test_two_hundred_and_fifty_people_take_three_calls_for_each_kind_of_entry(of: Account) -> None:
    asked = {each: change(add=("VIP",), fields={"plan": "Annual"}, first_name="Ada") for each in people(250)}
    await settle(of, asked)
    assert Counter(of.calls()) == {
        "GET /v4/tags 200": 1,
        "GET /v4/custom_fields 200": 1,
        "POST /v4/tags 201": 1,
        "POST /v4/custom_fields 201": 1,
        BULK_SUBSCRIBERS: 3,
        BULK_VALUES: 3,
        BULK_TAGS: 3,
    }
    found = of.kit.subscribers()
    assert len(found) == 250
    assert {(each.tags, each.first_name, *each.fields.items()) for each in found.values()} == {
        (frozenset({"VIP"}), "Ada", ("plan", "Annual"))
    }


async def test_of_each_tag_it_is_told_whether_it_is_a_new_one(of: Account) -> None:
    """Given people who got a tag by hand a while ago, in company Kit's times tell it of each tag."""
    subscribers = people(120)
    await settle(of, {each: change(1) for each in subscribers})
    kit, tag = of.kit, of.kit.add_tag("VIP")
    for number in range(5):
        row = kit.account.with_email(email(number))
        assert row is not None
        kit.account.memberships.tag(tag, row, time.time() - 60)

    await settle(of, {each: change(2, add=("VIP", "Guest")) for each in subscribers})

    told = [{call.what: call.status == NEWLY_TAGGED for call in each.calls[order(2)]} for each in subscribers]
    assert told == [{"tag 'VIP'": number >= 5, "tag 'Guest'": True} for number in range(120)]


async def test_newcomers_are_written_together_before_kit_is_called(of: Account) -> None:
    subscribers = people(120)
    writer = of.writer
    await writer.apply_together([(each, change()) for each in subscribers])
    assert len(of.batches) == 1

    for each in subscribers:
        each.is_written = True
    await writer.apply_together([(each, change(2, first_name="Ada")) for each in subscribers])
    assert len(of.batches) == 1


async def test_while_much_is_made_up_other_accounts_have_their_turn(of: Account) -> None:
    """Given many people for whom nothing is to be called, what is worked out of them is so in pieces."""
    subscribers, turns = people(10 * AT_ONCE), 0
    for each in subscribers:
        each.record.kit_id, each.is_written = 7, True
    trying = asyncio.create_task(of.writer.apply_together([(each, change()) for each in subscribers]))
    while not trying.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(trying.result().done) == len(subscribers)
    assert of.calls() == []
    assert turns >= 20, "ten before the calls, ten after them"


async def test_whose_address_is_in_doubt_is_left_alone(of: Account) -> None:
    first, second, *others = people(20)
    first.behind.add("old@example.com")
    second.record.moving = True
    end = await of.writer.apply_together([(each, change()) for each in (first, second, *others)])
    assert (end.alone, len(end.done)) == ([first, second], 18)


async def test_whoever_is_known_needs_no_upsert(of: Account) -> None:
    subscribers = people(120)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    of.calls()
    await settle(of, {each: change(2, remove=("VIP",), add=("Gone",)) for each in subscribers})
    assert Counter(of.calls()) == {"POST /v4/tags 201": 1, BULK_OFF: 2, BULK_TAGS: 2}
    assert {each.tags for each in of.kit.subscribers().values()} == {frozenset({"Gone"})}


async def test_what_kit_has_already_is_not_sent_again(of: Account) -> None:
    of.relied_on = 0.0
    subscribers = people(3)
    asked = {each: change(1, add=("VIP",), fields={"plan": "Annual"}) for each in subscribers}
    await settle(of, asked)
    of.calls()
    await settle(of, {each: change(2, add=("VIP",), fields={"plan": "Annual"}) for each in subscribers})
    assert of.calls() == []


async def test_where_single_calls_are_no_more_they_are_made(of: Account) -> None:
    """Given one person, a bulk call would carry one entry."""
    (subscriber,) = people(1)
    end = await of.writer.apply_together([(subscriber, change(add=("VIP",), fields={"plan": "Annual"}))])
    assert (end.alone, end.done, end.error) == ([], [subscriber], None)
    assert of.calls() == [LIST_FIELDS, NEW_FIELD, CREATED, LIST_TAGS, NEW_TAG, TAGGED]


async def test_an_entry_without_another_of_its_kind_is_a_single_call(of: Account) -> None:
    subscribers = people(3)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    of.calls()
    asked = {each: change(2, add=("New",)) for each in subscribers}
    asked[subscribers[0]] = change(2, add=("New",), remove=("VIP",), fields={"plan": "Annual"})
    end = await of.writer.apply_together(list(asked.items()))
    assert end.done == subscribers
    assert of.calls() == [LIST_FIELDS, NEW_FIELD, WRITTEN, UNTAGGED, NEW_TAG, BULK_TAGS]
    assert of.kit.subscriber(email(0)).fields == {"plan": "Annual"}


async def test_the_only_one_who_is_new_has_no_tags_to_take_off(of: Account) -> None:
    """Given a single call among bulk calls has created somebody, its answer says so."""
    of.kit.add_tag("Old")
    known, new = people(3)[:2], Subscriber(Record("new@example.com"))
    await settle(of, {each: change(1, add=("VIP",)) for each in known})
    of.calls()
    asked = {each: change(2, add=("VIP",), remove=("Old",), fields={"plan": "x"}) for each in [*known, new]}
    end = await of.writer.apply_together(list(asked.items()))
    assert end.done == [*known, new]
    written = [call for call in of.calls() if not call.startswith("GET")]
    assert written == [CREATED, NEW_FIELD, BULK_VALUES, BULK_OFF, BULK_TAGS]
    for each, off in ((known[0], True), (new, False)):
        assert ("tag 'Old' off" in [call.what for call in each.calls[order(2)]]) is off
    assert new.record.tags["old"].part.value.present is False


async def test_an_account_with_an_api_key_has_single_calls_only() -> None:
    async with account() as of:
        subscribers = people(3)
        end = await of.writer.apply_together([(each, change(add=("VIP",))) for each in subscribers])
        assert (end.alone, end.done, end.error) == (subscribers, [], None)
        assert of.calls() == []


SOME = st.fixed_dictionaries(
    {
        "add": st.sets(st.sampled_from("AB")).map(tuple),
        "remove": st.sets(st.sampled_from("CD")).map(tuple),
        "fields": st.sampled_from([0, 1, 10, 11, 21]).map(
            lambda n: {f"f{number}": "x" for number in range(n)}
        ),
        "first_name": st.none() | st.just("Ada"),
    }
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), SOME), min_size=1, max_size=6))
def test_together_it_takes_no_more_calls_than_one_by_one(asked: list[tuple[bool, dict[str, Any]]]) -> None:
    """Given some of the people are known already, and some are new."""

    async def calls_of(login: Login) -> int:
        async with account(login=login) as of:
            for name in "ABCD":
                of.kit.add_tag(name)
            subscribers = people(len(asked))
            for each, (is_known, _) in zip(subscribers, asked, strict=True):
                if is_known:
                    await of.writer.apply(each, change(1))
            for number in range(21):
                await of.catalog.field(f"f{number}")
            await of.catalog.listed()
            of.calls()
            changes = [
                (each, change(2, **wanted)) for each, (_, wanted) in zip(subscribers, asked, strict=True)
            ]
            end = await of.writer.apply_together(changes)
            assert end.done == ([] if end.alone else subscribers)
            for each, wanted in changes:
                if each in end.alone:
                    await of.writer.apply(each, wanted)
            return len(of.calls())

    async def main() -> None:
        assert await calls_of(LOGIN) <= await calls_of(api_key_login(SecretStr(KEY)))

    asyncio.run(main())


async def test_tags_come_last_and_only_for_whom_all_else_is_done(of: Account) -> None:
    """Given a field that Kit does not take for one person, that one gets no tag, and no email, before it."""
    rule = of.sandbox.fail(FaultKind.ENTRIES, email=email(1), path="/v4/bulk/custom_fields/*", times=1)
    asked = {each: change(add=("VIP",), remove=("Old",), fields={"plan": "Annual"}) for each in people(3)}
    of.kit.add_tag("Old")
    end = await of.writer.apply_together(list(asked.items()))
    assert rule.struck == 1
    assert [each.record.email for each in end.alone] == [email(1)]
    assert of.kit.subscriber(email(1)).tags == frozenset()
    assert of.kit.subscriber(email(2)).tags == {"VIP"}
    calls = [call for call in of.calls() if "/bulk/" in call]
    assert calls == [BULK_SUBSCRIBERS, BULK_VALUES, BULK_OFF, BULK_TAGS]


async def test_a_tag_that_does_not_exist_need_not_be_taken_off_anybody_nor_be_made(of: Account) -> None:
    subscribers = people(3)
    await settle(of, {each: change(1) for each in subscribers})
    of.calls()
    await settle(of, {each: change(2, remove=("Never seen",)) for each in subscribers})
    assert of.calls() == [LIST_TAGS]
    assert of.kit.tags() == {}


async def test_values_are_cleared_together_with_others(of: Account) -> None:
    """An empty text clears a field, as in a single call: Kit's schema has texts only."""
    subscribers = people(3)
    await settle(of, {each: change(1, fields={"plan": "Annual"}) for each in subscribers})
    of.calls()
    fields = [{"plan": None if number else "New"} for number in range(3)]
    await settle(of, {each: change(2, fields=asked) for each, asked in zip(subscribers, fields, strict=True)})
    assert of.calls() == [BULK_VALUES]
    assert [of.kit.subscriber(email(number)).fields for number in range(3)] == [{"plan": "New"}, {}, {}]
