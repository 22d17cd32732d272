"""Uploading a file of members: who may, how much, how fast, and in which form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest

from tests.unit.page.attacked import state
from tests.unit.page.planning import until_due
from tests.unit.page.serve import READ_TOKEN, Client, admin
from tests.unit.page.views.backfill.members import (
    PLACE,
    post,
    send,
    table,
)
from tests.unit.page.views.test_people_look import words_of
from worker.page import upload
from worker.page.views import backfill

FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="m.csv"\r\n\r\n'
BROKEN: Mapping[str, tuple[str, bytes]] = {
    "no multipart": ("application/x-www-form-urlencoded", b"file=1"),
    "no boundary": ("multipart/form-data", PART),
    "an empty boundary": ("multipart/form-data; boundary=", PART),
    "another boundary": ("multipart/form-data; boundary=c", PART + b"x\r\n--b--\r\n"),
    "no end": (FORM, PART + b"email\r\n"),
    "no parts": (FORM, b""),
    "no head": (FORM, b"--b\r\n\xff\xfe\r\n\r\nx\r\n--b--\r\n"),
    "a part in a part": (FORM, b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n"),
    "many parts": (FORM, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 50 + b"--b--\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_whole_form_is_refused(client: Client, tmp_path: Path, name: str) -> None:
    before, (kind, body) = await state(tmp_path), BROKEN[name]
    answer = await post(client, body, **{"Content-Type": kind})
    assert (answer.status, "Nothing was done." in answer.text) == (400, True)
    assert await state(tmp_path) == before


async def test_more_than_ten_megabytes_are_refused_before_and_while_they_come(client: Client) -> None:
    """Given one that says how large it is, one that has no end, and a box that is a file, none is kept."""
    eleven = b"x" * (11 * 1024 * 1024)
    assert (await send(client, eleven)).status == 413
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        yield PART
        while pieces < 10_000:
            pieces += 1
            yield b"x" * 65536

    try:
        answer = await post(client, endless(), **{"Content-Type": FORM})
        assert answer.status == 413
        assert "kit-worker backfill" in answer.text
    except aiohttp.ClientError:
        pass  # it went on sending, and was hung up on
    assert pieces < 10_000
    assert (await send(client, table(), {"type": "x" * 5000})).status == 413
    assert "person0" not in (await client.ask(PLACE)).text


async def test_only_this_address_takes_so_much(client: Client) -> None:
    for place in (f"{PLACE}/stop", "/accounts/sunny/drift/repair", "/accounts/sunny/apply/start"):
        assert (await send(client, b"x" * 200_000, place=place)).status == 413, place


async def test_who_may_not_is_refused_before_anything_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(backfill, "uploaded", never)
    for who in (admin("rainy"), admin(may_change=False)):
        client.session.cookie_jar.clear()
        await client.follow(who)
        assert (await send(client, table())).status == (403 if who.account == "sunny" else 404)
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    assert (await send(client, table())).status == 403


async def test_one_that_is_slow_is_ended_and_only_some_come_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "WITHIN", 0.2)
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield PART
        await more.wait()

    coming = [asyncio.create_task(post(client, slow(), **{"Content-Type": FORM})) for _ in range(4)]
    try:
        answers = [await each for each in asyncio.as_completed(coming)]
    finally:
        more.set()
    assert sorted(each.status for each in answers) == [408, 408, 408, 503]


async def test_who_only_looks_sees_the_plan_and_no_button(client: Client, tmp_path: Path) -> None:
    await send(client, table())
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "Buyer 30 30 0" in words_of(view)
    assert f'action="{PLACE}' not in view
    client.session.cookie_jar.clear()
    await client.follow(admin("rainy"))
    assert (await client.ask(PLACE)).status == 404
    assert "person0" not in (await client.ask("/accounts/rainy/backfill")).text
    await until_due(tmp_path, 0)
