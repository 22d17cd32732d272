"""A change made true in Kit: the fewest calls, in the right order, each done once."""

from __future__ import annotations

from typing import Any, Final

import pytest
import structlog.testing
from msgspec.structs import replace

from tests.clocks import StandingClock
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import (
    CREATED,
    LIST_FIELDS,
    LIST_TAGS,
    LOOKED_UP,
    NEW_FIELD,
    NEW_TAG,
    TAGGED,
    UNTAGGED,
    UPDATED,
    WRITTEN,
    Account,
    account,
)
from worker.clock import Clock
from worker.errors import (
    CredentialRefused,
    KitRejected,
    KitUnavailable,
    NoMoreSubscribers,
    RateLimited,
)
from worker.kit.job import NobodyThere
from worker.kit.lists import LIST_AGAIN_AFTER
from worker.ledger.record_json import dump_record, load_record
from worker.mapping import Options
from worker.sandbox import Fault, FaultKind, Rule, Sandbox
from worker.sandbox.records import Plan
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part, TagWish, slot_key
from worker.subscribers.subscriber import Subscriber

TAG = "/v4/tags/*/subscribers/*"


def fields(count: int) -> dict[str, str | None]:
    return {f"field_{number}": f"value {number}" for number in range(count)}


def failing(*, path: str | None = None, skip: int = 0, applied: bool = False) -> Rule:
    """One call, after the first `skip` ones, is answered 502."""
    return Rule(Fault(FaultKind.STATUS, applied=applied), path=path, times=1, skip=skip)


async def known(of: Account, *tags: str, **kit_fields: str) -> None:
    """Given Ada is in Kit with these tags and fields, and this worker has met her and all its tags."""
    of.kit.add_subscriber(EMAIL, tags=tags, fields=kit_fields)
    await of.apply(change(0))
    for name in ("A", "B", "C"):
        of.kit.add_tag(name)
    await of.catalog.missing([], [])
    of.restart()
    await of.apply(change(0, remove=("A",)))
    if "A" in tags:
        of.kit.add_subscriber(EMAIL, tags=("A",))
    of.calls()


# -- the fewest calls ---------------------------------------------------------------------------------------


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


# -- options ------------------------------------------------------------------------------------------------


async def test_the_state_counts_only_for_people_whom_this_worker_creates() -> None:
    async with account() as of:
        of.kit.add_subscriber("bob@example.com", state="cancelled")
        asked = replace(change(), creates=Part("inactive", order(1)))

        await of.apply(asked)
        await of.apply(asked, email="bob@example.com")

        assert of.person.state == "inactive"
        assert of.kit.subscriber("bob@example.com").state == "cancelled"


async def test_an_address_that_kit_refuses_costs_the_move_alone() -> None:
    async with account() as of:
        await known(of)
        asked = replace(change(2, add=("A",)), address=Part("not-an-address", order(2)))

        await of.apply(asked)

        assert of.refused.keys() == {"the email address"}
        assert of.person.tags == {"A"}


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


async def test_what_events_that_are_done_are_owed_is_kept_while_kit_refuses_it() -> None:
    async with account() as of:
        of.kit.account.unwanted.texts = frozenset({"Old"})
        subscriber = of.subscriber()
        subscriber.record.owed = change(1, add=("Old", "Older"))
        with structlog.testing.capture_logs() as logs:
            await of.apply(change(2, add=("A",)), subscriber)

        assert of.person.tags == {"A", "Older"}
        assert subscriber.record.owed.tags.keys() == {"old"}
        assert [line["event"] for line in logs] == ["owed_refused"]
        of.kit.account.unwanted.texts = frozenset()
        await of.apply(change(3), subscriber)
        assert of.person.tags == {"A", "Old", "Older"}
        assert subscriber.record.owed == NOTHING


async def test_what_kit_has_refused_to_make_is_not_asked_again_for_events_that_had_come_by_then() -> None:
    """A backlog of a thousand people costs one call; a replay, which comes later, asks anew."""
    clock = StandingClock()
    async with account(sandbox=Sandbox(limit=False, plan=Plan(custom_field_limit=0))) as of:
        of.client.clock = clock
        of.kit.account.unwanted.texts = frozenset({"Bad"})
        clock.wait(10)
        came = clock.monotonic()
        clock.wait(1)
        refusals = []
        for since in (came, came, clock.monotonic()):
            asked = change(1, fields={"Plan": "x"}, add=("Bad",))
            parts = await of.writer.apply(of.subscriber(f"p{since}@example.com"), asked, since)
            assert {part.what for part in parts} == {"the custom field 'Plan'", "the tag 'Bad'"}
            calls = of.calls()
            refusals.append([call for call in calls if call.endswith(("403", "422"))])

        tried = ["POST /v4/custom_fields 403", "POST /v4/tags 422"]
        assert refusals == [tried, [], tried]


# -- nobody is created --------------------------------------------------------------------------------------

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


# -- no more mail -------------------------------------------------------------------------------------------


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


async def test_where_nothing_may_be_created_an_unknown_tag_or_field_is_refused_and_all_else_done() -> None:
    async with account(Options(create_missing=False)) as of:
        of.kit.add_tag("Known")
        of.kit.add_custom_field("Locale")

        await of.apply(change(add=("VIP", "Known"), fields={"Plan": "Annual", "Locale": "de"}))

        assert of.refused.keys() == {"the tag 'VIP'", "the custom field 'Plan'"}
        assert of.person.tags == {"Known"}
        assert of.person.fields == {"locale": "de"}
        assert of.kit.tags().keys() == {"Known"}
        assert of.kit.custom_fields().keys() == {"locale"}


# -- what others do in Kit meanwhile ------------------------------------------------------------------------


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


async def test_somebody_who_vanishes_again_and_again_is_a_refusal_and_no_endless_loop() -> None:
    async with account() as of:
        await known(of)
        not_found = of.sandbox.fail("status", status=404, path=TAG)
        of.sandbox.fail("status", status=404, path="/v4/subscribers/*")

        with pytest.raises(KitRejected, match="just made is not there"):
            await of.apply(change(add=("A",)))

        assert not_found.struck == 2


async def test_lists_that_lag_do_no_harm() -> None:
    """Given lists show nothing of what was written, then everything still ends as it should."""
    async with account(sandbox=Sandbox(limit=False, list_lag=300.0)) as of:
        await of.apply(change(1, add=("A",), fields={"Plan": "Monthly"}))
        of.restart()
        await of.apply(change(2, add=("B",), remove=("A",), fields={"Plan": "Annual"}))

        assert of.person.tags == {"B"}
        assert of.person.fields == {"plan": "Annual"}
        assert len(of.kit.tags()) == 2


# -- failures in the middle ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(10))
@pytest.mark.parametrize("applied", [False, True])
async def test_a_failure_at_any_step_costs_that_step_and_no_other(step: int, *, applied: bool) -> None:
    """Given any one call is answered 502, landed or not, then the next try goes on from there."""
    async with account() as of:
        of.kit.add_subscriber(EMAIL, tags=["Old", "Older"])
        asked = change(add=("A", "B"), remove=("Old", "Older"), fields={"Plan": "Annual"})
        of.sandbox.faults.add(failing(skip=step, applied=applied))
        subscriber = of.subscriber()

        with pytest.raises(KitUnavailable):
            await of.apply(asked, subscriber)
        first = of.calls()
        second = await of.apply(asked, subscriber)

        assert of.person.tags == {"A", "B"}
        assert of.person.fields == {"plan": "Annual"}
        done = [call for call in first + second if call.split()[-1] in {"200", "201", "204"}]
        assert sum(call.startswith("POST /v4/subscribers ") for call in done) == 1
        assert sum(call.startswith("DELETE") for call in done) == 2
        assert sum(call.startswith("POST /v4/tags/{") for call in done) == 2


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("reset", KitUnavailable),
        ("html", KitUnavailable),
        ("empty", KitUnavailable),
        ("cut_json", KitUnavailable),
        ("cut_body", KitUnavailable),
        ("login", KitUnavailable),
        ("rate_limited", RateLimited),
        ("unauthorized", CredentialRefused),
        ("hang", KitUnavailable),
    ],
)
@pytest.mark.parametrize("applied", [False, True])
async def test_after_any_mishap_a_second_try_makes_the_change_true(
    kind: str, error: type[Exception], *, applied: bool
) -> None:
    async with account(timeout=1.0 if kind == "hang" else 15.0) as of:
        await known(of, "B")
        of.sandbox.fail(kind, path=TAG, times=1, applied=applied)
        subscriber, asked = of.subscriber(), change(add=("A",), remove=("B",))

        with pytest.raises(error):
            await of.apply(asked, subscriber)
        await of.apply(asked, subscriber)

        assert of.person.tags == {"A"}


async def test_a_removal_is_sent_though_the_addition_before_it_seemed_to_fail() -> None:
    """Given adding a tag landed but was answered 502, when a newer event removes it, then it is removed."""
    async with account() as of:
        subscriber = of.subscriber()
        of.sandbox.fail("status", path=TAG, times=1, applied=True)
        older = change(1, add=("VIP",))
        with pytest.raises(KitUnavailable):
            await of.apply(older, subscriber)
        assert of.person.tags == {"VIP"}

        calls = await of.apply(older.merge(change(2, remove=("vip",))), subscriber)

        assert calls == [UNTAGGED]
        assert of.person.tags == set()


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


async def test_more_than_ten_fields_are_not_sent_again_where_they_arrived() -> None:
    async with account() as of:
        for name in fields(25):
            of.kit.add_custom_field(name)
        of.sandbox.faults.add(failing(path="/v4/subscribers/*"))
        subscriber = of.subscriber()
        with pytest.raises(KitUnavailable):
            await of.apply(change(fields=fields(25)), subscriber)

        assert await of.apply(change(fields=fields(25)), subscriber) == [WRITTEN, WRITTEN]
        assert of.person.fields == fields(25)


async def test_a_full_plan_refuses_who_is_new_and_nobody_else() -> None:
    """Given a plan that is full, whoever Kit has is written on, also where nobody here knew it."""
    async with account(sandbox=Sandbox(limit=False, plan=Plan(subscriber_limit=1))) as of:
        of.kit.add_subscriber(EMAIL)
        with pytest.raises(NoMoreSubscribers, match="This request would exceed your subscriber limit"):
            await of.apply(change(add=("A",)), email="new@example.com")
        await of.apply(change(add=("A",)))
        assert of.person.tags == {"A"}


async def test_a_refusal_repeats_no_address() -> None:
    async with account() as of:
        with pytest.raises(KitRejected) as caught:
            await of.apply(change(), email="not-an-address")

        assert "not-an-address" not in str(caught.value)


# -- asked for again ----------------------------------------------------------------------------------------

RETAGGED: Final = "POST /v4/tags/{tag_id}/subscribers/{id} 200"
AGAIN: Final = Change(again=float("inf"), creates=Part("active", order(9)))


async def test_what_somebody_undid_in_kit_is_done_again_where_it_is_asked_for() -> None:
    """Given a tag off, one on and a field changed by hand, all is as the events said, each part as theirs."""
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("VIP", "Old"), fields={"Plan": "Gold"}, first_name="Ada"), subscriber)
        await of.apply(change(2, remove=("Old",)), subscriber)
        of.relied_on, before = 0.0, subscriber.record.done
        await of.client.call("DELETE", "/v4/tags/{}/subscribers/{}", of.kit.tags()["VIP"], of.person.id)
        of.kit.add_subscriber(EMAIL, first_name="?", fields={"plan": "?"}, tags=["Old"])
        assert of.person.tags == {"Old"}

        assert await of.apply(AGAIN, subscriber) == [WRITTEN, UNTAGGED, TAGGED]
        assert of.person.tags == {"VIP"}
        assert (of.person.fields["plan"], of.person.first_name) == ("Gold", "Ada")
        assert subscriber.record.done == before
        assert subscriber.record.owed == NOTHING


async def test_a_second_try_to_do_all_again_goes_on_from_the_first() -> None:
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("A", "B"), fields={"Plan": "Gold"}), subscriber)
        since = Change(again=Clock().time(), creates=Part("active", order(9)))
        of.relied_on = 0.0
        of.sandbox.faults.add(failing(path=TAG, skip=1))
        with pytest.raises(KitUnavailable):
            await of.apply(since, subscriber)

        assert of.calls()[-3:] == [WRITTEN, RETAGGED, "POST /v4/tags/{tag_id}/subscribers/{id} 502"]
        assert await of.apply(since, subscriber) == [RETAGGED]


async def test_whom_kit_lost_is_there_again_with_all_that_should_be_so() -> None:
    async with account() as of:
        subscriber = of.subscriber()
        await of.apply(change(1, add=("VIP",), fields={"Plan": "Gold"}), subscriber)
        of.kit.delete_subscriber(EMAIL)

        await of.apply(AGAIN, subscriber)

        assert of.person.tags == {"VIP"}
        assert of.person.fields == {"plan": "Gold"}
