"""When and in which order entries of bulk calls are done: as single calls, and those of large ones later."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sandbox.bulk_calls import SUBSCRIBERS, VALUES, bulk, upserted
from tests.unit.sandbox.harness import TOKEN, kit
from worker.sandbox import Call, Plan, Sandbox
from worker.sandbox.bulk import BulkSettings, BulkTerms
from worker.sandbox.bulk_endpoints import ROUTES
from worker.sandbox.endpoint import Incoming
from worker.sandbox.refusals import RefusalError
from worker.sandbox.state import Account
from worker.sandbox.subscriber_endpoints import create_subscriber


async def test_over_a_hundred_entries_are_done_later_and_all_of_them() -> None:
    now = 0.0
    emails = [f"p{number}@example.com" for number in range(101)]
    async with kit(Sandbox(wall=lambda: now)) as call:
        call.sandbox.bulk.delay = 30.0
        reply = await upserted(call, *emails)
        view = call.sandbox.account(TOKEN)
        now = 29.9
        before = len(view.subscribers())
        now = 30.0

        assert (reply.status, reply.json) == (202, {})
        assert before == 0
        assert view.subscribers().keys() == set(emails)
        assert (await upserted(call, *emails[:100])).status == 200


async def test_what_is_due_is_done_in_its_order_whatever_was_left_first() -> None:
    now = 0.0
    async with kit(Sandbox(wall=lambda: now)) as call:
        view = call.sandbox.account(TOKEN)
        fields = [view.add_custom_field(f"f{number}") for number in range(11)]
        person = view.add_subscriber("ada@example.com")
        value = {"subscriber_id": person, "subscriber_custom_field_id": fields[0], "value": "bulk"}
        await bulk(call, VALUES, *[value] * 101)
        many = {f"f{number}": "single" for number in range(11)}
        await call(
            "POST", "/v4/subscribers", {"email_address": "ada@example.com", "fields": many}, token=TOKEN
        )
        now = 1.0
        after_the_single = view.subscriber("ada@example.com").fields["f0"]
        now = 5.0

        assert (after_the_single, view.subscriber("ada@example.com").fields["f0"]) == ("single", "bulk")


async def test_the_queue_can_be_full() -> None:
    async with kit() as call:
        call.sandbox.fail("queue_full", path="/v4/bulk/*", times=1)
        reply = await upserted(call, "ada@example.com")

        assert reply.status == 413
        assert reply.json["errors"][0].startswith("This request exceeds your queued bulk requests limit")
        assert call.sandbox.account(TOKEN).subscribers() == {}


CALL = Call(1, 0.0, 0.0, "POST", SUBSCRIBERS, "", "A", "", "", "")


def account() -> Account:
    return Account(1, "A", itertools.count(10), 0.0, Plan())


def upsert(of: Account, items: Sequence[Mapping[str, object]], terms: BulkTerms) -> Any:  # noqa: ANN401  # JSON
    return ROUTES["POST /v4/bulk/subscribers"](of, Incoming(0.0, body={"subscribers": items}, bulk=terms))[1]


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {"email_address": st.sampled_from(["a@example.com", "A@example.com", "b@example.com", "c", "d@"])},
        optional={
            "first_name": st.sampled_from(["Ada", "", None]),
            "state": st.sampled_from(["active", "inactive", "asleep"]),
        },
    ),
    min_size=1,
    max_size=20,
)


@given(ENTRIES, st.sets(st.integers(0, 19)), st.booleans())
def test_bulk_does_what_singles_do_but_for_the_entries_that_are_struck(
    items: list[dict[str, object]],
    struck: set[int],
    shuffled: bool,  # hypothesis gives it
) -> None:
    in_bulk, by_singles = account(), account()
    numbers = itertools.count()
    sandbox = Sandbox()
    rule = sandbox.fail("entries", entry=lambda _: next(numbers) in struck)
    terms = BulkTerms(BulkSettings(shuffled=shuffled), lambda entry: sandbox.faults.strike(CALL, entry))

    body = upsert(in_bulk, items, terms)
    refused = 0
    for number, item in enumerate(items):
        try:
            if number not in struck:
                create_subscriber(by_singles, Incoming(0.0, body=item))
        except RefusalError:
            refused += 1

    assert in_bulk.subscribers.rows == by_singles.subscribers.rows
    assert rule.struck == len([number for number in struck if number < len(items)])
    assert len(body["failures"]) == refused + rule.struck
    assert len(body["subscribers"]) == len(items) - len(body["failures"])


async def test_shuffled_answers_hold_the_same_in_another_order_and_repeat_with_the_seed() -> None:
    emails = [f"p{number}@example.com" for number in range(30)]

    async def run(seed: int) -> list[str]:
        async with kit(Sandbox(seed=seed)) as call:
            call.sandbox.bulk.shuffled = True
            reply = await upserted(call, *emails)
            return [each["email_address"] for each in reply.json["subscribers"]]

    one, same, other = await run(1), await run(1), await run(2)

    assert one == same
    assert one not in (emails, other)
    assert sorted(one) == sorted(emails)
