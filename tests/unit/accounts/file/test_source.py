"""YAML with positions: what is read, where it stands, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.accounts.file.source import MAX_DEPTH, MAX_NODES, Unclear, read_yaml
from worker.accounts.file.syntax_errors import Spot


def faults(text: str) -> list[str]:
    return [f"{fault.spot.line}:{fault.spot.column}: {fault.text}" for fault in read_yaml(text).faults]


def test_values_are_plain_and_keep_their_places() -> None:
    source = read_yaml("kit:\n  env: KIT_A\ntags: [One, 'Two']\n")

    assert source.faults == []
    assert source.data == {"kit": {"env": "KIT_A"}, "tags": ["One", "Two"]}
    assert source.keys["kit", "env"] == Spot(2, 3)
    assert source.spots["kit", "env"] == Spot(2, 8)
    assert source.spots["tags", 1] == Spot(3, 13)


def test_a_place_that_is_not_there_is_that_of_what_would_hold_it() -> None:
    source = read_yaml("rules:\n  - add: x\n")

    assert source.spot(("rules", 0, "when")) == Spot(2, 5)
    assert source.spot(("nothing", "of", "this")) == Spot(1, 1)


def test_a_name_with_nothing_after_it_stands_where_its_key_is() -> None:
    assert read_yaml("a: 1\n  \nevents:\n").spot(("events",)) == Spot(3, 1)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Active Member", "Active Member"),
        ("'no'", "no"),
        ("true", True),
        ("False", False),
        ("5", 5),
        ("-5", -5),
        ("1.5", 1.5),
        ("1.0", 1.0),
        ("null", None),
        ("~", None),
        ("", None),
        ("=", "="),
        ("no", Unclear("no", "false", value=False)),
        ("Yes", Unclear("Yes", "true", value=True)),
        ("on", Unclear("on", "true", value=True)),
        ("010", Unclear("010", "a number")),
        ("1.50", Unclear("1.50", "a number")),
        ("1_000", Unclear("1_000", "a number")),
        ("12:30", Unclear("12:30", "a number")),
        ("0x1F", Unclear("0x1F", "a number")),
        (".inf", Unclear(".inf", "a number")),
        ("9" * 5000, Unclear("9" * 5000, "a number")),
        ("2026-01-01", Unclear("2026-01-01", "a date")),
        ("2026-99-99", Unclear("2026-99-99", "a date")),
    ],
)
def test_scalars_that_do_not_mean_what_they_look_like_are_told_apart(written: str, read: object) -> None:
    value = read_yaml(f"a: {written}").data["a"]

    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1", "2:1: a tab; YAML wants spaces here"),
        ("\ta: 1", "1:1: a tab; YAML wants spaces here"),
        ("a: 'x\nb: 1\n", "1:4: the quotes that open here are never closed"),
        ("a: [1\nb: 1\n", "2:2: a comma or the closing ] is missing here, of the list that opens in line 1"),
        ("a: {b: 1\nc: 2\n", "2:2: a comma or the closing } is missing here"),
        ("a: [1,", "1:7: the file ends before a bracket is closed"),
        ("a: note: this", "1:8: a colon is not expected here"),
        ("a: 1\nb\n", "2:1: a colon and a space are missing after this name"),
        ("a:\n  b: 1\n c: 2\n", "3:2: this line does not line up"),
        ("a: @home", "1:4: text that begins with @, ` or > must be in quotes"),
        ('a: "\\d"', "1:6: a \\ has a special meaning between double quotes"),
        ('a: "\\U99999999"', "1:1: a \\ has a special meaning between double quotes"),
        ("a: b\x07", "1:5: an invisible character"),
        ("%TAG\na: 1", "1:5: a line that begins with % is not supported"),
        ("a: [{mk_x} y]", '1:12: a tag with braces must be in quotes, such as "{mk_access_level} access"'),
        ("a:\n  - {data.user.x} y\n", "2:19: a tag with braces must be in quotes"),
        ("a: 1\n---\nb: 1\n", "2:1: a second document begins here"),
        ("{a: 1}: 2", "1:1: brackets stand where a name is expected"),
    ],
)
def test_what_is_no_yaml_is_explained_in_plain_words_and_with_its_place(text: str, expected: str) -> None:
    (said,) = faults(text)

    assert said.startswith(expected)


def test_a_duplicate_key_is_a_fault_that_names_the_first() -> None:
    (said,) = faults("a: 1\nb: 2\na: 3\n")

    assert said == "3:1: stands here twice, first in line 1; put both together, or delete one"


def test_aliases_anchors_and_tags_are_refused_each_where_it_stands() -> None:
    source = read_yaml("a: &x 1\nb: *x\nc: !!python/object:os.system x\n")

    assert [fault.spot for fault in source.faults] == [Spot(1, 4), Spot(2, 4), Spot(3, 4)]
    assert source.data == {"a": 1, "b": None, "c": None}
    assert source.broken == {("b",), ("c",)}


def test_aliases_cannot_blow_a_small_file_up() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))]

    assert read_yaml("\n".join(lines)).data["a39"] == [None] * 9


def test_deep_nesting_and_too_many_entries_are_refused() -> None:
    assert "nested deeper" in faults("[" * 100_000)[0]
    assert faults("[" * MAX_DEPTH + "]" * MAX_DEPTH) == []
    assert "more than" in faults("[" + "a," * MAX_NODES + "]")[0]


YAML_LIKE = st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`# \n\t\\xU0123~<=.")) | st.text()


@given(YAML_LIKE)
def test_no_text_raises(text: str) -> None:
    """Whatever the text, there is an answer, and each fault has a place within it or just behind it."""
    for fault in read_yaml(text).faults:
        assert 1 <= fault.spot.line <= len(text) + 1
        assert fault.spot.column >= 1
        assert fault.text
