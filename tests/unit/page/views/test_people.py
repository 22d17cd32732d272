"""Who is found by an address or an id; how somebody stands to a tag or a field, in words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.page.letters import ledger_in
from tests.unit.page.serve import TOKEN, served
from worker.events.event import FIRST
from worker.kit.person import KitTag
from worker.ledger.person import Cause
from worker.ops.compared import FieldState, TagState
from worker.page.views.people import LATE, OTHERWISE, Because, PersonRow, field_row, tag_row
from worker.subscribers.identity import person_key
from worker.subscribers.known import Batch, Person
from worker.subscribers.record import Record

NOW = 1_000_000.0
CAUSE = Cause("2026-05-03T10:00:00Z", "subscription.started", rule=2)
BECAUSE = "subscription.started of 2026-05-03 10:00 UTC, rule 2; Kit told so 1970-01-01 00:02 UTC"
FILE = Because("v2", {("subscription.started", 2): 14})
ON = KitTag(7, "VIP", "2026-05-03T10:02:00Z")
TAG = TagState("VIP", wanted=True, cause=CAUSE, told_at=120.0, in_kit=ON)


async def test_of_people_with_one_id_in_several_apps_each_is_shown(tmp_path: Path) -> None:
    """Given two people with the id 42, of two apps, and one with 43, whoever looks for 42 chooses."""
    text = "app: [one, two]\nkit: {api_key_env: KIT_API_KEY_SUNNY}\n"
    async with served(tmp_path, texts={"sunny": text}) as client:
        async with ledger_in(tmp_path) as ledger:
            tenure = await ledger.take("sunny", apps=("one", "two"))
            have = {"ann@example.com": ("42", "one"), "bob@example.com": ("42", "two")}
            have |= {"cy@example.com": ("43", "two")}
            keys = {email: person_key(*user, tenure.home_app) for email, user in have.items()}
            records = [Record(email, users={key: FIRST}) for email, key in keys.items()]
            people = [Person(key, email) for email, key in keys.items()]
            await ledger.save(tenure, Batch(records, people))
        await client.sign_in(TOKEN)
        view = (await client.ask("/accounts/sunny/people?find=42")).text
        assert re.findall(r'href="(/accounts/sunny/people/[^"]+)".*, of the app (\w+)</li>', view) == [
            ("/accounts/sunny/people/ann%40example.com", "one"),
            ("/accounts/sunny/people/bob%40example.com", "two"),
        ]
        assert "Nobody is known here" not in view
        found = await client.ask("/accounts/sunny/people?find=43")
        assert found.place == "/accounts/sunny/people/cy%40example.com"
        assert "Nobody is known here" in (await client.ask("/accounts/sunny/people?find=44")).text


def row(tag: TagState, *, asked: bool = True) -> PersonRow:
    return tag_row(tag, FILE, asked=asked, lately=NOW)


def test_a_tag_that_is_as_it_should_be() -> None:
    assert row(TAG) == PersonRow("VIP", "on", "on since 2026-05-03 10:02 UTC", BECAUSE, owed=False)


@pytest.mark.parametrize(("wanted", "in_kit"), [(True, None), (False, ON)])
def test_a_tag_that_is_otherwise_in_kit_is_told_but_not_while_kits_list_may_be_late(
    *, wanted: bool, in_kit: KitTag | None
) -> None:
    tag = replace(TAG, wanted=wanted, in_kit=in_kit)
    assert row(tag).doubt == OTHERWISE
    assert row(replace(tag, told_at=NOW + 1)).doubt == LATE
    assert row(replace(tag, told_at=None)).doubt == OTHERWISE


@pytest.mark.parametrize("tag", [replace(TAG, owed=True, in_kit=None), replace(TAG, wanted=None, in_kit=ON)])
def test_what_is_still_to_be_done_or_not_by_us_is_no_difference(tag: TagState) -> None:
    assert row(tag).doubt == ""


def test_a_tag_that_was_not_read_is_not_said_to_be_off() -> None:
    """Given somebody with more tags in Kit than are read at once, nobody knows of another one."""
    assert row(replace(TAG, in_kit=None, unread=True)) == PersonRow("VIP", "on", "?", BECAUSE, owed=False)


def test_without_kits_answer_nothing_is_otherwise() -> None:
    assert row(replace(TAG, in_kit=None), asked=False) == PersonRow("VIP", "on", "?", BECAUSE, owed=False)


@pytest.mark.parametrize(
    ("field", "wanted", "in_kit", "doubt"),
    [
        (FieldState("Plan", "Gold", in_kit="Gold"), "Gold", "Gold", ""),
        (FieldState("Plan", "Gold", in_kit="Silver"), "Gold", "Silver", OTHERWISE),
        (FieldState("Plan", "Gold"), "Gold", "empty", OTHERWISE),
        (FieldState("Plan", None), "empty", "empty", ""),
        (FieldState("Plan", "Gold", owed=True), "Gold", "empty", ""),
        (FieldState("Plan", None, is_ours=False, in_kit="x"), "no event", "x", ""),
    ],
)
def test_a_field_is_held_against_kit(field: FieldState, wanted: str, in_kit: str, doubt: str) -> None:
    found = field_row(field, FILE, asked=True)
    assert (found.wanted, found.in_kit, found.doubt) == (wanted, in_kit, doubt)
    assert field_row(field, FILE, asked=False).doubt == ""


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (None, "not by us"),
        (CAUSE, "subscription.started of 2026-05-03 10:00 UTC, rule 2"),
        (replace(CAUSE, version="v1"), "subscription.started of 2026-05-03 10:00 UTC, rule 2"),
        (replace(CAUSE, version="v2"), "subscription.started of 2026-05-03 10:00 UTC, rule 2, line 14"),
        (Cause("2026-05-03T10:00:00Z"), "an event of 2026-05-03 10:00 UTC"),
    ],
)
def test_the_cause_is_told_with_its_line_while_the_file_is_the_same(cause: Cause | None, words: str) -> None:
    assert FILE.of(cause) == words
