"""A record as text, and back: nothing is lost, and what is no such text is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ledger.records import ADA, full_record
from worker.events.event import OrderKey
from worker.ledger.record_json import UnreadableError, dump_record, load_record
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag, KnownPart, Moved


def state(record: Record) -> dict[str, Any]:
    """All of a record, as what can be compared, down to the rules of its tags."""
    found: dict[str, Any] = msgspec.to_builtins(record)
    return found


texts = st.text(st.characters(exclude_categories=()), max_size=20)  # halves of surrogate pairs, too
times = st.datetimes(
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001  # hypothesis wants it so
    min_value=datetime(2, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
orders = st.builds(OrderKey, texts, times, st.integers(-(2**70), 2**70))
wishes = st.builds(TagWish, texts, st.booleans(), st.booleans(), st.integers(0, 99))
moments = st.floats(0, 1e10)
tags = st.dictionaries(texts, st.builds(Part, wishes, orders), max_size=3)
fields = st.dictionaries(texts, st.builds(Part, st.none() | texts, orders), max_size=3)
names = st.none() | st.builds(Part, texts, orders)
records = st.builds(
    Record,
    st.just(ADA),
    st.none() | st.integers(1, 2**60),
    tags=st.dictionaries(texts, st.builds(KnownPart, st.builds(Part, wishes, orders), moments), max_size=3),
    fields=st.dictionaries(
        texts, st.builds(KnownPart, st.builds(Part, st.none() | texts, orders), moments), max_size=3
    ),
    first_name=st.none() | st.builds(KnownPart, st.builds(Part, texts, orders), moments),
    ensured=orders,
    gave=tags,
    seen=st.dictionaries(texts, st.none(), max_size=3),
    users=st.dictionaries(texts, orders, max_size=3),
    owed=st.builds(Change, tags=tags, fields=fields, first_name=names),
    placed=st.none() | orders,
    moved=st.none() | st.builds(Moved, texts, orders),
    created=st.booleans(),
    asked=st.booleans(),
    facts=st.lists(st.builds(Fact, orders, st.booleans(), texts, texts), max_size=3).map(tuple),
    base=st.builds(Change, tags=tags, fields=fields),
    tags_off=st.none() | st.builds(Part, st.booleans(), orders),
    moving=st.booleans(),
    held=st.dictionaries(texts, st.builds(HeldTag, texts, orders, moments, texts), max_size=3),
)


@given(records)
def test_what_is_stored_comes_back(record: Record) -> None:
    texts = dump_record(record)
    for text in filter(None, texts):
        text.encode()  # every database takes it
        assert "\0" not in text
    assert state(load_record(record.email, record.kit_id, *texts)) == state(record)


def test_a_record_with_something_in_every_part_comes_back() -> None:
    record = full_record()
    assert all(getattr(record, name) for name in Record.__struct_fields__)  # the test forgets none
    assert state(load_record(ADA, record.kit_id, *dump_record(record))) == state(record)


def test_the_text_names_nobody_and_only_what_there_is() -> None:
    assert ADA not in str(dump_record(full_record()))
    assert json.loads(dump_record(Record(ADA, 7)).state).keys() == {"ensured"}
    assert dump_record(Record(ADA, 7)).facts is None


def test_a_record_that_was_read_can_be_changed() -> None:
    """Given two that were read from one text, then what is noted in one is not noted in the other."""
    texts = dump_record(Record(ADA, 7))
    one, other = load_record(ADA, 7, *texts), load_record(ADA, 7, *texts)
    one.see("mark")
    one.note(Change(tags={"vip": Part(TagWish("VIP", present=True), full_record().ensured)}), 1.0, {})
    assert (other.seen, other.tags) == ({}, {})
    assert one != other


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"text"',
        '{"tags":[]}',
        '{"tags":{"vip":["VIP"]}}',
        '{"tags":{"vip":[[["VIP",true,false,0],["","yesterday",1]],1.0,0]}}',
        '{"seen":1}',
        '{"created":"yes"}',
        '{"moved":["eve@example.com"]}',
        '{"users":{"u":["\\ud800","2026-07-01T12:00:00Z","1"]}}',
    ],
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        load_record(ADA, 7, text)
    with pytest.raises(UnreadableError):
        load_record(ADA, 7, "{}", text)
