"""What Kit refuses of a change: all else is done, and nothing is asked for in vain again."""

from __future__ import annotations

import pytest
import structlog.testing
from msgspec.structs import replace

from tests.clocks import StandingClock
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import account
from tests.unit.kit.writer.given import TAG, known
from worker.errors import KitRejected, NoMoreSubscribers
from worker.mapping import Options
from worker.sandbox import Sandbox
from worker.sandbox.records import Plan
from worker.subscribers.change import NOTHING
from worker.subscribers.parts import Part


async def test_an_address_that_kit_refuses_costs_the_move_alone() -> None:
    async with account() as of:
        await known(of)
        asked = replace(change(2, add=("A",)), address=Part("not-an-address", order(2)))

        await of.apply(asked)

        assert of.refused.keys() == {"the email address"}
        assert of.person.tags == {"A"}


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


async def test_somebody_who_vanishes_again_and_again_is_a_refusal_and_no_endless_loop() -> None:
    async with account() as of:
        await known(of)
        not_found = of.sandbox.fail("status", status=404, path=TAG)
        of.sandbox.fail("status", status=404, path="/v4/subscribers/*")

        with pytest.raises(KitRejected, match="just made is not there"):
            await of.apply(change(add=("A",)))

        assert not_found.struck == 2


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
