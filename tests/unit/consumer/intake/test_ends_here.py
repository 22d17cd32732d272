"""What ends in the first stage: no news, no event, nothing that a mapping names; each says why."""

from __future__ import annotations

from tests.unit.consumer.world import World, adds
from tests.unit.virtual_time import run, settle
from worker.accounts.account import Account
from worker.consumer.history_entry import history_entry
from worker.errors import Reason
from worker.mapping import Condition, EventMapping, Rule, Template
from worker.subscribers.learning import finish


def test_what_is_no_news_ends_at_once() -> None:
    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            pending = world.backlog.take(0.0)
            assert pending is not None
            pending.subscriber.record.note(pending.change, 1.0, {})
            finish(pending.subscriber.record, pending.change)
            world.in_hand.applied(pending.items[0])
            duplicate, older = world.comes(1), world.comes(0)
            await settle()
        assert world.kinds == {duplicate: "duplicate", older: "superseded"}

    run(main())


def test_what_cannot_be_read_or_applied_is_a_dead_letter() -> None:
    """Given no JSON, nobody, and an id of the wrong form, each ends with a reason of its own."""

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            broken = world.delivers(b"{")
            nobody = world.comes(2, "ada(at)example.com")
            odd = world.comes(3, id=["Ada"])
            await settle()
        assert world.settled == {
            broken: Reason.UNDECODABLE,
            nobody: Reason.INVALID_EVENT,
            odd: Reason.INVALID_EVENT,
        }
        assert world.consumer.unsettled == {}

    run(main())


def test_an_event_that_a_rule_skips_ends_without_a_question_and_says_which_rule() -> None:
    """Given somebody who wants no mail, nobody is looked up or created, and the history names the rule."""

    async def main() -> None:
        skips = Rule(when=(Condition("data.user.consent", ("false",)),), skip=True)
        mapping = EventMapping(Rule((Template("Member"),)), (skips,))
        world = World(account=Account("main", events={"user.signed_up": mapping}, version="1"))
        async with world.running():
            skipped = world.comes(1, consent=False)
            await settle()
            assert (world.kinds, world.ledger.asked) == ({skipped: "ignored"}, [])
            taken = world.comes(2, consent=True)
            await world.until_settled()
        assert world.kinds[taken] == "applied"
        entry = history_entry(world.report.outcomes[0], 0.0)
        assert entry is not None
        assert entry.detail == "skipped: rule 1 of user.signed_up says so"

    run(main())


def test_an_event_of_which_a_part_is_owed_goes_on_with_the_rest_and_says_what_is() -> None:
    """Given a tag that lacks its value, the event waits with all else, and keeps what it ends with."""

    async def main() -> None:
        world = World(account=adds("Member", "{data.user.plan} plan"))
        async with world.running(dispatch=False):
            world.comes(1)
            await settle()
            (item,) = world.backlog.items()
        assert item.change.tags.keys() == {"member"}
        assert str(item.refusal).startswith("data.user.plan: has no value")
        assert world.settled == {}

    run(main())


def test_an_event_that_no_mapping_names_is_acked_and_asks_nobody() -> None:
    async def main() -> None:
        world = World(account=adds("VIP", kind="order.paid"))
        async with world.running(dispatch=False):
            number = world.comes(1)
            await settle()
        assert world.kinds == {number: "ignored"}
        assert world.consumer.acked == [number]
        assert world.ledger.asked in ([], [set()])

    run(main())


def test_a_bug_in_reading_costs_one_message() -> None:
    class Odd(dict[str, object]):
        def get(self, *_: object) -> object:
            raise ZeroDivisionError

    async def main() -> None:
        world = World()
        async with world.running(dispatch=False):
            crashing = world.delivers(b"{}", headers=Odd())
            fine = world.comes(2)
            await settle()
        assert world.settled == {crashing: Reason.HANDLER_ERROR}
        assert world.folded == [fine]

    run(main())
