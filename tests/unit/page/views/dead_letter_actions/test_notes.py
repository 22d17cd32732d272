"""Notes about dead letters: for colleagues, without addresses, and none is lost."""

from __future__ import annotations

import re
from pathlib import Path

from tests.unit.page.letters import GROUP, entry, indexed, named
from tests.unit.page.serve import Client
from tests.unit.page.views.test_dead_letters import LETTERS, words


async def test_a_note_is_for_colleagues_and_names_no_address(client: Client, tmp_path: Path) -> None:
    """Given notes about a group and a letter, both are shown with who wrote them, until emptied."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    await client.ask(f"{LETTERS}/notes", {**GROUP, "note": "ask <Ann>, ann@example.com"})
    await client.ask(f"{LETTERS}/notes", {**named(letter), "note": "this one first"})

    view = words((await client.ask(f"{LETTERS}/group?reason=invalid_event")).text)
    assert "ask &lt;Ann&gt;, a…@example.com (operator)" in view
    assert "this one first (operator)" in view
    assert "ann@" not in view

    answer = await client.ask(f"{LETTERS}/notes", {**named(letter), "was": "this one first", "note": " "})
    assert answer.place == f"{LETTERS}/letters/{letter.number}"
    assert "The note is gone." in (await client.ask(answer.place)).text
    assert "this one first" not in (await client.ask(answer.place)).text
    journal = words((await client.ask("/accounts/sunny/journal")).text)
    assert f"note letter {letter.number}" in journal
    assert "note invalid_event" in journal


async def test_of_two_notes_at_once_the_first_stays_and_the_second_is_told(
    client: Client, tmp_path: Path
) -> None:
    """Given two people who saw the same, the second is told, and writes again with what the first said."""
    (letter,) = await indexed(tmp_path, [entry(1)])
    for about, view in (
        (named(letter), f"letters/{letter.number}"),
        (GROUP, "group?reason=invalid_event"),
    ):
        first = await client.ask(f"{LETTERS}/notes", {**about, "was": "", "note": "see ticket 7"})
        second = await client.ask(f"{LETTERS}/notes", {**about, "was": "", "note": "mine"})
        assert (first.status, second.status) == (303, 409)
        assert "not kept, for operator wrote meanwhile: see ticket 7" in second.text
        assert "mine</textarea>" in second.text
        shown = (await client.ask(f"{LETTERS}/{view}")).text
        assert "see ticket 7 (operator)" in shown

        seen = re.findall(r'name="was" value="([^"]*)"', shown)
        both = {"was": seen[0], "note": "see ticket 7; mine"}
        assert (await client.ask(f"{LETTERS}/notes", {**about, **both})).status == 303
        assert "see ticket 7; mine (operator)" in (await client.ask(f"{LETTERS}/{view}")).text
