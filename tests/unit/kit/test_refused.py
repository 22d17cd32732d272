"""Each part stands for itself: what Kit refuses costs only that, and the events that ask for it owe it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.unit.examples import change, order
from tests.unit.kit.harness import KEY, Account, account
from worker.errors import EventError, KitPlanFull, KitRejected, PartlyApplied, Reason, UnknownTag
from worker.kit.auth.login import api_key_login, token_login
from worker.kit.refused import REST, RefusedPart, owing, refused, still_owed
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.fact import Fact
from worker.subscribers.parts import TagWish
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

LOGINS: Final = {"single": api_key_login(SecretStr(KEY)), "bulk": token_login(SecretStr(KEY))}
NO: Final = KitRejected("Kit answered 422")


def owed(asked: Change, *parts: list[RefusedPart], besides: EventError | None = None) -> EventError | None:
    """Why event 1 ends as a dead letter."""
    return owing(asked, order(1), [each for some in parts for each in some], besides)


# -- what is said -------------------------------------------------------------------------------------------


def test_an_event_of_which_nothing_is_refused_owes_nothing() -> None:
    others = refused(change(2, add=("VIP",)), NO)
    assert owed(change(1, add=("Gold",)), others) is None
    assert owed(change(1, remove=("VIP",)), others) is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NO, Reason.KIT_REJECTED),
        (KitPlanFull("full"), Reason.KIT_PLAN_FULL),
        (UnknownTag("lacks it"), Reason.UNKNOWN_TAG),
    ],
)
def test_where_nothing_else_is_applied_the_reason_is_why(error: EventError, reason: Reason) -> None:
    asked = change(1, add=("VIP",))
    why = owed(asked, refused(asked, error))
    assert why is not None
    assert (why.reason, str(why)) == (reason, f"the tag 'VIP': {error}")


def test_each_part_is_named_and_each_reason_once() -> None:
    asked = change(1, add=("VIP", "Gold"), fields={"Plan": "x", "Locale": None, "Fine": "y"}, first_name="A")
    lacking = refused(change(1, fields={"Plan": "x", "Locale": None}), KitPlanFull("upgrade it"))
    why = owed(asked, lacking, refused(change(1, add=("VIP",), first_name="A"), NO))
    assert isinstance(why, PartlyApplied)
    assert str(why) == (
        "the custom field 'Plan', the custom field 'Locale': upgrade it; "
        f"the tag 'VIP', the first name: Kit answered 422; {REST}"
    )


def test_two_reasons_and_nothing_applied_are_kits_refusal() -> None:
    asked = change(1, add=("VIP",), fields={"Plan": "x"})
    why = owed(
        asked,
        refused(change(1, add=("VIP",)), UnknownTag("lacks")),
        refused(change(1, fields={"Plan": "x"}), NO),
    )
    assert why is not None
    assert why.reason is Reason.KIT_REJECTED


def test_tags_that_may_not_be_made_keep_their_reason_though_all_else_is_applied() -> None:
    why = owed(
        change(1, add=("VIP",), first_name="Ada"), refused(change(1, add=("VIP",)), UnknownTag("lacks"))
    )
    assert why is not None
    assert (why.reason, REST in str(why)) == (Reason.UNKNOWN_TAG, True)


def test_what_the_mapping_owes_is_said_too() -> None:
    besides = PartlyApplied("the tag '{x} access' is owed")
    why = owed(change(1, add=("VIP",)), refused(change(1, add=("VIP",)), NO), besides=besides)
    assert isinstance(why, PartlyApplied)
    assert str(why) == "the tag '{x} access' is owed; the tag 'VIP': Kit answered 422"
    assert owed(change(1, add=("VIP",)), besides=besides) is besides


def test_whoever_asks_for_the_same_owes_it_though_a_newer_event_does_too() -> None:
    newest = refused(change(2, add=("VIP",), fields={"Plan": "x"}), NO)
    assert owed(change(1, add=("vip",)), newest) is not None
    assert owed(change(1, fields={"Plan": "x"}), newest) is not None
    assert owed(change(1, fields={"Plan": "y"}), newest) is None  # a newer event says otherwise


def test_a_field_that_cannot_be_had_is_owed_by_all_who_set_it() -> None:
    newest = refused(change(2, fields={"Plan": "x"}), NO, whatever=True)
    assert owed(change(1, fields={"Plan": "y"}), newest) is not None


def test_the_parts_of_a_fact_are_its_events() -> None:
    fact = Fact(order(1), opens=True, tags={"vip": TagWish("VIP", present=True)}, shows={"Plan": "x"})
    why = owed(Change(facts=(fact,)), refused(change(2, add=("VIP",)), NO))
    assert isinstance(why, PartlyApplied)  # the field is applied


def test_what_events_that_are_done_are_owed_goes_on_being_owed_and_nothing_else() -> None:
    before = change(1, add=("Old", "Fine"), fields={"Plan": "x"}, first_name="Ada")
    asked = change(2, add=("Old", "New"))
    parts = refused(merge_all([before, asked]), NO)
    parts = [part for part in parts if part.key != ("tag", "fine")]
    left = still_owed(before, asked, parts)
    assert left == Change(fields=before.fields, first_name=before.first_name)
    assert still_owed(before, asked, []) == NOTHING
    in_hand = change(1, add=("Old",))  # Kit lost the subscriber while it was applied
    assert still_owed(before, in_hand, refused(in_hand, NO)) == NOTHING


# -- any parts, any events ----------------------------------------------------------------------------------

TAGS, FIELDS, VALUES = ("A", "B", "C"), ("F", "G", "H"), ("x", "y", "bad")
UNWANTED = st.frozensets(st.sampled_from([*TAGS, *FIELDS, "bad", "Bad name"]), max_size=4)


@dataclass(frozen=True)
class Asked:
    """What an event asks for."""

    tags: Mapping[str, bool]
    fields: Mapping[str, str] = field(default_factory=dict)
    first_name: str | None = None

    def change(self, number: int) -> Change:
        return change(
            number,
            add=tuple(tag for tag, present in self.tags.items() if present),
            remove=tuple(tag for tag, present in self.tags.items() if not present),
            fields=dict(self.fields),
            first_name=self.first_name,
        )

    def owes(self, newest: Asked, unwanted: frozenset[str]) -> bool:
        """Whether it asks for something that stands and that Kit does not take."""
        tags = (tag for tag, present in self.tags.items() if present and newest.tags[tag])
        values = ((name, value) for name, value in self.fields.items())
        return (
            any(tag in unwanted for tag in tags)
            or any(
                name in unwanted or (value in unwanted and newest.fields[name] == value)
                for name, value in values
            )
            or (self.first_name in unwanted and self.first_name == newest.first_name)
        )


EVENT = st.builds(
    Asked,
    st.dictionaries(st.sampled_from(TAGS), st.booleans(), max_size=3),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES), max_size=3),
    st.sampled_from([None, None, "Ada", "Bad name"]),
)


def newest(events: list[Asked]) -> Asked:
    """What stands of them all."""
    tags = {tag: present for event in events for tag, present in event.tags.items()}
    values = {name: value for event in events for name, value in event.fields.items()}
    names = [event.first_name for event in events if event.first_name is not None]
    return Asked(tags, values, names[-1] if names else None)


def right(asked: Asked, unwanted: frozenset[str]) -> tuple[set[str], dict[str, str], str | None]:
    """What somebody new has then in Kit."""
    tags = {tag for tag, present in asked.tags.items() if present and tag not in unwanted}
    values = {
        name.lower(): value
        for name, value in asked.fields.items()
        if name not in unwanted and value not in unwanted
    }
    return tags, values, None if asked.first_name in unwanted else asked.first_name


async def write(of: Account, asked: dict[Subscriber, Change]) -> dict[Subscriber, list[RefusedPart]]:
    """Write changes as a session does: together as far as that goes."""
    end = await of.writer.apply_together(list(asked.items()))
    assert end.error is None
    parts = {each: list(end.refused.get(each, ())) for each in end.done}
    return parts | {each: list(await of.writer.apply(each, asked[each])) for each in end.alone}


@pytest.mark.parametrize("way", ["single", "bulk"])
@settings(max_examples=40)
@given(st.lists(st.lists(EVENT, min_size=1, max_size=4), min_size=2, max_size=4), UNWANTED, st.booleans())
def test_all_but_what_is_refused_is_applied_and_exactly_its_events_owe_it(
    way: str, people: list[list[Asked]], unwanted: frozenset[str], named: bool
) -> None:
    """And once Kit takes everything, replaying them completes what they owe, and calls for nothing else."""

    async def main() -> None:
        async with account(login=LOGINS[way]) as of:
            of.kit.account.unwanted.texts, of.kit.account.unwanted.named = unwanted, named
            everybody = [Subscriber(Record(f"p{number}@example.com")) for number in range(len(people))]
            changes = [[event.change(at) for at, event in enumerate(each, 1)] for each in people]
            merged = [merge_all(each) for each in changes]
            parts = await write(of, dict(zip(everybody, merged, strict=True)))
            replayed = {}
            for who, events, asked in zip(everybody, people, changes, strict=True):
                stands = newest(events)
                dead = [
                    at for at, one in enumerate(asked, 1) if owing(one, order(at), parts[who]) is not None
                ]
                assert dead == [at for at, event in enumerate(events, 1) if event.owes(stands, unwanted)]
                assert found(of, who) == right(stands, unwanted)
                if dead:
                    replayed[who] = merge_all(asked[at - 1] for at in dead)
            of.kit.account.unwanted.texts = frozenset()
            taggings = of.sandbox.count(KEY, endpoint="POST /v4/tags/{tag_id}/subscribers/{id}", status=200)
            assert not any((await write(of, replayed)).values())
            for who, events in zip(everybody, people, strict=True):
                assert found(of, who) == right(newest(events), frozenset())
            again = of.sandbox.count(KEY, endpoint="POST /v4/tags/{tag_id}/subscribers/{id}", status=200)
            assert again == taggings  # nobody was given a tag that was there

    asyncio.run(main())


def found(of: Account, who: Subscriber) -> tuple[set[str], dict[str, str], str | None]:
    person = of.kit.subscriber(who.record.email)
    return set(person.tags), dict(person.fields), person.first_name


def test_whoever_asked_for_all_again_owes_whatever_is_refused() -> None:
    again = Change(again=1.0)
    why = owed(again, refused(change(2, add=("VIP",)), NO))
    assert isinstance(why, PartlyApplied)
    assert str(why) == f"the tag 'VIP': Kit answered 422; {REST}"
    assert owed(again) is None
