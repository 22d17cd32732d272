"""What the writer makes of what is known: nothing is sent twice, and nothing in doubt is relied on."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import (
    CREATED,
    LOOKED_UP,
    TAGGED,
    UNTAGGED,
    UPDATED,
    WRITTEN,
    Account,
    account,
)
from worker.errors import KitUnavailable
from worker.sandbox import Fault, FaultKind, Rule
from worker.subscribers.change import Change
from worker.subscribers.desired import is_news
from worker.subscribers.parts import Part, TagWish, slot_key, tag_key
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

MOVED = "PUT /v4/subscribers/{id} 200"
NOT_MOVED = "PUT /v4/subscribers/{id} 422"
NEW = "ada.new@example.com"


def moving(number: int, to: str = NEW, *, add: tuple[str, ...] = ()) -> Change:
    """What event `number` asks for, which says that Ada has a new address."""
    asked = change(number, add=add)
    return replace(asked, address=Part(to, order(number)))


def giving(number: int, tag: str) -> Change:
    """What event `number` asks for, whose entry takes off what it gave before."""
    wish = Part(TagWish(tag, present=True), order(number))
    return Change(tags={tag_key(tag): wish}, gave={slot_key("entry", tag): wish})


async def ada(of: Account, *tags: str) -> Subscriber:
    """Ada, whom this worker has given these tags."""
    subscriber = Subscriber(Record(EMAIL))
    await of.apply(change(1, add=tags, fields={"Plan": "Gold"}), subscriber)
    of.calls()
    return subscriber


# -- what Kit has already -----------------------------------------------------------------------------------


async def test_what_kit_was_told_lately_is_not_sent_again() -> None:
    """Given a newer event that asks for what is so already, no call is made, and the record is newer."""
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.relied_on = 0.0

        assert await of.apply(change(2, add=("VIP",), fields={"Plan": "Gold"}), subscriber) == []
        assert subscriber.record.tags["vip"].part.order == order(2)
        assert not is_news(subscriber.record, change(1, remove=("VIP",), ensure=False))


@pytest.mark.parametrize(
    ("asked", "calls"),
    [
        (change(2, remove=("VIP",)), [UNTAGGED]),
        (change(2, fields={"Plan": "Silver"}), [WRITTEN]),
        (change(2, add=("VIP",), fields={"Plan": "Silver"}), [WRITTEN]),
    ],
)
async def test_only_what_differs_is_sent(asked: Change, calls: list[str]) -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.relied_on = 0.0

        assert await of.apply(asked, subscriber) == calls


async def test_what_was_told_too_long_ago_is_sent_again() -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP")

        assert await of.apply(change(2, add=("VIP",)), subscriber) == [TAGGED.replace("201", "200")]


async def test_a_tag_that_was_deleted_and_made_again_is_not_taken_for_the_old_one() -> None:
    """Given a tag that has another id than what Kit was told, it is given again."""
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.relied_on = 0.0
        of.kit.delete_tag("VIP")
        of.kit.add_tag("VIP")
        of.restart()

        await of.apply(change(2, add=("VIP",)), subscriber)

        assert of.person.tags == {"VIP"}


async def test_a_call_without_an_answer_leaves_a_part_in_doubt() -> None:
    """Given a removal whose answer never came, an event that wants the tag is sent, though it was known."""
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.relied_on = 0.0
        of.sandbox.faults.add(Rule(Fault(FaultKind.STATUS, applied=True), method="DELETE", times=1))
        with pytest.raises(KitUnavailable):
            await of.apply(change(2, remove=("VIP",)), subscriber)
        assert of.person.tags == frozenset()

        await of.apply(change(3, add=("VIP",)), subscriber)

        assert of.person.tags == {"VIP"}


async def test_somebody_whom_kit_lost_gets_all_that_was_ever_done() -> None:
    """Given Ada was deleted in Kit, the next event brings her back with all that the ledger knows."""
    async with account() as of:
        subscriber = await ada(of, "VIP", "Member")
        of.kit.delete_subscriber(EMAIL)

        await of.apply(change(2, add=("Gold",)), subscriber)

        assert of.person.tags == {"VIP", "Member", "Gold"}
        assert set(of.person.fields.values()) == {"Gold"}


# -- tags that replace each other ---------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (1, 3, 2)])
async def test_of_replacing_tags_the_newest_stays_alone(numbers: tuple[int, ...]) -> None:
    """Given levels that came in any order, one by one, only the newest stays, and what others gave stays."""
    levels = {1: "Gold", 2: "Silver", 3: "Bronze"}
    async with account() as of:
        of.kit.add_subscriber(EMAIL, tags=("By hand",))
        subscriber = Subscriber(Record(EMAIL))
        for number in numbers:
            await of.apply(giving(number, levels[number]), subscriber)

        assert of.person.tags == {"Bronze", "By hand"}


# -- new addresses ------------------------------------------------------------------------------------------


async def test_a_new_address_is_one_call_and_keeps_everything() -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP")
        kit_id = subscriber.record.kit_id

        assert await of.apply(moving(2), subscriber) == [MOVED]

        assert of.kit.subscriber(NEW).tags == {"VIP"}
        assert of.kit.find(EMAIL) is None
        assert (subscriber.record.email, subscriber.record.kit_id) == (NEW, kit_id)


async def test_somebody_whom_only_the_platform_knew_moves_in_kit_too() -> None:
    """Given a creator's own subscriber, the change reaches Kit, and who it is is written before."""
    async with account() as of:
        of.kit.add_subscriber(EMAIL, tags=("By hand",))
        subscriber = Subscriber(Record(EMAIL))

        assert await of.apply(moving(1, add=("VIP",)), subscriber) != []

        assert of.kit.subscriber(NEW).tags == {"By hand", "VIP"}
        assert of.kit.find(EMAIL) is None
        before = [(each.email, each.kit_id) for batch in of.batches for each in batch.records]
        assert before[0] == (EMAIL, subscriber.record.kit_id)


async def test_where_kit_has_the_new_address_already_the_tags_move_there() -> None:
    """Given a subscriber at the new address, it gets what this worker gave, and the old one loses it."""
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.kit.add_subscriber(EMAIL, tags=("By hand",))
        of.kit.add_subscriber(NEW, tags=("Newsletter",))

        calls = await of.apply(moving(2, add=("Member",)), subscriber)

        assert calls[:2] == [NOT_MOVED, UPDATED]
        assert of.kit.subscriber(NEW).tags == {"Newsletter", "VIP", "Member"}
        assert "VIP" not in of.kit.subscriber(EMAIL).tags
        assert subscriber.record.email == NEW


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("applied", [False, True])
async def test_a_move_that_fails_anywhere_is_completed_by_a_second_try(step: int, *, applied: bool) -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP", "Member")
        of.kit.add_subscriber(NEW)
        rule = of.sandbox.faults.add(Rule(Fault(FaultKind.STATUS, applied=applied), times=1, skip=step))
        try:
            await of.apply(moving(2, add=("Gold",)), subscriber)
        except KitUnavailable:
            await of.apply(moving(2, add=("Gold",)), subscriber)

        assert rule.struck == 1
        assert of.kit.subscriber(NEW).tags == {"VIP", "Member", "Gold"}
        assert of.kit.subscriber(EMAIL).tags == frozenset()


async def test_a_move_that_was_made_and_is_refused_the_next_time_takes_nothing_off() -> None:
    """Given Kit has one subscriber at the new address, and it is the one who moves, the tags stay."""
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.sandbox.fail("status", status=422, method="PUT", applied=True, times=1)

        calls = await of.apply(moving(2), subscriber)

        assert calls == [NOT_MOVED, UPDATED]
        assert of.kit.subscriber(NEW).tags == {"VIP"}
        assert of.kit.find(EMAIL) is None


async def test_somebody_whom_kit_has_lost_is_made_anew_at_the_new_address() -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP")
        of.kit.delete_subscriber(EMAIL)

        calls = await of.apply(moving(2), subscriber)

        assert calls[0] == MOVED.replace("200", "404")
        assert of.kit.subscriber(NEW).tags == {"VIP"}
        assert of.kit.find(EMAIL) is None


async def test_a_move_that_was_made_is_not_made_again() -> None:
    async with account() as of:
        subscriber = await ada(of, "VIP")
        await of.apply(moving(2), subscriber)

        assert await of.apply(moving(2), subscriber) == []
        assert CREATED not in of.calls()
        assert LOOKED_UP not in of.calls()
