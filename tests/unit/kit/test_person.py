"""What Kit has of one person, asked of the sandbox."""

from __future__ import annotations

import pytest

from tests.unit.examples import EMAIL, change
from tests.unit.kit.harness import account
from worker.errors import KitUnavailable
from worker.kit.person import ask_for_person

BY_ID = [
    "GET /v4/subscribers/{id} 200",
    "GET /v4/subscribers/{subscriber_id}/tags 200",
    "GET /v4/custom_fields 200",
]


async def test_a_person_is_found_by_the_id_in_three_calls() -> None:
    """Given somebody whom Kit has, tags have their time and fields their label; empty ones are left out."""
    async with account() as of:
        of.kit.add_custom_field("Empty")
        of.kit.add_custom_field("Plan name")
        await of.apply(change(1, add=("VIP",), fields={"Plan name": "Annual"}))
        of.calls()

        found = await ask_for_person(of.client, EMAIL, of.ids[EMAIL])

        assert of.calls() == BY_ID
        assert found is not None
        assert (found.id, found.email, found.state) == (of.ids[EMAIL], EMAIL, "active")
        (tag,) = found.tags
        assert (tag.id, tag.name, bool(tag.tagged_at)) == (of.kit.tags()["VIP"], "VIP", True)
        assert {found.labels[id_]: value for id_, value in found.fields.items()} == {"Plan name": "Annual"}
        assert found.names["plan name"] == found.names["Plan name"] == found.names["plan_name"]


@pytest.mark.parametrize("known", [None, 4_711])
async def test_a_person_whose_id_is_not_known_or_gone_is_found_by_address(known: int | None) -> None:
    async with account() as of:
        of.kit.add_subscriber(EMAIL, tags=["VIP"], state="cancelled")
        found = await ask_for_person(of.client, EMAIL.upper(), known)
        assert found is not None
        assert (found.email, found.state, [tag.name for tag in found.tags]) == (EMAIL, "cancelled", ["VIP"])


async def test_where_kit_has_nobody_there_is_nobody() -> None:
    async with account() as of:
        assert await ask_for_person(of.client, EMAIL, 4_711) is None
        assert await ask_for_person(of.client, EMAIL, None) is None


async def test_a_kit_that_does_not_answer_is_an_error_that_is_ours() -> None:
    async with account() as of:
        of.sandbox.fail("status", status=503)
        with pytest.raises(KitUnavailable):
            await ask_for_person(of.client, EMAIL, None)
