"""Custom fields of which Kit says that it does not have them, though its list has."""

from __future__ import annotations

import pytest

from tests.clocks import StandingClock
from tests.unit.kit.harness import LIST_FIELDS, account
from worker.errors import KitUnavailable
from worker.kit.lists import LISTS_LAG

SAID = "Custom field plan does not exist"


async def test_whether_a_field_was_deleted_or_renamed_waits_for_a_list_that_lags() -> None:
    """Given the list still has it, nothing is made anew: where it was renamed, values would go two ways."""
    clock = StandingClock()
    async with account() as of:
        of.client.clock = clock
        sent = {"Plan": await of.catalog.field("Plan")}
        for _ in range(2):
            with pytest.raises(KitUnavailable, match="Kit's list still has the custom field 'plan'"):
                await of.catalog.fields.look_again(sent, SAID)
            clock.wait(LISTS_LAG - 1)
            of.kit.add_custom_field("Other")

        assert not await of.catalog.fields.look_again(sent, SAID)  # no list is as late as that
        assert of.kit.custom_fields().keys() == {"plan", "other"}


async def test_a_field_that_is_gone_may_be_made_again() -> None:
    async with account() as of:
        old = await of.catalog.field("Plan")
        of.kit.delete_custom_field("plan")

        assert await of.catalog.fields.look_again({"Plan": old}, SAID)
        assert (await of.catalog.field("Plan")).id != old.id


@pytest.mark.parametrize("made_again", [False, True])
async def test_what_somebody_else_has_found_out_meanwhile_counts(*, made_again: bool) -> None:
    """Given two people whose values Kit ignored at once, neither is refused for what the other found out."""
    async with account() as of:
        sent = {"Plan": await of.catalog.field("Plan")}
        of.kit.delete_custom_field("plan")
        assert await of.catalog.fields.look_again(sent, SAID)
        if made_again:
            await of.catalog.field("Plan")
        of.calls()

        assert await of.catalog.fields.look_again(sent, SAID)
        assert of.calls() == []


async def test_a_field_whose_key_is_a_part_of_anothers_is_not_meant() -> None:
    async with account() as of:
        sent = {name: await of.catalog.field(name) for name in ("Plan", "Old plan")}
        of.kit.delete_custom_field("old_plan")

        assert await of.catalog.fields.look_again(sent, "Custom field old_plan does not exist")


async def test_words_about_something_else_are_not_looked_into() -> None:
    async with account() as of:
        sent = {"Plan": await of.catalog.field("Plan")}
        of.calls()

        assert not await of.catalog.fields.look_again(sent, "First name is too long")
        assert LIST_FIELDS not in of.calls()
