"""An event that creates nobody, and one that ends all mail to somebody."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import (
    LIST_FIELDS,
    LIST_TAGS,
    NEW_FIELD,
    NEW_TAG,
    TAGGED,
    UNTAGGED,
    WRITTEN,
    account,
)
from tests.unit.kit.writer.given import known
from worker.errors import KitUnavailable
from worker.kit.job import NobodyThere
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part, slot_key

FOUND = "GET /v4/subscribers 200"


UNSUBSCRIBED = "POST /v4/subscribers/{id}/unsubscribe 204"


def creating_nobody(of: Change, **parts: Any) -> Change:  # noqa: ANN401  # any part
    return replace(of, creates=None, ensure=None, **parts)


@pytest.mark.parametrize("email", [EMAIL, "ada+news@example.com"])
async def test_where_nobody_is_created_whoever_kit_has_gets_all(email: str) -> None:
    async with account() as of:
        of.kit.add_subscriber(email.upper(), state="cancelled")
        asked = creating_nobody(change(add=("A",), fields={"Plan": "x"}, first_name="Ada"))

        calls = await of.apply(asked, email=email)

        assert calls == [FOUND, LIST_FIELDS, NEW_FIELD, WRITTEN, LIST_TAGS, NEW_TAG, TAGGED]
        found = of.kit.subscriber(email)
        assert (*found.tags, *found.fields.items(), found.first_name) == ("A", ("plan", "x"), "Ada")
        assert len(of.kit.subscribers()) == 1
        assert await of.apply(creating_nobody(change(2, add=("B",))), email=email) == [NEW_TAG, TAGGED]


async def test_where_kit_has_nobody_nobody_is_created_and_once_somebody_is_there_all_is_done() -> None:
    """So it does not matter whether the event that creates the person comes before or after."""
    async with account() as of:
        subscriber = of.subscriber()
        asked = creating_nobody(change(1, add=("A",), fields={"Plan": "x"}))

        with pytest.raises(NobodyThere):
            await of.apply(asked, subscriber)
        assert of.calls() == [FOUND]
        assert of.kit.subscribers() == {}
        assert of.kit.tags() == {}
        await of.apply(change(2, add=("B",)), subscriber)

        assert of.person.tags == {"A", "B"}
        assert of.person.fields == {"plan": "x"}
        assert subscriber.record.owed == NOTHING


async def test_of_two_gifts_of_a_group_that_were_owed_the_newest_is_given() -> None:
    async with account() as of:
        subscriber = of.subscriber()
        for number, tag in ((1, "Gold"), (2, "Silver")):
            asked = change(number, add=(tag,))
            gave = {slot_key("plan", tag): asked.tags[tag.lower()]}
            with pytest.raises(NobodyThere):
                await of.apply(creating_nobody(asked, gave=gave), subscriber)
        await of.apply(change(3), subscriber)

        assert of.person.tags == {"Silver"}


async def test_who_was_deleted_in_kit_is_not_brought_back_where_nobody_is_created() -> None:
    """Also where the list still shows the person for a while."""
    async with account() as of:
        await known(of, "A")
        subscriber = of.subscriber()
        of.sandbox.list_lag = 300.0
        of.kit.delete_subscriber(EMAIL)

        with pytest.raises(NobodyThere):
            await of.apply(creating_nobody(change(2, add=("B",))), subscriber)

        assert of.kit.subscribers() == {}


async def test_whom_nobody_creates_moves_where_kit_has_the_person() -> None:
    async with account() as of:
        of.kit.add_subscriber(EMAIL)
        address = Part("new@example.com", order(1))

        calls = await of.apply(creating_nobody(change(1, add=("A",)), address=address))

        assert calls == [FOUND, WRITTEN, LIST_TAGS, NEW_TAG, TAGGED]
        assert of.kit.subscribers().keys() == {"new@example.com"}


async def test_whom_nobody_creates_and_kit_lacks_moves_nowhere() -> None:
    async with account() as of:
        with pytest.raises(NobodyThere):
            await of.apply(creating_nobody(change(1, add=("A",)), address=Part("b@example.com", order(1))))

        assert of.kit.subscribers() == {}


async def test_somebody_is_unsubscribed_last_and_once() -> None:
    async with account() as of:
        await known(of, "A")
        subscriber = of.subscriber()
        asked = creating_nobody(change(2, remove=("A",)), unsubscribe=Part(value=True, order=order(2)))

        assert await of.apply(asked, subscriber) == [UNTAGGED, UNSUBSCRIBED]
        assert of.person.state == "cancelled"
        assert await of.apply(asked, subscriber) == []
        assert [call.what for call in subscriber.calls[order(2)]] == ["tag 'A' off", "unsubscribed"]


async def test_who_is_gone_from_kit_need_not_be_unsubscribed() -> None:
    async with account() as of:
        await known(of)
        of.kit.delete_subscriber(EMAIL)

        calls = await of.apply(creating_nobody(NOTHING, unsubscribe=Part(value=True, order=order(2))))

        assert calls == ["POST /v4/subscribers/{id}/unsubscribe 404"]
        assert of.refused == {}


async def test_a_failure_to_unsubscribe_is_tried_again_and_a_refusal_is_owed() -> None:
    async with account() as of:
        await known(of)
        subscriber = of.subscriber()
        of.sandbox.fail("status", path="/v4/subscribers/*/unsubscribe", times=1)
        of.sandbox.fail("status", status=422, path="/v4/subscribers/*/unsubscribe", times=1)
        asked = creating_nobody(change(2, add=("A",)), unsubscribe=Part(value=True, order=order(2)))

        with pytest.raises(KitUnavailable):
            await of.apply(asked, subscriber)
        await of.apply(asked, subscriber)
        assert of.refused.keys() == {"unsubscribing"}
        assert await of.apply(asked, subscriber) == [UNSUBSCRIBED]
