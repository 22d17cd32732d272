"""What is otherwise in Kit is looked at again, and then put right, or left."""

from __future__ import annotations

import time
from typing import Final

import pytest

from tests.by_hand import change_address, take_off, unsubscribe
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import LOOKED_UP, TAGGED, UNTAGGED, WRITTEN, account
from tests.unit.kit.redress.differences import (
    ADDRESS,
    BACK,
    DELETED,
    FIELD,
    MISSING,
    NAME,
    NEW,
    TAGS_READ,
    UNSUBSCRIBED,
    asking,
    drift,
    given,
    why,
)
from tests.unit.kit.writer.given import failing
from worker.errors import KitUnavailable
from worker.mapping import Options
from worker.subscribers.change import Change
from worker.subscribers.drifted import Remedy
from worker.subscribers.record_parts import HeldTag
from worker.subscribers.redressing import NOT_NAMED
from worker.subscribers.remedies import GONE, NEWER, OTHERWISE, SINCE

ALL: Final = (MISSING, BACK, FIELD, NAME, ADDRESS)


# -- put right --------------------------------------------------------------------------------------------


async def test_kit_has_again_what_it_was_given_after_one_look() -> None:
    async with account() as of:
        subscriber = await given(of)
        drift(of)

        calls = await of.apply(asking(*ALL), subscriber)

        assert calls == [LOOKED_UP, TAGS_READ, WRITTEN, WRITTEN, UNTAGGED, TAGGED]
        person = of.person
        assert (person.first_name, person.tags) == ("Ada", frozenset({"VIP"}))
        assert person.fields == {"plan": "Gold"}
        assert set(why(subscriber).values()) == {""}


async def test_what_is_done_says_by_which_event_it_was_given() -> None:
    """Given a tag of a former event, it is that one's still: a newer one stands against it."""
    async with account() as of:
        subscriber = await given(of)
        take_off(of.kit, EMAIL, "VIP")

        await of.apply(asking(MISSING), subscriber)

        assert subscriber.record.tags["vip"].part.order == order(1)
        assert [call.what for call in subscriber.calls[order(1)]][-1] == "tag 'VIP'"


async def test_what_is_as_it_was_given_costs_no_more_than_the_look() -> None:
    async with account() as of:
        subscriber = await given(of)

        calls = await of.apply(asking(*ALL), subscriber)

        assert calls == [LOOKED_UP, TAGS_READ]
        assert why(subscriber) == {
            MISSING: "Kit has it already",
            BACK: "it is off already",
            FIELD: "Kit has it as it was given",
            NAME: "Kit has it as it was given",
            ADDRESS: "Kit has it as it was given",
        }


async def test_a_tag_that_was_renamed_in_kit_is_the_same_tag() -> None:
    async with account() as of:
        subscriber = await given(of)
        of.kit.account.tags.rename(of.kit.tags()["VIP"], "Very VIP", time.time())

        await of.apply(asking(MISSING), subscriber)

        assert why(subscriber) == {MISSING: "Kit has it already"}


async def test_what_has_changed_again_is_left() -> None:
    """Given values that are others by now than in the plan, nobody has agreed to lose them."""
    async with account() as of:
        subscriber = await given(of)
        of.kit.add_subscriber(EMAIL, first_name="Lovelace", fields={"plan": "Platinum"})
        change_address(of.kit, EMAIL, "third@example.com")

        assert await of.apply(asking(FIELD, NAME, ADDRESS), subscriber) == [LOOKED_UP]
        assert set(why(subscriber).values()) == {OTHERWISE}


async def test_what_a_newer_event_took_back_or_wrote_since_is_left() -> None:
    async with account() as of:
        subscriber = await given(of)
        await of.apply(change(2, add=("Old",), remove=("VIP",)), subscriber)
        since = Remedy(FIELD, order(1))
        of.kit.add_subscriber(EMAIL, fields={"plan": "Silver"})

        await of.apply(asking(MISSING, BACK), subscriber)
        await of.apply(Change(remedies=frozenset({since})), subscriber)

        assert why(subscriber) == {MISSING: NEWER, BACK: NEWER, FIELD: SINCE}
        assert of.person.tags == {"Old"}


async def test_an_event_in_hand_stands_against_what_is_put_right() -> None:
    """Given one that takes the missing tag off, in the same change, the tag is not put on for a moment."""
    async with account() as of:
        subscriber = await given(of)
        take_off(of.kit, EMAIL, "VIP")

        calls = await of.apply(asking(MISSING).merge(change(2, remove=("VIP",), ensure=False)), subscriber)

        assert calls == [LOOKED_UP, TAGS_READ, UNTAGGED]


async def test_nobody_is_created_or_resubscribed_and_whoever_gets_no_mail_gets_no_tag() -> None:
    async with account() as of:
        subscriber = await given(of)
        take_off(of.kit, EMAIL, "VIP")
        of.kit.add_subscriber(EMAIL, fields={"plan": "Silver"})
        unsubscribe(of.kit, EMAIL)

        calls = await of.apply(asking(MISSING, FIELD, UNSUBSCRIBED), subscriber)

        assert calls == [LOOKED_UP, TAGS_READ, WRITTEN]
        assert (of.person.state, of.person.tags) == ("cancelled", frozenset())
        assert of.person.fields == {"plan": "Gold"}
        assert why(subscriber) == {
            MISSING: "not put on, for the person gets no more mail",
            FIELD: "",
            UNSUBSCRIBED: "nobody is resubscribed",
        }

        of.kit.delete_subscriber(EMAIL)
        assert await of.apply(asking(MISSING, DELETED), subscriber) == ["GET /v4/subscribers/{id} 404"]
        assert of.kit.subscribers() == {}
        assert why(subscriber) == {
            MISSING: GONE,
            FIELD: "",
            UNSUBSCRIBED: "nobody is resubscribed",
            DELETED: "nobody is created anew",
        }


async def test_where_kit_fails_in_between_a_later_try_goes_on_and_tells_the_same() -> None:
    """Given the tag's call fails after the field's, a try again does the tag alone, and both were done."""
    async with account() as of:
        subscriber = await given(of)
        drift(of)
        of.sandbox.faults.add(failing(path="/v4/tags/*/subscribers/*", skip=1))

        with pytest.raises(KitUnavailable):
            await of.apply(asking(*ALL), subscriber)
        calls = await of.apply(asking(*ALL), subscriber)

        assert calls == [LOOKED_UP, TAGS_READ, TAGGED]
        assert of.person.tags == {"VIP"}
        assert set(why(subscriber).values()) == {""}


async def test_an_address_that_is_another_ones_in_kit_by_now_is_left() -> None:
    async with account() as of:
        subscriber = await given(of)
        change_address(of.kit, EMAIL, NEW)
        of.kit.add_subscriber(EMAIL)

        await of.apply(asking(ADDRESS), subscriber)

        assert "has already been taken" in why(subscriber)[ADDRESS]
        assert of.kit.subscriber(NEW).tags == {"VIP"}


async def test_only_whom_this_worker_created_is_named_again_where_the_file_says_so() -> None:
    async with account(Options(first_name="if_created")) as of:
        subscriber = of.subscriber()
        of.kit.add_subscriber(EMAIL, first_name="Ada")
        await of.apply(change(first_name="Ada"), subscriber)
        of.kit.add_subscriber(EMAIL, first_name="Augusta")

        await of.apply(asking(NAME), subscriber)

        assert (why(subscriber), of.person.first_name) == ({NAME: NOT_NAMED}, "Augusta")


async def test_a_look_that_kit_refuses_leaves_all_and_holds_up_no_event() -> None:
    async with account() as of:
        subscriber = await given(of)
        take_off(of.kit, EMAIL, "VIP")
        of.sandbox.fail("status", status=403, times=1, path="/v4/subscribers/*")

        calls = await of.apply(asking(MISSING).merge(change(2, add=("New",))), subscriber)

        assert "Kit answered 403" in why(subscriber)[MISSING]
        assert of.person.tags == {"New"}
        assert calls[-1] == TAGGED


# -- past the guard of new taggings -----------------------------------------------------------------------


async def test_somebody_has_agreed_to_a_tag_that_is_put_on_again_but_not_to_one_that_is_held() -> None:
    async with account() as of:
        subscriber = await given(of)
        take_off(of.kit, EMAIL, "VIP")
        of.catalog.options = Options(max_new_taggings_per_hour=0)
        subscriber.record.held = {"vip": HeldTag("VIP", order(1), 0.0)}

        await of.apply(asking(MISSING), subscriber)
        assert why(subscriber) == {MISSING: "it is held, by max_new_taggings_per_hour"}

        subscriber.record.held = {}
        await of.apply(asking(MISSING), subscriber)
        assert why(subscriber) == {MISSING: ""}
        assert of.person.tags == {"VIP"}
