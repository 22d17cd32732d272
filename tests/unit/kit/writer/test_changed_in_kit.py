"""What others do in Kit meanwhile: tags, custom fields and people that are deleted, made again or renamed."""

from __future__ import annotations

import pytest

from tests.clocks import StandingClock
from tests.unit.examples import EMAIL, change
from tests.unit.kit.harness import (
    CREATED,
    LIST_FIELDS,
    LIST_TAGS,
    LOOKED_UP,
    NEW_FIELD,
    NEW_TAG,
    TAGGED,
    WRITTEN,
    account,
)
from tests.unit.kit.writer.given import TAG, failing, known
from worker.errors import KitUnavailable
from worker.kit.lists import LIST_AGAIN_AFTER
from worker.mapping import Options
from worker.sandbox import Sandbox
from worker.subscribers.change import Change


async def test_a_tag_that_was_deleted_in_kit_is_created_again() -> None:
    async with account() as of:
        await known(of)
        of.kit.delete_tag("A")

        calls = await of.apply(change(add=("A",)))

        assert calls == ["POST /v4/tags/{tag_id}/subscribers/{id} 404", LOOKED_UP, NEW_TAG, TAGGED]
        assert of.person.tags == {"A"}


async def test_a_tag_that_was_deleted_in_kit_need_not_be_taken_off() -> None:
    async with account() as of:
        await known(of, "A")
        of.kit.delete_tag("A")

        calls = await of.apply(change(remove=("A",)))

        assert calls == ["DELETE /v4/tags/{tag_id}/subscribers/{id} 404", LIST_TAGS]
        assert of.refused == {}
        assert "A" not in of.kit.tags()
        assert await of.apply(change(2, remove=("A",))) == []


async def test_a_tag_that_was_deleted_and_made_again_in_kit_is_taken_off() -> None:
    async with account() as of:
        await known(of, "A")
        of.kit.delete_tag("A")
        of.kit.add_subscriber(EMAIL, tags=["A"])

        await of.apply(change(remove=("A",)))

        assert of.person.tags == set()


async def test_a_custom_field_that_was_deleted_in_kit_is_created_again() -> None:
    """Kit refuses an unknown field by id, and ignores it with a warning by address: neither is a success."""
    async with account() as of:
        await known(of)
        await of.apply(change(fields={"Plan": "Monthly", "Locale": "de"}))
        of.kit.delete_custom_field("plan")

        calls = await of.apply(change(2, fields={"Plan": "Annual", "Locale": "en"}))

        assert calls == ["PUT /v4/subscribers/{id} 422", LIST_FIELDS, NEW_FIELD, WRITTEN]
        assert of.person.fields == {"plan": "Annual", "locale": "en"}


async def test_a_custom_field_that_was_deleted_and_may_not_be_created_is_a_refusal() -> None:
    async with account() as of:
        await known(of, plan="Monthly")
        of.catalog.options = Options(create_missing=False)
        await of.apply(change(fields={"plan": "Annual"}))
        of.kit.delete_custom_field("plan")

        await of.apply(change(2, fields={"plan": "Biennial"}, add=("A",)))

        assert of.refused.keys() == {"the custom field 'plan'"}
        assert of.person.tags == {"A"}


async def test_a_custom_field_that_gets_another_label_while_the_worker_runs_is_followed() -> None:
    """Kit then refuses the old key, as where the field was deleted; the list tells which it was."""
    async with account() as of:
        await known(of)
        await of.apply(change(fields={"Plan": "Monthly"}))
        id_ = of.kit.custom_fields()["plan"]
        await of.client.call("PUT", "/v4/custom_fields/{}", id_, json={"label": "Membership"})

        calls = await of.apply(change(2, fields={"Plan": "Annual"}))

        assert calls == ["PUT /v4/subscribers/{id} 422", LIST_FIELDS, WRITTEN]
        assert of.person.fields == {"membership": "Annual"}
        assert of.kit.custom_fields() == {"membership": id_}


async def test_a_refusal_that_names_no_field_costs_one_look_a_minute() -> None:
    """Kit once answered 422 to unknown fields; most refusals are about something else."""
    clock = StandingClock()
    async with account() as of:
        await known(of)
        of.client.clock = clock
        await of.catalog.field("Plan")
        of.sandbox.fail("status", status=422, path="/v4/subscribers/*")
        clock.wait(LIST_AGAIN_AFTER)
        looks = list[int]()
        for _ in range(3):
            calls = await of.apply(change(2, fields={"Plan": "Annual"}))
            assert "422" in of.refused["the custom field 'Plan'"]
            looks.append(calls.count(LIST_FIELDS))

        assert looks == [1, 0, 0]


async def test_somebody_new_whose_field_had_been_deleted_still_needs_no_removals() -> None:
    async with account() as of:
        await of.apply(change(fields={"Plan": "x"}), email="bob@example.com")
        of.kit.delete_custom_field("plan")

        calls = await of.apply(change(fields={"Plan": "Annual"}, remove=("Old",)))

        assert calls == [CREATED, LIST_FIELDS, NEW_FIELD, WRITTEN]


@pytest.mark.parametrize(
    "asked", [change(add=("A",)), change(add=("A", "B"), remove=("C",), fields={"plan": "Annual"})]
)
async def test_somebody_who_was_deleted_in_kit_is_created_again_with_all_that_was_asked(
    asked: Change,
) -> None:
    async with account() as of:
        await known(of, plan="Monthly")
        await of.catalog.field("plan")
        of.kit.delete_subscriber(EMAIL)

        await of.apply(asked)

        assert of.person.tags == {part.value.name for part in asked.tags.values() if part.value.present}
        assert of.person.fields == {name: part.value for name, part in asked.fields.items()}


async def test_somebody_who_is_deleted_between_two_steps_gets_all_steps_again() -> None:
    """Given fields and a tag are set, when they are deleted before the next tag, then nothing is lacking."""
    async with account() as of:
        await known(of)
        subscriber = of.subscriber()
        of.sandbox.faults.add(failing(path=TAG, skip=1))
        asked = change(add=("A", "B"), fields={"Plan": "Annual"})
        with pytest.raises(KitUnavailable):
            await of.apply(asked, subscriber)
        of.kit.delete_subscriber(EMAIL)

        await of.apply(asked, subscriber)

        assert of.person.tags == {"A", "B"}
        assert of.person.fields == {"plan": "Annual"}


async def test_taking_a_tag_off_somebody_who_was_deleted_counts_as_done() -> None:
    async with account() as of:
        await known(of, "A")
        of.kit.delete_subscriber(EMAIL)

        calls = await of.apply(change(remove=("A",)))

        assert calls == ["DELETE /v4/tags/{tag_id}/subscribers/{id} 404", LIST_TAGS]


async def test_lists_that_lag_do_no_harm() -> None:
    """Given lists show nothing of what was written, then everything still ends as it should."""
    async with account(sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        await of.apply(change(1, add=("A",), fields={"Plan": "Monthly"}))
        of.restart()
        await of.apply(change(2, add=("B",), remove=("A",), fields={"Plan": "Annual"}))

        assert of.person.tags == {"B"}
        assert of.person.fields == {"plan": "Annual"}
        assert len(of.kit.tags()) == 2
