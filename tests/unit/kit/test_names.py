"""What names mean in Kit, after somebody has renamed something there."""

from __future__ import annotations

import pytest

from worker.kit.names import Names, Shift, shifts
from worker.subscribers.known import KitName


def meant(name: str, id_: int, called: str) -> KitName:
    return KitName("tags", name, id_, called)


@pytest.mark.parametrize(
    ("bears", "called", "expected"),
    [
        ({"a": 1}, {1: "A"}, []),
        ({}, {}, []),
        ({"a": 2}, {2: "A"}, []),
        ({"b": 1}, {1: "B"}, [Shift(meant("a", 1, "B"), None)]),
        ({"b": 1, "a": 2}, {1: "B", 2: "A"}, [Shift(meant("a", 1, "B"), meant("a", 2, "A"))]),
    ],
    ids=["as ever", "gone", "made anew", "renamed", "renamed, and a second one made"],
)
def test_what_a_name_means_now(bears: dict[str, int], called: dict[int, str], expected: list[Shift]) -> None:
    assert shifts([meant("a", 1, "A")], bears.get, called) == expected


def test_a_name_is_not_followed_to_what_another_name_of_the_file_bears() -> None:
    assert shifts([meant("a", 1, "A"), meant("b", 1, "B")], {"b": 1}.get, {1: "B"}) == []


def test_what_is_new_to_the_ledger_is_told_once() -> None:
    names = Names()
    names.recall([meant("a", 1, "A")])

    assert [
        names.note(meant("a", 1, "A")),
        names.note(meant("a", 2, "A")),
        names.note(meant("b", 3, "B")),
    ] == [
        False,
        True,
        True,
    ]
    assert names.take_new() == [meant("a", 2, "A"), meant("b", 3, "B")]
    assert names.take_new() == []


def test_another_tenure_notes_again_what_the_ledger_does_not_have() -> None:
    """Given a write that another worker's taking the account has undone, then it is written again."""
    names = Names()
    names.note(meant("a", 1, "A"))
    names.take_new()
    names.recall([])

    assert names.note(meant("a", 1, "A"))
