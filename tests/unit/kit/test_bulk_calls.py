"""Changes of many people at once: as many in a call as Kit allows, and each person settled by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pydantic import SecretStr

from tests.unit.examples import change, order
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
from worker.errors import CredentialRefused, KitRejected, KitUnavailable, RateLimited, TryLater
from worker.kit.answers import Answer
from worker.kit.auth.login import Login, api_key_login, token_login
from worker.kit.single_calls import NEWLY_TAGGED
from worker.mapping import Options
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import Change, merge_all
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

LOGIN = token_login(SecretStr(KEY))
BULK_SUBSCRIBERS = "POST /v4/bulk/subscribers 200"
BULK_VALUES = "POST /v4/bulk/custom_fields/subscribers 200"
BULK_TAGS = "POST /v4/bulk/tags/subscribers 200"
BULK_OFF = "DELETE /v4/bulk/tags/subscribers 200"


@pytest.fixture
async def of() -> AsyncIterator[Account]:
    """An account with OAuth whose bulk answers come in any order."""
    async with account(login=LOGIN) as made:
        made.sandbox.bulk.shuffled = True
        yield made


def people(count: int) -> list[Subscriber]:
    return [Subscriber(Record(f"p{number}@example.com")) for number in range(count)]


def email(number: int) -> str:
    return f"p{number}@example.com"


async def settle(of: Account, asked: Mapping[Subscriber, Change]) -> Counter[str]:
    """Apply changes as a session does: together, then by itself whoever is left; what kept it, counted."""
    kept: Counter[str] = Counter()
    waiting = dict(asked)
    while waiting:
        end = await of.writer.apply_together(list(waiting.items()))
        assert end.error is None or not (end.done or end.alone)
        kept["error"] += end.error is not None
        kept["alone"] += len(end.alone)
        for subscriber in end.done:
            del waiting[subscriber]
        for subscriber in end.alone:
            try:
                await of.writer.apply(subscriber, waiting[subscriber])
            except TryLater:
                kept["alone later"] += 1
            else:
                del waiting[subscriber]
    return kept


# -- how many calls -----------------------------------------------------------------------------------------


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


# -- who is left to single calls ----------------------------------------------------------------------------


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


# -- when Kit fails -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.QUEUE_FULL, RateLimited),
        (FaultKind.RATE_LIMITED, RateLimited),
        (FaultKind.STATUS, KitUnavailable),
        (FaultKind.HTML, KitUnavailable),
        (FaultKind.CUT_JSON, KitUnavailable),
        (FaultKind.EMPTY, KitUnavailable),
        (FaultKind.LOGIN, KitUnavailable),
        (FaultKind.RESET, KitUnavailable),
        (FaultKind.UNAUTHORIZED, CredentialRefused),
    ],
)
@pytest.mark.parametrize("stage", ["subscribers", "custom_fields/subscribers", "tags/subscribers"])
async def test_a_call_that_fails_is_told_and_the_next_try_goes_on_from_there(
    of: Account, kind: FaultKind, error: type[Exception], stage: str
) -> None:
    asked = {each: change(add=("VIP",), fields={"plan": "Annual"}) for each in people(150)}
    of.sandbox.fail(kind, path=f"/v4/bulk/{stage}", times=1, applied=True)
    end = await of.writer.apply_together(list(asked.items()))
    assert isinstance(end.error, error)
    assert len(end.failed) in {50, 100}
    assert not end.done
    assert not end.alone
    of.calls()

    assert (await settle(of, asked))["error"] == 0
    again = Counter(of.calls())
    assert again[f"POST /v4/bulk/{stage} 200"] == 1  # what the other call did was noted
    assert {each.tags for each in of.kit.subscribers().values()} == {frozenset({"VIP"})}


@pytest.mark.parametrize("careful", [False, True])
async def test_a_single_call_that_fails_is_told_as_well(of: Account, *, careful: bool) -> None:
    subscribers = people(3)
    await settle(of, {each: change(1) for each in subscribers[1:]})
    of.sandbox.fail(FaultKind.RESET, path="/v4/subscribers", method="POST", times=1)
    asked = [(each, change(2, add=("VIP",))) for each in subscribers]
    end = await of.writer.apply_together(asked, one_at_a_time=careful)
    assert isinstance(end.error, KitUnavailable)
    assert (end.failed, end.done, end.alone) == ({subscribers[0]}, [], [])
    assert (await of.writer.apply_together(asked)).done == subscribers


async def test_who_may_have_been_created_by_a_call_without_an_answer_counts_as_new(of: Account) -> None:
    """Given names are for new people only by then."""
    subscribers = people(3)
    of.sandbox.fail(FaultKind.RESET, path="/v4/bulk/subscribers", times=1, applied=True)
    end = await of.writer.apply_together([(each, change()) for each in subscribers])
    assert end.failed == set(subscribers)
    of.catalog.options = Options(first_name="if_created")
    await settle(of, {each: change(2, first_name="Ada") for each in subscribers})
    assert {each.first_name for each in of.kit.subscribers().values()} == {"Ada"}


async def test_of_two_errors_at_once_the_refused_credential_is_told(of: Account) -> None:
    of.sandbox.fail(FaultKind.RESET, path="/v4/bulk/subscribers", times=1)
    of.sandbox.fail(FaultKind.UNAUTHORIZED, path="/v4/bulk/subscribers", times=1)
    end = await of.writer.apply_together([(each, change(add=("VIP",))) for each in people(250)])
    assert isinstance(end.error, CredentialRefused)
    assert len(end.failed) in {150, 200}


async def test_a_bug_is_raised_once_the_other_calls_have_ended(of: Account) -> None:
    """Given a crash in one call, what the others did is noted, for the single calls that follow."""
    call, crashes = of.client.call, iter([True, False, False])

    async def crashing(*arguments: Any, **options: Any) -> Answer:  # noqa: ANN401  # as it is called
        if next(crashes):
            raise ZeroDivisionError
        return await call(*arguments, **options)

    of.client.call = crashing  # type: ignore[method-assign]
    subscribers = people(250)
    with pytest.raises(ZeroDivisionError):
        await of.writer.apply_together([(each, change(first_name="Ada")) for each in subscribers])
    assert sum(each.record.kit_id is not None for each in subscribers) == 150


async def test_to_find_out_if_kit_works_one_call_is_made_at_a_time(of: Account) -> None:
    """Given a call that fails, no other follows it, and what was not sent is not in doubt."""
    of.relied_on = 0.0
    subscribers = people(250)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    of.sandbox.fail(FaultKind.RESET, path="/v4/bulk/tags/subscribers", method="DELETE", times=1, applied=True)
    of.sandbox.fail(FaultKind.RESET, path="/v4/bulk/custom_fields/*", times=1)
    off = {each: change(2, remove=("VIP",), fields={"plan": "x"}) for each in subscribers}
    of.calls()
    end = await of.writer.apply_together(list(off.items()), one_at_a_time=True)
    assert len(end.failed) == 100
    assert [call for call in of.calls() if "/bulk/" in call] == [BULK_VALUES.replace("200", "None")]
    assert sum(bool(each.record.has_answers_since(1.0)) for each in subscribers) == 250
    await settle(of, off)
    assert {each.tags for each in of.kit.subscribers().values()} == {frozenset()}


async def test_a_call_that_is_cut_off_leaves_its_parts_in_doubt(of: Account) -> None:
    of.relied_on = 0.0
    subscribers = people(5)
    await settle(of, {each: change(1, add=("VIP",)) for each in subscribers})
    of.sandbox.fail(FaultKind.RESET, path="/v4/bulk/tags/subscribers", method="DELETE", times=1, applied=True)
    off = {each: change(2, remove=("VIP",), fields={"plan": "x"}) for each in subscribers}
    assert (await of.writer.apply_together(list(off.items()))).error is not None
    on = {each: merge_all([asked, change(3, add=("VIP",))]) for each, asked in off.items()}
    await settle(of, on)
    assert {each.tags for each in of.kit.subscribers().values()} == {frozenset({"VIP"})}


FAULTS = st.builds(
    Fault,
    st.sampled_from(
        [FaultKind.STATUS, FaultKind.RESET, FaultKind.ENTRIES, FaultKind.CUT_JSON, FaultKind.RATE_LIMITED]
    ),
    applied=st.booleans(),
)
TAGS = st.frozensets(st.sampled_from(["A", "B", "C"]), max_size=2)


@settings(max_examples=60)
@given(
    rounds=st.lists(
        st.lists(st.tuples(TAGS, TAGS, st.sampled_from(["x", "y", None, ""])), min_size=4, max_size=4),
        min_size=1,
        max_size=4,
    ),
    faults=st.lists(st.tuples(FAULTS, st.integers(0, 6), st.integers(1, 3)), max_size=4),
)
def test_together_or_one_by_one_everybody_ends_the_same(
    rounds: list[list[tuple[frozenset[str], frozenset[str], str | None]]],
    faults: list[tuple[Fault, int, int]],
) -> None:
    """Given any changes and any faults, all is as if each person's changes were applied in order."""

    async def main() -> None:
        async with account(login=LOGIN) as of:
            of.relied_on = 0.0
            of.sandbox.bulk.shuffled = True
            for fault, skip, times in faults:
                of.sandbox.faults.add(Rule(fault, path="/v4/*subscribers*", skip=skip, times=times))
            subscribers = people(4)
            wanted: list[tuple[set[str], str | None]] = [(set(), None) for _ in subscribers]
            for number, asked in enumerate(rounds, 1):
                changes = {}
                for index, (each, (add, remove, value)) in enumerate(zip(subscribers, asked, strict=True)):
                    fields = {} if value == "" else {"plan": value}
                    taken = tuple(sorted(remove - add))
                    changes[each] = change(number, add=tuple(sorted(add)), remove=taken, fields=fields)
                    tags, before = wanted[index]
                    wanted[index] = ((tags - remove) | add, before if value == "" else value)
                await settle(of, changes)
            found = [of.kit.subscriber(email(number)) for number in range(4)]
            assert [(set(each.tags), each.fields.get("plan")) for each in found] == wanted

    asyncio.run(main())
