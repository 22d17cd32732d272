"""What the columns of a table of members are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.handlers.base import PLATFORM_FIELDS
from worker.ops.backfill.columns import Columns, read_columns
from worker.ops.backfill.options import MembersFileError


def paths(line: str, *said: tuple[str, str]) -> tuple[str, ...]:
    return read_columns(line, said).paths


def test_a_column_is_known_by_its_name() -> None:
    line = (
        "ID,Type,time,E-Mail,email,mk_first_name,MK_SUBSCRIPTION_PLAN,data.user.locale,order.total,Notes\r\n"
    )
    columns = read_columns(line, [])
    assert columns.paths == (
        "id", "type", "time", "", "user.email", "user.first_name", "subscription.plan", "user.locale",
        "order.total", "",
    )  # fmt: skip
    assert columns.unread == ("E-Mail", "Notes")


def test_somebody_says_what_a_column_is_where_its_name_does_not() -> None:
    assert paths("Mail,Joined on,Plan", ("Mail", "email"), ("Plan", "mk_subscription_plan")) == (
        "user.email", "", "subscription.plan",
    )  # fmt: skip
    assert paths("email,when", ("when", "time")) == ("user.email", "time")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_says_itself_what_stands_between_its_cells(separator: str) -> None:
    """Spreadsheets of some countries write semicolons; a comma within quotes is none."""
    columns = read_columns(separator.join(["email", '"Plan, or none"', "mk_first_name"]), [])
    assert columns.separator == separator
    assert columns.names == ("email", "Plan, or none", "mk_first_name")


@pytest.mark.parametrize(
    ("line", "said", "fault"),
    [
        ("mail,plan", (), "no column is the email address"),
        ("", (), "no column is the email address"),
        ("email\rada@example.com", (), "the first line is none of a table"),
        ("email,mk_frist_name", (), "did you mean mk_first_name"),
        ("email,Plan", (("Plam", "mk_subscription_plan"),), "no such column; did you mean Plan"),
        ("email,Plan", (("Plan", "plan"),), "neither a platform field nor a path"),
        ("email,Plan", (("Plan", "data. x"),), "neither a platform field nor a path"),
        ("email,EMAIL", (), "more than one column is user.email"),
        ("email,mk_user_id,data.user.id", (), "more than one column is user.id"),
        ("email,data.order.x,data.order.x.y", (), "which lies within it"),
    ],
)
def test_what_cannot_be_told_is_said(line: str, said: tuple[tuple[str, str], ...], fault: str) -> None:
    with pytest.raises(MembersFileError, match=fault):
        read_columns(line, said)


def test_a_cell_that_is_empty_says_nothing_and_a_missing_one_neither() -> None:
    columns = read_columns("email,id,mk_first_name,mk_user_id", [])
    assert columns.event([" ada@example.com ", " ", "", "u-1"]) == {
        "data": {"user": {"email": "ada@example.com", "id": "u-1"}}
    }
    assert columns.event(["ada@example.com"]) == {"data": {"user": {"email": "ada@example.com"}}}
    assert columns.event(["ada@example.com", "e-1", "", "", "", " "]) == {
        "id": "e-1",
        "data": {"user": {"email": "ada@example.com"}},
    }


def test_a_cell_too_many_is_told() -> None:
    """Given a comma that nobody put into quotes, its cells would be somebody else's."""
    columns = read_columns("email,mk_first_name", [])
    with pytest.raises(ValueError, match="it has 3 cells, and the first line 2"):
        columns.event(["ada@example.com", "Lovelace", "Ada"])


@given(st.lists(st.sampled_from(["email", *PLATFORM_FIELDS, "id", "type", "time", "Notes", ""]), unique=True))
def test_each_cell_goes_where_its_column_says_and_nowhere_else(names: list[str]) -> None:
    if "email" not in names:
        names.append("email")
    columns: Columns = read_columns(",".join(names), [])
    event = columns.event([f"value {number}" for number in range(len(names))])
    found = list[str]()

    def leaves(value: object) -> None:
        if isinstance(value, dict):
            for each in value.values():
                leaves(each)
        else:
            found.append(str(value))

    leaves(event)
    read = [f"value {number}" for number, path in enumerate(columns.paths) if path]
    assert sorted(found) == sorted(read)
