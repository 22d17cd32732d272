"""Tables for Kit's own importer: no cell is empty, and none is a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ops.backfill.as_csv import KitFiles, is_formula
from worker.ops.backfill.trial import PersonEnd
from worker.ops.person_impact import PersonImpact


def person(email: str, *tags: str, first_name: str = "", **values: str) -> PersonEnd:
    gained = {tag.lower(): tag for tag in tags}
    impact = PersonImpact(gained, {}, frozenset(values), frozenset(), 0, is_wholly_known=True)
    return PersonEnd(
        email, impact, is_new=True, newly=tags, depends=False, values=values, first_name=first_name
    )


def tables(*people: PersonEnd) -> KitFiles:
    found = KitFiles()
    for each in people:
        found.add(each)
    return found


def test_whoever_has_the_same_columns_is_in_one_table_and_each_tag_has_its_own() -> None:
    found = tables(
        person("a@b.example", "Member", first_name="Ada", Plan="Annual"),
        person("b@b.example", "Member", "Annual Plan", Plan="Monthly, or so"),
        person("c@b.example", first_name="Cy", Plan="Annual"),
        person("d@b.example"),
    )
    files = {file.name: (file.people, file.tag, file.text) for file in found.files()}
    assert files == {
        "1-values-1.csv": (1, "", 'email,Plan\r\nb@b.example,"Monthly, or so"\r\n'),
        "1-values-2.csv": (
            2, "", "email,first_name,Plan\r\na@b.example,Ada,Annual\r\nc@b.example,Cy,Annual\r\n",
        ),
        "2-tag-1.csv": (1, "Annual Plan", "email\r\nb@b.example\r\n"),
        "2-tag-2.csv": (2, "Member", "email\r\na@b.example\r\nb@b.example\r\n"),
    }  # fmt: skip
    assert found.left_out == []


@pytest.mark.parametrize(
    "text", ["=1+1", "+SUM(A1)", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", " =1", "|x", "%0A=1", "\r=1"]
)
def test_what_could_be_a_formula_is_left_out_and_told(text: str) -> None:
    assert is_formula(text)
    found = tables(person("a@b.example", "Member", first_name=text, Plan="Annual"))
    assert found.left_out == [("a@b.example", "first_name")]
    assert [file.columns for file in found.files()] == [("email", "Plan"), ("email",)]


def test_an_address_or_a_column_that_could_be_one_is_left_out_too() -> None:
    found = tables(person("=a@b.example", "Member", Plan="x"), person("b@b.example", **{"=Plan": "x"}))
    assert found.left_out == [("=a@b.example", "email"), ("b@b.example", "=Plan")]
    assert list(found.files()) == []


@pytest.mark.parametrize("text", ["+49 (30) 123-45", "-5", "-1,50", "a=b", "1-2", "Ada", "'=1"])
def test_what_is_none_stays(text: str) -> None:
    assert not is_formula(text)


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
PEOPLE = st.lists(
    st.tuples(st.lists(st.sampled_from(["Member", "Old"]), unique=True), TEXT, st.dictionaries(
        st.sampled_from(["Plan", "Town", "Since"]), TEXT
    ))
)  # fmt: skip


@given(PEOPLE)
def test_no_cell_is_empty_and_each_value_is_there_once(
    people: list[tuple[list[str], str, dict[str, str]]],
) -> None:
    ends = [
        person(f"p{number}@b.example", *tags, first_name=name, **values)
        for number, (tags, name, values) in enumerate(people)
    ]
    found = tables(*ends)
    cells = []
    for file in found.files():
        (heading, *rows) = csv.reader(io.StringIO(file.text, newline=""))
        assert len(rows) == file.people
        assert all(len(row) == len(heading) and all(row) for row in rows)
        assert not any(is_formula(cell) for row in rows for cell in row)
        cells += [(row[0], *pair) for row in rows for pair in zip(heading[1:], row[1:], strict=True)]
        cells += [(row[0], "tag", file.tag) for row in rows if file.tag]
    left = {(email, name) for email, name in found.left_out}
    told = [(end.email, name, value) for end in ends for name, value in end.values.items() if value]
    told += [(end.email, "first_name", end.first_name) for end in ends if end.first_name]
    told = [each for each in told if each[:2] not in left]
    told += [(end.email, "tag", tag) for end in ends for tag in end.newly]
    assert sorted(cells) == sorted(told)
