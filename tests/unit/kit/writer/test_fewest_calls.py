"""A change made true in Kit: the fewest calls, in the right order, each done once."""

from __future__ import annotations

import pytest

from tests.clocks import StandingClock
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import (
    CREATED,
    LIST_FIELDS,
    LIST_TAGS,
    NEW_FIELD,
    NEW_TAG,
    TAGGED,
    UNTAGGED,
    UPDATED,
    WRITTEN,
    account,
)
from tests.unit.kit.writer.given import TAG, fields, known
from worker.errors import KitUnavailable
from worker.kit.lists import LIST_AGAIN_AFTER
from worker.mapping import Options
from worker.sandbox import Sandbox
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part, TagWish


async def test_somebody_new_is_created_with_fields_and_then_tagged_without_any_removal() -> None:
    async with account() as of:
        asked = change(add=("Member",), remove=("Cancelled",), fields={"Plan": "Annual"}, first_name="Ada")

        calls = await of.apply(asked)

        assert calls == [LIST_FIELDS, NEW_FIELD, CREATED, LIST_TAGS, NEW_TAG, TAGGED]
        assert of.person.tags == {"Member"}
        assert (of.person.first_name, of.person.fields, of.person.state) == (
            "Ada",
            {"plan": "Annual"},
            "active",
        )


async def test_only_tags_of_somebody_known_need_no_upsert() -> None:
    async with account() as of:
        await known(of, "B")

        calls = await of.apply(change(add=("A",), remove=("B",)))

        assert calls == [UNTAGGED, TAGGED]
        assert of.person.tags == {"A"}


async def test_fields_and_tags_of_somebody_known_take_one_call_each() -> None:
    async with account() as of:
        await known(of, "B", plan="Monthly", locale="de")
        await of.catalog.field("plan")

        calls = await of.apply(change(add=("A",), remove=("B",), fields={"plan": "Annual", "locale": None}))

        assert calls == [WRITTEN, UNTAGGED, TAGGED]
        assert of.person.fields == {"plan": "Annual"}


async def test_removals_come_before_additions_and_both_after_the_fields() -> None:
    """A new tag starts the creator's automations, whose emails should see the finished state."""
    async with account() as of:
        await known(of, "A", "B", "C")

        calls = await of.apply(change(add=("New", "Newer"), remove=("A", "B"), fields={"Plan": "x"}))

        assert calls == [
            LIST_FIELDS,
            NEW_FIELD,
            WRITTEN,
            UNTAGGED,
            UNTAGGED,
            NEW_TAG,
            TAGGED,
            NEW_TAG,
            TAGGED,
        ]
        assert of.person.tags == {"C", "New", "Newer"}


@pytest.mark.parametrize(
    ("count", "upserts"), [(10, [CREATED]), (11, [CREATED, WRITTEN]), (25, [CREATED, WRITTEN, WRITTEN])]
)
async def test_more_than_ten_fields_take_several_calls_so_that_kit_sets_them_at_once(
    count: int, upserts: list[str]
) -> None:
    async with account() as of:
        for name in fields(count):
            of.kit.add_custom_field(name)

        calls = await of.apply(change(fields=fields(count), add=("Member",)))

        assert calls == [LIST_FIELDS, *upserts, LIST_TAGS, NEW_TAG, TAGGED]
        assert of.person.fields == fields(count)


@pytest.mark.parametrize("create_missing", [True, False])
async def test_a_tag_that_kit_does_not_have_is_off_already(*, create_missing: bool) -> None:
    """No call, no tag, nothing counted, nothing refused; whatever else is asked is done."""
    async with account(Options(create_missing=create_missing, max_created_tags=0)) as of:
        await known(of)
        wish = TagWish("Gold access", present=False, by_placeholder=True)
        off = Change(tags={"gold access": Part(wish, order(2))})

        assert await of.apply(change(2, remove=("Never seen",), add=("A",)).merge(off)) == [TAGGED]
        assert of.refused == {}
        assert of.person.tags == {"A"}
        assert of.kit.tags().keys() == {"A", "B", "C"}
        assert of.catalog.created_by_placeholder == 0


@pytest.mark.parametrize("create_missing", [True, False])
async def test_a_custom_field_that_kit_does_not_have_is_clear_already(*, create_missing: bool) -> None:
    async with account(Options(create_missing=create_missing)) as of:
        await known(of)
        subscriber = of.subscriber()

        assert await of.apply(change(2, fields={"Ends": None}), subscriber) == [LIST_FIELDS]
        assert of.refused == {}
        assert of.kit.custom_fields() == {}
        assert subscriber.record.fields["Ends"].part.value is None


async def test_a_custom_field_that_was_made_a_moment_ago_is_cleared_though_lists_lag() -> None:
    async with account(sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        await of.apply(change(1, fields={"Plan": "x"}))
        of.restart()
        await of.apply(change(2, fields={"Plan": None}))

        assert of.person.fields == {}


async def test_a_tag_that_somebody_else_has_made_since_is_taken_off() -> None:
    """Given a list that is older than a minute, it is read once more, and once for all who come then."""
    clock = StandingClock()
    async with account() as of:
        of.client.clock = clock
        await known(of)
        of.kit.add_subscriber(EMAIL, tags=("By hand",))
        clock.wait(LIST_AGAIN_AFTER)

        assert await of.apply(change(remove=("By hand",))) == [LIST_TAGS, UNTAGGED]
        assert of.person.tags == set()
        assert await of.apply(change(2, remove=("By hand", "Other"))) == [UNTAGGED]
        clock.wait(LIST_AGAIN_AFTER)
        assert await of.apply(change(3, remove=("Other", "Another"))) == [LIST_TAGS]


async def test_what_was_made_a_moment_ago_is_taken_off_though_lists_lag() -> None:
    """By its own answer; and after a handover by the ledger, which knows it before anybody has it."""
    async with account(sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        of.sandbox.fail("reset", path=TAG, method="POST", times=1, applied=True)
        with pytest.raises(KitUnavailable):
            await of.apply(change(1, add=("A",)))
        assert of.batches  # written before the call that landed
        of.restart()

        assert await of.apply(change(2, remove=("A",))) == [UPDATED, LIST_TAGS, UNTAGGED]
        assert of.person.tags == set()


async def test_a_list_that_is_late_does_not_bring_a_deleted_tag_back() -> None:
    """Given a tag made anew in place of one that the list still shows, the new one is taken off."""
    clock = StandingClock()
    async with account() as of:
        of.client.clock = clock
        await known(of, "A")
        of.sandbox.list_lag = 300.0
        of.kit.delete_tag("A")
        await of.apply(change(2, add=("A",)))
        assert of.person.tags == {"A"}
        clock.wait(LIST_AGAIN_AFTER)

        await of.apply(change(3, remove=("Never seen", "A")))

        assert of.person.tags == set()


async def test_nothing_asked_of_somebody_known_takes_no_call() -> None:
    async with account() as of:
        await known(of)

        assert await of.apply(change()) == []
        assert await of.apply(NOTHING) == []


async def test_what_is_done_already_is_not_done_again() -> None:
    async with account() as of:
        await known(of)
        subscriber = of.subscriber()
        asked = change(add=("A",), fields={"plan": "Annual"})
        await of.apply(asked, subscriber)

        assert await of.apply(asked, subscriber) == []
        assert await of.apply(change(2, add=("A",)), subscriber) == [
            "POST /v4/tags/{tag_id}/subscribers/{id} 200"
        ]


async def test_addresses_and_tags_are_one_whatever_their_case() -> None:
    async with account() as of:
        of.kit.add_subscriber("ADA@Example.com", tags=["active MEMBER"])

        calls = await of.apply(change(remove=("Active Member",), add=("ACTIVE again",)))

        assert calls == [UPDATED, LIST_TAGS, UNTAGGED, NEW_TAG, TAGGED]
        assert len(of.kit.subscribers()) == 1
        assert of.person.tags == {"ACTIVE again"}
