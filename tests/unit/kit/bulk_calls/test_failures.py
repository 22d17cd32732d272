"""When Kit fails in bulk calls: what was done is known, and everybody ends as by single calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import change
from tests.unit.kit.bulk_calls.together import BULK_VALUES, LOGIN, email, people, settle
from tests.unit.kit.harness import Account, account
from worker.errors import CredentialRefused, KitUnavailable, RateLimited
from worker.kit.answers import Answer
from worker.mapping import Options
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import merge_all


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
