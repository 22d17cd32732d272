"""Clients who are many, or never come to an end, and keep nobody out."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.unit.page.attacked import state
from tests.unit.page.serve import TOKEN, Client
from worker.page import attempts
from worker.page.serving import CONNECTIONS


async def test_of_ten_thousand_wrong_tokens_few_are_looked_at_and_the_right_one_comes_in(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given one address that tries them at once, visitors are served, and the right token is not kept out."""
    turn, longest = 0.02, 0.1
    monkeypatch.setattr(attempts, "TURN", turn)  # a tenth of what it is, and so is the next
    monkeypatch.setattr(attempts, "LONGEST", longest)
    statuses = [(await client.sign_in(f"wrong {number}")).status for number in range(attempts.MOST)]
    assert statuses == [403] * attempts.MOST
    slowest, began_all = 0.0, time.perf_counter()
    statuses = []
    for _ in range(100):
        trying = asyncio.gather(*((client.sign_in("wrong")) for _ in range(100)))
        began = time.perf_counter()
        assert (await client.ask("/static/page.css")).status == 200
        slowest = max(slowest, time.perf_counter() - began)
        statuses += [answer.status for answer in await trying]
    assert set(statuses) == {403, 429}
    assert statuses.count(403) <= 1 + (time.perf_counter() - began_all + longest) / turn
    assert (await client.sign_in(TOKEN)).status == 303
    assert slowest < 5.0


async def test_what_did_not_come_whole_is_not_done(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a form that is broken off, by its client or because others came, the half of it is no form."""
    await client.sign_in(TOKEN)
    cookie = "; ".join(f"{each.key}={each.value}" for each in client.session.cookie_jar)
    lines = (
        "POST /accounts/sunny/pause HTTP/1.1", f"Host: {client.root.host}", f"Cookie: {cookie}",
        "Sec-Fetch-Site: same-origin", "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 99", "", "why=we-rest",
    )  # fmt: skip
    before, made = await state(tmp_path), []
    for words in ["\r\n".join(lines).encode()] * 2 + [b""] * CONNECTIONS:
        made.append(await asyncio.open_connection(client.root.host, client.root.port))
        made[-1][1].write(words)
        await made[-1][1].drain()
    with suppress(ConnectionError):
        await made[0][0].read()  # it had to go
    assert "page_crashed" not in capsys.readouterr().out  # it is no fault of ours
    for _, writer in made:
        writer.close()
    assert (await client.ask("/accounts/sunny")).status == 200
    assert await state(tmp_path) == before


async def test_clients_that_never_come_to_an_end_keep_nobody_out(client: Client) -> None:
    """Given 300 connections of heads and forms that stop half-way, a visitor is served as before."""
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: {client.root.host}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
    )
    slow = []
    for number in range(300):
        made = socket.create_connection((client.root.host or "", client.root.port or 0))
        made.sendall(head.encode() if number % 2 else f"{head}Content-Length: 60000\r\n\r\ntoken=".encode())
        slow.append(made)
        await asyncio.sleep(0)
    began = time.perf_counter()
    assert (await client.sign_in(TOKEN)).status == 303
    assert (await client.ask("/")).status == 200
    assert time.perf_counter() - began < 5.0
    for made in slow:
        made.close()
