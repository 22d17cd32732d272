"""What counts only for people whom the writer creates: their state, and a first name that others keep."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import (
    CREATED,
    LIST_FIELDS,
    LIST_TAGS,
    NEW_TAG,
    TAGGED,
    UNTAGGED,
    UPDATED,
    WRITTEN,
    account,
)
from tests.unit.kit.writer.given import failing
from worker.errors import KitUnavailable
from worker.ledger.record_json import dump_record, load_record
from worker.mapping import Options
from worker.subscribers.parts import Part
from worker.subscribers.subscriber import Subscriber


async def test_the_state_counts_only_for_people_whom_this_worker_creates() -> None:
    async with account() as of:
        of.kit.add_subscriber("bob@example.com", state="cancelled")
        asked = replace(change(), creates=Part("inactive", order(1)))

        await of.apply(asked)
        await of.apply(asked, email="bob@example.com")

        assert of.person.state == "inactive"
        assert of.kit.subscriber("bob@example.com").state == "cancelled"


async def test_somebody_new_is_made_sure_of_once_whatever_is_refused() -> None:
    async with account() as of:
        await of.apply(change(fields={"Plan": "x"}), email="bob@example.com")
        of.kit.delete_custom_field("plan")
        of.catalog.options = Options(create_missing=False)

        calls = await of.apply(change(fields={"Plan": "x"}))

        assert calls == [CREATED, LIST_FIELDS]
        assert of.refused.keys() == {"the custom field 'Plan'"}


async def test_whom_kit_had_without_a_name_is_not_taken_for_new_as_something_was_refused() -> None:
    async with account(Options(first_name="if_created")) as of:
        of.kit.add_subscriber(EMAIL)
        of.kit.account.unwanted.texts = frozenset({"bad"})

        await of.apply(change(first_name="Ada", fields={"Plan": "bad"}))

        assert of.refused.keys() == {"the custom field 'Plan'"}
        assert of.person.first_name is None


async def test_a_first_name_is_always_set_by_default() -> None:
    async with account() as of:
        of.kit.add_subscriber(EMAIL, first_name="Old")

        await of.apply(change(first_name="Ada"))

        assert of.person.first_name == "Ada"


async def test_a_first_name_for_new_people_only_leaves_others_theirs() -> None:
    async with account(Options(first_name="if_created")) as of:
        of.kit.add_subscriber(EMAIL, first_name="Old")

        assert await of.apply(change(first_name="Ada")) == [UPDATED]
        assert await of.apply(change(2, first_name="Ada")) == []
        assert of.person.first_name == "Old"


async def test_a_first_name_for_new_people_is_set_before_any_tag() -> None:
    async with account(Options(first_name="if_created")) as of:
        calls = await of.apply(change(first_name="Ada", add=("Member",)))

        assert calls == [CREATED, WRITTEN, LIST_TAGS, NEW_TAG, TAGGED]
        assert of.person.first_name == "Ada"


async def test_a_first_name_for_new_people_survives_a_failure_in_between() -> None:
    """Given the creating call succeeded and the next failed, then the later try still knows who is new."""
    async with account(Options(first_name="if_created")) as of:
        of.sandbox.faults.add(failing(skip=1))
        subscriber = of.subscriber()
        with pytest.raises(KitUnavailable):
            await of.apply(change(first_name="Ada"), subscriber)

        await of.apply(change(first_name="Ada"), subscriber)

        assert of.person.first_name == "Ada"


async def test_a_first_name_for_new_people_survives_a_handover_in_between() -> None:
    async with account(Options(first_name="if_created")) as of:
        of.sandbox.faults.add(failing(skip=1))
        subscriber = of.subscriber()
        with pytest.raises(KitUnavailable):
            await of.apply(change(first_name="Ada"), subscriber)
        record = load_record(EMAIL, subscriber.record.kit_id, *dump_record(subscriber.record))

        await of.apply(change(first_name="Ada"), Subscriber(record))

        assert of.person.first_name == "Ada"


@pytest.mark.parametrize("handed_over", [False, True])
async def test_a_first_name_for_new_people_is_set_though_the_creating_answer_was_lost(
    *, handed_over: bool
) -> None:
    async with account(Options(first_name="if_created")) as of:
        of.sandbox.fail("reset", times=1, applied=True)
        subscriber = of.subscriber()
        with pytest.raises(KitUnavailable):
            await of.apply(change(first_name="Ada"), subscriber)
        if handed_over:
            subscriber = Subscriber(
                load_record(EMAIL, subscriber.record.kit_id, *dump_record(subscriber.record))
            )

        await of.apply(change(first_name="Ada"), subscriber)

        assert of.person.first_name == "Ada"


async def test_a_first_name_that_was_not_sent_is_not_known() -> None:
    """Given a name that Kit had before, when the option becomes `always`, then it is sent."""
    async with account(Options(first_name="if_created")) as of:
        of.relied_on = 0.0
        of.kit.add_subscriber(EMAIL, first_name="Old")
        subscriber = of.subscriber()
        await of.apply(change(1, first_name="Ada"), subscriber)
        of.catalog.options = Options(first_name="always")

        await of.apply(change(2, first_name="Ada"), subscriber)

        assert of.person.first_name == "Ada"


async def test_a_creation_that_landed_unseen_still_gets_its_removals() -> None:
    """Given nobody knows whether the subscriber is new, then removals are sent."""
    async with account() as of:
        of.kit.add_tag("Old")
        of.sandbox.fail("status", path="/v4/subscribers", times=1, applied=True)
        subscriber, asked = of.subscriber(), change(remove=("Old",), add=("A",))
        with pytest.raises(KitUnavailable):
            await of.apply(asked, subscriber)

        calls = await of.apply(asked, subscriber)

        assert calls[0] == UPDATED
        assert UNTAGGED in calls
