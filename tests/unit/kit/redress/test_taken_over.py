"""What is otherwise in Kit is looked at again, and then taken over, or left."""

from __future__ import annotations

from msgspec.structs import replace

from tests.by_hand import change_address, unsubscribe
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import LOOKED_UP, TAGGED, account
from tests.unit.kit.redress.differences import (
    ADDRESS,
    BACK,
    DELETED,
    FIELD,
    MISSING,
    NAME,
    NEW,
    PLANNED,
    TAGS_READ,
    UNSUBSCRIBED,
    asking,
    drift,
    given,
    why,
)
from worker.kit.redress import CANNOT_FOLLOW
from worker.subscribers.change import Change
from worker.subscribers.known import Known
from worker.subscribers.parts import Part
from worker.subscribers.remedies import OTHERWISE


async def test_kits_word_is_taken_over_and_kit_is_told_nothing() -> None:
    async with account() as of:
        subscriber = await given(of)
        drift(of)
        before = of.kit.subscribers()

        calls = await of.apply(asking(MISSING, BACK, FIELD, NAME, adopts=True), subscriber)

        record = subscriber.record
        assert (calls, of.kit.subscribers()) == ([LOOKED_UP, TAGS_READ], before)
        assert {key: tag.part.value.present for key, tag in record.tags.items()} == {
            "vip": False,
            "old": True,
        }
        assert record.fields["plan"].part == Part("Silver", PLANNED)
        assert record.first_name is not None
        assert record.first_name.part == Part("Augusta", PLANNED)
        assert set(why(subscriber).values()) == {""}
        assert await of.apply(asking(MISSING, BACK, FIELD, NAME), subscriber) == [LOOKED_UP, TAGS_READ]


async def test_a_newer_event_has_its_effect_and_an_older_one_none() -> None:
    async with account() as of:
        subscriber = await given(of)
        drift(of)
        await of.apply(asking(MISSING, BACK, adopts=True), subscriber)

        assert await of.apply(change(2, add=("VIP",), ensure=False), subscriber) == []

        newer = order(2 * 10**9)
        asked = change(3, add=("VIP",), ensure=False).tags["vip"]
        assert await of.apply(Change(tags={"vip": Part(asked.value, newer)}), subscriber) == [TAGGED]


async def test_whoever_is_unsubscribed_in_kit_is_known_to_be_so() -> None:
    async with account() as of:
        subscriber = await given(of)
        unsubscribe(of.kit, EMAIL)

        assert await of.apply(asking(UNSUBSCRIBED, adopts=True), subscriber) == [LOOKED_UP]

        assert subscriber.record.unsubscribed == Part(value=True, order=PLANNED)


async def test_whoever_was_deleted_in_kit_stays_so_until_a_newer_event() -> None:
    """Given a person who was deleted, and that is taken over, late events create nobody; a new one does."""
    async with account() as of:
        subscriber = await given(of)
        of.kit.delete_subscriber(EMAIL)

        await of.apply(asking(DELETED, adopts=True), subscriber)
        assert (subscriber.record.kit_id, subscriber.record.ended) == (None, PLANNED)

        newer = order(2 * 10**9)
        late = change(2, add=("New",))
        asked = Change(
            tags={"new": Part(late.tags["new"].value, newer)},
            ensure=Part(value=True, order=newer),
            creates=Part("active", newer),
        )
        await of.apply(asked, subscriber)
        assert of.person.tags == {"New"}
        assert of.person.fields == {}


async def test_an_address_that_the_ledger_cannot_follow_is_not_taken_over() -> None:
    async with account() as of:
        subscriber = await given(of)
        change_address(of.kit, EMAIL, NEW)

        await of.apply(asking(ADDRESS, adopts=True), subscriber)

        assert why(subscriber) == {ADDRESS: CANNOT_FOLLOW}
        assert subscriber.record.email == EMAIL


async def test_an_address_is_followed_where_the_ledger_can_and_kit_still_has_it() -> None:
    """Given one that was changed once more, Kit is not told the one of the plan."""
    async with account() as of:
        subscriber = await given(of)
        asked = replace(asking(ADDRESS, adopts=True), address=Part(NEW, PLANNED))
        change_address(of.kit, EMAIL, "third@example.com")
        assert await of.apply(asked, subscriber) == [LOOKED_UP]
        assert why(subscriber) == {ADDRESS: OTHERWISE}

        change_address(of.kit, "third@example.com", NEW)
        of.in_hand.directory.learn({EMAIL, NEW}, (), Known({}, {}, {}))
        assert await of.apply(asked, subscriber) == [LOOKED_UP]
        assert (why(subscriber), subscriber.record.email) == ({ADDRESS: ""}, NEW)
