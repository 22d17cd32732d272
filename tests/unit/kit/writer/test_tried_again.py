"""A change that failed in the middle goes on from there; one that is asked for anew is done anew."""

from __future__ import annotations

from typing import Final

import pytest

from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import TAGGED, UNTAGGED, WRITTEN, account
from tests.unit.kit.writer.given import TAG, failing, fields, known
from worker.clock import Clock
from worker.errors import CredentialRefused, KitUnavailable, RateLimited
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part


@pytest.mark.parametrize("step", range(10))
@pytest.mark.parametrize("applied", [False, True])
async def test_a_failure_at_any_step_costs_that_step_and_no_other(step: int, *, applied: bool) -> None:
    """Given any one call is answered 502, landed or not, then the next try goes on from there."""
    async with account() as of:
        of.kit.add_subscriber(EMAIL, tags=["Old", "Older"])
        asked = change(add=("A", "B"), remove=("Old", "Older"), fields={"Plan": "Annual"})
        of.sandbox.faults.add(failing(skip=step, applied=applied))
        subscriber = of.subscriber()

        with pytest.raises(KitUnavailable):
            await of.apply(asked, subscriber)
        first = of.calls()
        second = await of.apply(asked, subscriber)

        assert of.person.tags == {"A", "B"}
        assert of.person.fields == {"plan": "Annual"}
        done = [call for call in first + second if call.split()[-1] in {"200", "201", "204"}]
        assert sum(call.startswith("POST /v4/subscribers ") for call in done) == 1
        assert sum(call.startswith("DELETE") for call in done) == 2
        assert sum(call.startswith("POST /v4/tags/{") for call in done) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", KitUnavailable),
        ("html", KitUnavailable),
        ("empty", KitUnavailable),
        ("cut_json", KitUnavailable),
        ("cut_body", KitUnavailable),
        ("login", KitUnavailable),
        ("rate_limited", RateLimited),
        ("unauthorized", CredentialRefused),
        ("hang", KitUnavailable),
    ],
)
@pytest.mark.parametrize("applied", [False, True])
async def test_after_any_mishap_a_second_try_makes_the_change_true(
    kind: str, error: type[Exception], *, applied: bool
) -> None:
    async with account(timeout=1.0 if kind == "hang" else 15.0) as of:
        await known(of, "B")
        of.sandbox.fail(kind, path=TAG, times=1, applied=applied)
        subscriber, asked = of.subscriber(), change(add=("A",), remove=("B",))

        with pytest.raises(error):
            await of.apply(asked, subscriber)
        await of.apply(asked, subscriber)

        assert of.person.tags == {"A"}


async def test_a_removal_is_sent_though_the_addition_before_it_seemed_to_fail() -> None:
    """Given adding a tag landed but was answered 502, when a newer event removes it, then it is removed."""
    async with account() as of:
        subscriber = of.subscriber()
        of.sandbox.fail("status", path=TAG, times=1, applied=True)
        older = change(1, add=("VIP",))
        with pytest.raises(KitUnavailable):
            await of.apply(older, subscriber)
        assert of.person.tags == {"VIP"}

        calls = await of.apply(older.merge(change(2, remove=("vip",))), subscriber)

        assert calls == [UNTAGGED]
        assert of.person.tags == set()


async def test_more_than_ten_fields_are_not_sent_again_where_they_arrived() -> None:
    async with account() as of:
        for name in fields(25):
            of.kit.add_custom_field(name)
        of.sandbox.faults.add(failing(path="/v4/subscribers/*"))
        subscriber = of.subscriber()
        with pytest.raises(KitUnavailable):
            await of.apply(change(fields=fields(25)), subscriber)

        assert await of.apply(change(fields=fields(25)), subscriber) == [WRITTEN, WRITTEN]
        assert of.person.fields == fields(25)


RETAGGED: Final = "POST /v4/tags/{tag_id}/subscribers/{id} 200"


AGAIN: Final = Change(again=float("inf"), creates=Part("active", order(9)))


async def test_what_somebody_undid_in_kit_is_done_again_where_it_is_asked_for() -> None:
    """Given a tag off, one on and a field changed by hand, all is as the events said, each part as theirs."""
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("VIP", "Old"), fields={"Plan": "Gold"}, first_name="Ada"), subscriber)
        await of.apply(change(2, remove=("Old",)), subscriber)
        of.relied_on, before = 0.0, subscriber.record.done
        await of.client.call("DELETE", "/v4/tags/{}/subscribers/{}", of.kit.tags()["VIP"], of.person.id)
        of.kit.add_subscriber(EMAIL, first_name="?", fields={"plan": "?"}, tags=["Old"])
        assert of.person.tags == {"Old"}

        assert await of.apply(AGAIN, subscriber) == [WRITTEN, UNTAGGED, TAGGED]
        assert of.person.tags == {"VIP"}
        assert (of.person.fields["plan"], of.person.first_name) == ("Gold", "Ada")
        assert subscriber.record.done == before
        assert subscriber.record.owed == NOTHING


async def test_a_second_try_to_do_all_again_goes_on_from_the_first() -> None:
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("A", "B"), fields={"Plan": "Gold"}), subscriber)
        since = Change(again=Clock().time(), creates=Part("active", order(9)))
        of.relied_on = 0.0
        of.sandbox.faults.add(failing(path=TAG, skip=1))
        with pytest.raises(KitUnavailable):
            await of.apply(since, subscriber)

        assert of.calls()[-3:] == [WRITTEN, RETAGGED, "POST /v4/tags/{tag_id}/subscribers/{id} 502"]
        assert await of.apply(since, subscriber) == [RETAGGED]


async def test_whom_kit_lost_is_there_again_with_all_that_should_be_so() -> None:
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("VIP",), fields={"Plan": "Gold"}), subscriber)
        of.kit.delete_subscriber(EMAIL)

        await of.apply(AGAIN, subscriber)

        assert of.person.tags == {"VIP"}
        assert of.person.fields == {"plan": "Gold"}
