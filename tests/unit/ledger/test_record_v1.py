"""The records of the first version of the ledger are still read."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.ledger.records import EMPTY_V1, FULL_V1, record_of_version_1
from worker.ledger.record_json import UnreadableError
from worker.ledger.record_v1 import load_record_v1
from worker.subscribers.record import Record


@pytest.mark.parametrize(("text", "record"), [(FULL_V1, record_of_version_1()), (EMPTY_V1, Record(""))])
def test_every_part_is_read(text: str, record: Record) -> None:
    record.email, record.kit_id = "", None  # they are not in it
    assert msgspec.to_builtins(load_record_v1(text)) == msgspec.to_builtins(record)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"tags":{"vip":["VIP"]}}', '{"ensured":["","yesterday",1]}']
)
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        load_record_v1(text)
