"""What the writer calls, and what it holds, where more tags would be new than may be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.bulk_calls.together import LOGIN
from tests.unit.kit.harness import TAGGED, Account, account
from worker.mapping import Options
from worker.sandbox import Sandbox
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


def one() -> Options:
    """Return options by which one tag may be new within an hour."""
    return Options(max_new_taggings_per_hour=1)


@pytest.fixture
async def of() -> AsyncIterator[Account]:
    async with account(one()) as of:
        yield of


def new(email: str = EMAIL) -> Subscriber:
    return Subscriber(Record(email), is_written=True)


def tags(of: Account, email: str = EMAIL) -> set[str]:
    return set(of.kit.subscriber(email).tags)


def counts(of: Account) -> int:
    """Return how many new tags the ledger was told of."""
    return sum(count for batch in of.batches for count in batch.taggings.values())


async def test_what_is_too_much_is_held_and_owed_and_all_else_is_done(of: Account) -> None:
    """Given two tags where one may be new, fields and the first are there, and the second is owed."""
    ada = new()
    await of.apply(change(add=("A", "B"), fields={"plan": "Gold"}), ada)
    assert (tags(of), of.kit.subscriber(EMAIL).fields) == ({"A"}, {"plan": "Gold"})
    assert list(ada.record.held) == ["b"]
    assert ada.record.owed.tags["b"].value.present
    assert "B" not in of.kit.tags(), "nobody has it, so it is not made"


async def test_a_tag_that_is_wanted_no_more_is_held_no_more(of: Account) -> None:
    ada = new()
    await of.apply(change(1, add=("A", "B")), ada)
    await of.apply(change(2, remove=("B",)), ada)
    assert (ada.record.held, tags(of)) == ({}, {"A"})
    await of.apply(change(1, add=("A", "B")), ada)  # a late copy
    assert (ada.record.held, tags(of)) == ({}, {"A"})


async def test_what_is_held_stays_so_until_it_is_allowed_however_much_room_there_is(of: Account) -> None:
    ada = new()
    await of.apply(change(1, add=("A", "B")), ada)
    of.catalog.options = Options(max_new_taggings_per_hour=100)
    await of.apply(change(2, add=("B",), fields={"plan": "Gold"}), ada)
    assert tags(of) == {"A"}
    calls = await of.apply(Change(allows=frozenset({"b"})), ada)
    assert (calls[-1], tags(of), ada.record.held) == (TAGGED, {"A", "B"}, {})


async def test_what_is_allowed_does_not_count_against_others(of: Account) -> None:
    ada, bob = new(), new("bob@example.com")
    of.catalog.options = Options(max_new_taggings_per_hour=0)
    await of.apply(change(1, add=("A",)), ada)
    await of.apply(Change(allows=frozenset({"a"})), ada)
    of.catalog.options = Options(max_new_taggings_per_hour=2)
    await of.apply(change(1, add=("A",)), bob)
    assert (tags(of), tags(of, "bob@example.com")) == ({"A"}, {"A"})


async def test_what_is_held_goes_by_no_file_that_is_applied(of: Account) -> None:
    """Given a tag that is held, whoever applies a file that asks for it, too, has not let it through."""
    of.catalog.options = Options(max_new_taggings_per_hour=0)
    ada, asked = new(), change(1, add=("A",))
    await of.apply(asked, ada)
    await of.apply(replace(asked, anew=frozenset({order(1)})), ada)
    assert (tags(of), list(ada.record.held)) == (set(), ["a"])


async def test_what_is_held_and_no_file_asks_for_any_more_is_held_no_more(of: Account) -> None:
    """Given a held tag of a file of before, whoever hears its event anew by another file gets that one's."""
    of.catalog.options = Options(max_new_taggings_per_hour=0)
    ada, events = new(), frozenset({order(1)})
    await of.apply(change(1, add=("A",)), ada)
    await of.apply(replace(change(1, add=("B",)), anew=events), ada)
    assert (tags(of), ada.record.held, ada.record.owed.tags) == ({"B"}, {}, {})


async def test_what_somebody_applies_passes_and_what_comes_besides_does_not(of: Account) -> None:
    """Given no room, what events of before ask for anew is put on; another event's tag is held."""
    of.catalog.options = Options(max_new_taggings_per_hour=0)
    ada = new()
    anew = replace(change(1, add=("A",)), anew=frozenset({order(1)}))
    await of.apply(anew.merge(change(2, add=("B",))), ada)
    assert (tags(of), list(ada.record.held)) == ({"A"}, ["b"])


async def test_a_tag_that_was_there_counts_not_and_the_ledger_knows_before_the_call(of: Account) -> None:
    of.kit.add_subscriber(EMAIL, tags=["A"])
    ada = new()
    await of.apply(change(1, add=("A",)), ada)
    assert counts(of) == 1, "before the call"
    of.in_hand.taggings.let_go()
    assert of.in_hand.taggings.take_unsaved() != {}, "and back again"
    await of.apply(change(2, add=("B",)), ada)
    assert tags(of) == {"A", "B"}


async def test_of_many_at_once_each_waits_for_what_may_turn_out_to_be_none() -> None:
    """Given ten people who have the tag and one who has not, where one may be new, nobody is held."""
    async with account(one(), sandbox=Sandbox(limit=False, latency=0.02)) as of:
        emails = [f"p{number}@example.com" for number in range(11)]
        for email in emails[:-1]:
            of.kit.add_subscriber(email, tags=["A"])
        people = [new(email) for email in emails]
        writer = of.writer  # one session's
        await asyncio.gather(*(writer.apply(each, change(add=("A",))) for each in people))
        assert [each.record.held for each in people] == [{}] * 11


async def test_together_as_many_are_tagged_as_may_be() -> None:
    async with account(Options(max_new_taggings_per_hour=150), login=LOGIN) as of:
        people = [new(f"p{number}@example.com") for number in range(400)]
        asked = change(add=("A",), fields={"plan": "Gold"})
        end = await of.writer.apply_together([(each, asked) for each in people])
        assert len(end.done) == 400
        tagged = sum("A" in person.tags for person in of.kit.subscribers().values())
        assert (tagged, sum(bool(each.record.held) for each in people)) == (150, 250)
        assert all(person.fields == {"plan": "Gold"} for person in of.kit.subscribers().values())


async def test_together_a_tag_that_was_there_counts_not() -> None:
    """Given 300 people who have had a tag for long, and three who have not, of 100 none is held."""
    began = time.time() - 3600.0
    sandbox = Sandbox(limit=False, wall=lambda: began)
    async with account(Options(max_new_taggings_per_hour=100), sandbox=sandbox, login=LOGIN) as of:
        emails = [f"p{number}@example.com" for number in range(303)]
        for email in emails[:-3]:
            of.kit.add_subscriber(email, tags=["A"])
        began += 3600.0
        people = [new(email) for email in emails]
        end = await of.writer.apply_together([(each, change(add=("A",))) for each in people])
        assert len(end.done) == 303
        assert [each.record.held for each in people] == [{}] * 303
        assert of.calls().count("POST /v4/bulk/tags/subscribers 200") == 4


async def test_a_single_tag_among_many_people_is_one_call_that_counts_once() -> None:
    async with account(one(), login=LOGIN) as of:
        asked = [(new("a@example.com"), change(add=("A",))), (new("b@example.com"), change())]
        async with asyncio.timeout(10):
            end = await of.writer.apply_together(asked)
        assert len(end.done) == 2
        assert tags(of, "a@example.com") == {"A"}


async def test_what_a_plan_has_agreed_to_passes_and_what_is_held_stays_so(of: Account) -> None:
    """Given no room, an imported event's tags are put on; another event's, and one that is held, are not."""
    of.catalog.options = Options(max_new_taggings_per_hour=0)
    ada = new()
    await of.apply(change(1, add=("A",)), ada)
    agreed = replace(change(3, add=("A", "B")), agreed=frozenset({order(3)}))
    at_once = order(3)._replace(arrival=9)
    happened = Change(tags={"d": Part(TagWish("D", present=True), at_once)})
    await of.apply(agreed.merge(change(2, add=("C",))).merge(happened), ada)
    assert (tags(of), set(ada.record.held)) == ({"B"}, {"a", "c", "d"})


def tag_calls(of: Account) -> list[str]:
    """Return which tags were put on, by single calls, in the order of these."""
    names = {id_: name for name, id_ in of.kit.tags().items()}
    paths = [
        call.path.split("/") for call in of.sandbox.calls() if f"{call.endpoint} {call.status}" == TAGGED
    ]
    return [names[int(path[3])] for path in paths]


async def test_a_marker_is_there_before_all_other_tags(of: Account) -> None:
    of.catalog.options = Options(max_new_taggings_per_hour=100)
    await of.apply(replace(change(add=("A", "Old", "B")), first=frozenset({"old"})), new())
    assert tag_calls(of) == ["Old", "A", "B"]


async def test_a_marker_of_many_people_has_a_call_of_its_own_before_all_others() -> None:
    async with account(Options(max_new_taggings_per_hour=100_000), login=LOGIN) as of:
        people = [new(f"p{number}@example.com") for number in range(60)]
        asked = replace(change(add=("A", "Old")), first=frozenset({"old"}))
        end = await of.writer.apply_together([(each, asked) for each in people])
        assert len(end.done) == 60
        assert of.calls().count("POST /v4/bulk/tags/subscribers 200") == 2
        ids = of.kit.tags()
        assert ids["Old"] < ids["A"], "a tag is made when it is first put on"
