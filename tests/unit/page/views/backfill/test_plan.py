"""Having a file of members planned: what is told, and which files and rows are refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.page.forms import form_on
from tests.unit.page.planning import until_due
from tests.unit.page.serve import Client
from tests.unit.page.views.backfill.members import (
    BUTTON,
    PLACE,
    RISING,
    send,
    table,
)
from tests.unit.page.views.test_people_look import words_of


async def test_a_plan_tells_what_a_file_would_do_and_changes_nothing(client: Client, tmp_path: Path) -> None:
    view = (await client.ask(PLACE)).text
    assert 'type="file"' in view
    assert "kit-worker backfill" in view
    await send(client, table())
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "members.csv, uploaded by operator." in told
    assert "It is read as a table with commas between its cells." in told
    assert "Columns that are not read: Shoe size" in told
    assert "30 rows are taken in" in told
    assert "New taggings, each of which may start an automation and send mail: 30." in told
    assert "Buyer 30 30 0" in told
    assert "Of these people the ledger does not know that Kit has them: 30." in told
    assert "This is by what the ledger knows" in told
    assert view.count('<a href="/accounts/sunny/people/person') == 10
    assert "Take 30 rows in, and put 30 tags newly on" in told
    assert BUTTON in view
    await until_due(tmp_path, 0)
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "A plan for 30 rows, with 30 new taggings; nothing is done yet" in journal


@pytest.mark.parametrize("typed", ["", "29", "3", "abc", "030"])
async def test_nothing_is_begun_without_the_number_of_new_taggings(
    client: Client, tmp_path: Path, typed: str
) -> None:
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": typed})
    view = (await client.ask(PLACE)).text
    assert "Nothing was begun: the plan has 30 new taggings" in words_of(view)
    assert BUTTON in view
    await until_due(tmp_path, 0)


async def test_wrong_rows_are_told_with_their_lines_and_left_out_only_if_somebody_says_so(
    client: Client, tmp_path: Path
) -> None:
    wrong = table(2) + b"\r\nnobody,1\r\nada@example.com,1,2"
    await send(client, wrong)
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "2 rows are wrong; nobody can take them" in told
    assert "Line 4: " in told
    assert "Line 5: it has 3 cells" in told
    assert BUTTON not in view
    await send(client, wrong, {**RISING, "skip_wrong": "yes"})
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "2"})
    await until_due(tmp_path, 2)


async def test_what_the_options_say_is_done(client: Client) -> None:
    row = {"type": "order.paid", "time": "2024-01-01T00:00:00Z", "data": {"user": {"email": "a@example.com"}}}
    await send(client, json.dumps(row).encode(), {"marker": "Imported"})
    told = words_of((await client.ask(PLACE)).text)
    assert "Everybody gets the tag 'Imported' before all others." in told
    assert "put 2 tags newly on" in told
    await send(client, json.dumps(row).encode(), {"known": "yes"})
    assert "Kit is not called" in words_of((await client.ask(PLACE)).text)
    await send(client, b"Mail\nada@example.com", {**RISING, "columns": "Mail=email"})
    assert "1 rows are taken in" in words_of((await client.ask(PLACE)).text)


REFUSED: Mapping[str, tuple[bytes, Mapping[str, str], str]] = {
    "nothing": (b"", RISING, "there is no file, or nothing is in it"),
    "a zip archive": (b"PK\x03\x04 and more", RISING, "it is a spreadsheet or a zip archive"),
    "odd bytes": (b"\xff\xfe\x00\x01", RISING, "it is UTF-16"),
    "no text": (b"\x80\x81\x82", RISING, "it is not UTF-8"),
    "no table": (b"hello", RISING, "no column is the email address"),
    "no time": (table(), {"as_of": "yesterday"}, "No plan was made: --as-of"),
    "no column": (table(), {**RISING, "columns": "Shoe size"}, "should be COLUMN=PATH"),
    "two that fight": (
        table(), {**RISING, "known": "yes", "marker": "Imported"}, "nobody can get a --marker-tag"
    ),
    "too many lines": (b"\n" * 100_001, RISING, "more than 100,000 lines"),
    "a list of JSON": (b"[" * 100_000, RISING, "it is one list of JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_file_of_members_is_refused_with_why(client: Client, name: str) -> None:
    content, boxes, why = REFUSED[name]
    await send(client, content, boxes)
    assert why in words_of((await client.ask(PLACE)).text)


async def test_deep_and_endless_rows_are_wrong_rows(client: Client) -> None:
    rows = b"\n".join((b'{"data": ' + b"[" * 100_000, b'{"type": "' + b"x" * 600_000, b"\x00\xff"))
    assert (await send(client, b"{}\n" + rows)).status == 303
    assert "4 rows are wrong" in words_of((await client.ask(PLACE)).text)


# -- what is no upload --------------------------------------------------------------------------------------
