"""Tags and custom fields: known by name, looked up once, created where missing."""

from __future__ import annotations

import asyncio

import pytest

from tests.clocks import StandingClock
from tests.unit.examples import wish
from tests.unit.kit.harness import LIST_FIELDS, LIST_TAGS, NEW_FIELD, NEW_TAG, account
from worker.errors import KitRejected, KitUnavailable, UnknownTag
from worker.kit.lists import LIST_AGAIN_AFTER
from worker.mapping import Options
from worker.sandbox import Sandbox

# --  -----------------------------------------------------------------------------------------------------

FOUND_TAG = "POST /v4/tags 200"


async def test_tags_are_listed_once_and_found_whatever_their_case() -> None:
    async with account() as of:
        id_ = of.kit.add_tag("Active Member")

        found = [
            await of.catalog.tag(wish(name)) for name in ("Active Member", "ACTIVE member", " active member ")
        ]

        assert found == [id_] * 3
        assert of.calls() == [LIST_TAGS]


async def test_a_missing_tag_is_created_once() -> None:
    async with account() as of:
        first, second = await of.catalog.tag(wish("VIP")), await of.catalog.tag(wish("vip"))

        assert first == of.kit.tags()["VIP"]
        assert second == first
        assert of.calls() == [LIST_TAGS, NEW_TAG]


async def test_many_who_ask_at_once_make_one_list_and_one_tag() -> None:
    async with account() as of:
        found = await asyncio.gather(*(of.catalog.tag(wish("VIP")) for _ in range(10)))

        assert set(found) == {of.kit.tags()["VIP"]}
        assert of.calls() == [LIST_TAGS, NEW_TAG]


async def test_a_tag_that_the_list_does_not_show_yet_is_found_by_creating_it() -> None:
    """Given lists lag, then a create answers 200 with the tag that is there, and nobody takes it for new."""
    async with account(sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        id_ = of.kit.add_tag("VIP")

        assert await of.catalog.tag(wish("vip")) == id_
        assert of.calls() == [LIST_TAGS, FOUND_TAG]


async def test_lists_are_read_to_their_last_page() -> None:
    async with account() as of:
        ids = {f"Tag {number}": of.kit.add_tag(f"Tag {number}") for number in range(1001)}
        keys = [f"field_{number}" for number in range(1001)]
        for key in keys:
            of.kit.add_custom_field(key)

        assert await of.catalog.tag(wish("Tag 0")) == ids["Tag 0"]
        assert await of.catalog.tag(wish("Tag 1000")) == ids["Tag 1000"]
        assert [(await of.catalog.field(key)).key for key in (keys[0], keys[1000])] == [keys[0], keys[1000]]
        assert of.calls() == [LIST_TAGS, LIST_TAGS, LIST_FIELDS, LIST_FIELDS]


async def test_a_list_that_fails_is_asked_for_again() -> None:
    async with account() as of:
        id_ = of.kit.add_tag("VIP")
        of.sandbox.fail("status", status=503, times=1)

        with pytest.raises(KitUnavailable):
            await of.catalog.tag(wish("VIP"))

        assert await of.catalog.tag(wish("VIP")) == id_


async def test_a_forgotten_tag_is_created_again() -> None:
    async with account() as of:
        await of.catalog.tag(wish("VIP"))
        of.kit.delete_tag("VIP")

        of.catalog.forget_tag("vip")
        again = await of.catalog.tag(wish("VIP"))

        assert again == of.kit.tags()["VIP"]


async def test_where_nothing_may_be_created_an_unknown_tag_is_refused() -> None:
    async with account(Options(create_missing=False)) as of:
        id_ = of.kit.add_tag("Known")

        assert await of.catalog.tag(wish("known")) == id_
        with pytest.raises(UnknownTag, match=r"^Kit has no such tag, and create_missing is false: make it"):
            await of.catalog.tag(wish("VIP"))

        assert of.kit.tags().keys() == {"Known"}


async def test_placeholders_create_so_many_tags_and_no_more() -> None:
    """Given a limit of 2, then the third new tag out of a placeholder is refused, others go on."""
    async with account(Options(max_created_tags=2)) as of:
        of.kit.add_tag("Old")
        for name in ("Gold", "Silver"):
            await of.catalog.tag(wish(name, by_placeholder=True))

        with pytest.raises(UnknownTag, match=r"tag number 3 .* max_created_tags allows 2: raise that"):
            await of.catalog.tag(wish("Bronze", by_placeholder=True))
        await of.catalog.tag(wish("gold", by_placeholder=True))
        await of.catalog.tag(wish("Old", by_placeholder=True))
        await of.catalog.tag(wish("Member"))

        assert of.kit.tags().keys() == {"Old", "Gold", "Silver", "Member"}


async def test_tags_that_were_there_all_along_do_not_count_as_created() -> None:
    async with account(Options(max_created_tags=1), sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        of.kit.add_tag("Gold")
        await of.catalog.tag(wish("Gold", by_placeholder=True))

        await of.catalog.tag(wish("Silver", by_placeholder=True))
        assert "Silver" in of.kit.tags()


# -- custom fields ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["subscription_plan", "Subscription plan", "SUBSCRIPTION PLAN", "Subscription_Plan"]
)
async def test_a_custom_field_is_known_by_its_key_or_its_label_in_any_case(name: str) -> None:
    async with account() as of:
        of.kit.add_custom_field("Subscription plan")

        assert (await of.catalog.field(name)).key == "subscription_plan"
        assert of.calls() == [LIST_FIELDS]


async def test_a_missing_custom_field_is_created_by_its_label_once_and_its_key_is_kits() -> None:
    async with account() as of:
        found = await asyncio.gather(*(of.catalog.field("Übrige Monate!") for _ in range(5)))

        assert {field.key for field in found} == {"ubrige_monate"}
        assert of.calls() == [LIST_FIELDS, NEW_FIELD]


async def test_where_nothing_may_be_created_an_unknown_field_is_refused() -> None:
    async with account(Options(create_missing=False)) as of:
        with pytest.raises(KitRejected, match=r"^Kit has no such custom field, and create_missing is false"):
            await of.catalog.field("Plan")

        assert of.kit.custom_fields() == {}


async def test_what_is_missing_can_be_told_without_creating_it() -> None:
    async with account() as of:
        of.kit.add_tag("Known")
        of.kit.add_custom_field("Known field")

        lacking = await of.catalog.missing(
            [wish("KNOWN"), wish("New")], ["known_field", "Known field", "New field"]
        )

        assert lacking == (["New"], ["New field"])
        assert of.calls() == [LIST_TAGS, LIST_FIELDS]


async def test_new_options_count_at_once() -> None:
    async with account(Options(create_missing=False)) as of:
        with pytest.raises(UnknownTag):
            await of.catalog.tag(wish("VIP"))

        of.catalog.options = Options()

        assert await of.catalog.tag(wish("VIP")) == of.kit.tags()["VIP"]


async def test_tags_that_differ_by_more_than_case_are_two() -> None:
    async with account() as of:
        ids = [of.kit.add_tag(name) for name in ("Strasse", "Straße")]

        assert [await of.catalog.tag(wish(name)) for name in ("Strasse", "Straße")] == ids


async def test_what_was_missing_and_may_not_be_created_is_looked_for_again_after_a_minute() -> None:
    """Given an admin reads why an event was dead-lettered and adds the tag, then a replay finds it."""
    clock = StandingClock()
    async with account(Options(create_missing=False)) as of:
        of.client.clock = clock
        for _ in range(3):
            with pytest.raises(UnknownTag):
                await of.catalog.tag(wish("VIP"))
        with pytest.raises(KitRejected):
            await of.catalog.field("Plan")
        assert of.calls() == [LIST_TAGS, LIST_FIELDS]
        id_ = of.kit.add_tag("VIP")
        of.kit.add_custom_field("Plan")

        clock.wait(LIST_AGAIN_AFTER)

        assert await of.catalog.tag(wish("VIP")) == id_
        clock.wait(LIST_AGAIN_AFTER)
        assert (await of.catalog.field("Plan")).key == "plan"
