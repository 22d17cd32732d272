"""A file of members, row by row; what is wrong is told with its line, and the rest is read all the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.accounts.account import Account
from worker.events.row import Row
from worker.ops.backfill.options import BackfillOptions, MembersFileError
from worker.ops.backfill.reading import NO_TIME, NO_TYPE, NO_UTF_8, WrongRow, read_rows

AS_OF = datetime(2024, 1, 1, tzinfo=UTC)
BY_OPTIONS = BackfillOptions(event_type="user.signed_up", as_of=AS_OF)
SUNNY = Account("sunny", ("sunny-kitchen",))
PLAIN = Account("plain")
EVENT = {"type": "user.signed_up", "time": "2024-01-01T00:00:00Z", "data": {"user": {"email": "a@b.example"}}}


def rows(
    text: bytes, options: BackfillOptions = BY_OPTIONS, account: Account = PLAIN
) -> list[Row | WrongRow]:
    return list(read_rows(io.BytesIO(text), account, options).rows)


def wrong(text: bytes, options: BackfillOptions = BY_OPTIONS) -> list[WrongRow]:
    return [row for row in rows(text, options) if isinstance(row, WrongRow)]


def test_lines_of_json_are_the_contracts_events() -> None:
    cloud_event = {"specversion": "1.0", "id": 7, "source": "/x", **EVENT}
    text = "\n".join([json.dumps(EVENT), "", json.dumps(cloud_event)])
    assert rows(text.encode(), BackfillOptions()) == [
        Row(1, json.dumps(EVENT).encode(), "user.signed_up", "user.signed_up"),
        Row(3, json.dumps(cloud_event).encode(), "user.signed_up", "user.signed_up", "7", cloud_event=True),
    ]


def test_an_event_is_the_accounts_app_s_and_that_of_one_of_several_has_to_be_said() -> None:
    (row,) = rows(json.dumps(EVENT).encode(), BackfillOptions(), SUNNY)
    assert isinstance(row, Row)
    assert row.routing_key == "user.signed_up.sunny-kitchen"
    two = Account("two", ("a", "b"))
    with pytest.raises(MembersFileError, match="say --app with one of a, b"):
        rows(json.dumps(EVENT).encode(), BackfillOptions(), two)
    (row,) = rows(json.dumps(EVENT).encode(), BackfillOptions(app="b"), two)
    assert isinstance(row, Row)
    assert row.routing_key == "user.signed_up.b"
    with pytest.raises(MembersFileError, match="--app c: the account takes a, b"):
        rows(json.dumps(EVENT).encode(), BackfillOptions(app="c"), two)


def test_type_and_time_come_from_the_options_where_a_row_has_none() -> None:
    text = b'{"data": {}}\n{"occurred_at": "2024-02-02T00:00:00Z", "type": "x", "data": {}}\n'
    first, second = rows(text)
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert (first.kind, first.as_of, second.kind, second.as_of) == ("user.signed_up", AS_OF, "x", None)
    assert wrong(text, BackfillOptions(as_of=AS_OF)) == [WrongRow(1, NO_TYPE)]
    assert wrong(text, BackfillOptions(event_type="y")) == [WrongRow(1, NO_TIME)]


def test_all_wrong_rows_are_told_with_their_lines() -> None:
    text = b'{"id":1}\n\n[1]\n{"data":\n"text"\n{"id":2}\n'
    assert [row.line for row in rows(text)] == [1, 3, 4, 5, 6]
    assert [row.line for row in wrong(text)] == [3, 4, 5]


def test_a_table_of_a_spreadsheet_is_read() -> None:
    """A mark at the beginning, carriage returns, quotes over lines, empty lines, and cells left out."""
    text = '\ufeffEmail;mk_first_name;id\r\na@b.example;"Ada; ""A""\r\nL";e-1\r\n;;\r\n\r\nb@b.example\r\n'
    first, second = rows(text.encode())
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    user = {"email": "a@b.example", "first_name": 'Ada; "A"\r\nL'}
    assert json.loads(first.body) == {"id": "e-1", "data": {"user": user}}
    assert (first.line, first.id, first.kind, first.as_of) == (2, "e-1", "user.signed_up", AS_OF)
    assert (second.line, json.loads(second.body)) == (6, {"data": {"user": {"email": "b@b.example"}}})


def test_what_is_wrong_in_a_table_costs_its_row_alone() -> None:
    text = b'email,mk_first_name\na@b.example,a,b\nb@b.example,M\xfcller\nc@b.example,"a"b\nd@b.example,D\n"e'
    found = rows(text)
    assert [(row.line, type(row)) for row in found] == [
        (2, WrongRow), (3, WrongRow), (4, WrongRow), (5, Row), (6, WrongRow),
    ]  # fmt: skip
    assert found[1] == WrongRow(3, NO_UTF_8)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"", "empty"),
        (b" \r\n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'[{"type": "x"}]', "each event on a line of its own"),
        ("email\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04...", "spreadsheet"),
        (b"\x1f\x8b...", "gzip"),
        (b"email,M\xfcller\n", "UTF-8"),
        (b"name\nAda\n", "no column is the email address"),
    ],
)
def test_what_is_no_such_file_is_said_at_once(text: bytes, fault: str) -> None:
    with pytest.raises(MembersFileError, match=fault):
        rows(text)


def test_columns_are_a_tables() -> None:
    with pytest.raises(MembersFileError, match="--map is for a table"):
        rows(b'{"data": {}}', BackfillOptions(columns=(("a", "email"),)))


CELL = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), max_size=10), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]))
def test_whatever_a_cell_holds_it_comes_out_as_it_was_put_in(
    cells: Sequence[tuple[str, str]], separator: str, end: str
) -> None:
    """Given a table as any program writes it, each row's cells are found, less their outer blanks."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("email", "data.a.b", "data.c.d"), *(("a@b.example", *row) for row in cells)])
    found = [json.loads(row.body)["data"] for row in rows(buffer.getvalue().encode()) if isinstance(row, Row)]
    assert found == [
        {
            "user": {"email": "a@b.example"},
            **({"a": {"b": one.strip()}} if one.strip() else {}),
            **({"c": {"d": other.strip()}} if other.strip() else {}),
        }
        for one, other in cells
    ]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_are_rows_come_or_a_fault_is_said(text: bytes) -> None:
    for begin in (b"", b"email,id\n", b'{"data": {}}\n'):
        with suppress(MembersFileError):
            assert all(row.line > 0 for row in rows(begin + text))
