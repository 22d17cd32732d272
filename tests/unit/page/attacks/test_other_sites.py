"""Other sites, which would have a visitor's browser do something, or show the page within their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.unit.page.attacked import ask, state
from tests.unit.page.routes import addresses
from tests.unit.page.serve import TOKEN, Client
from worker.page.app import HEADERS

ELSEWHERE: Final[tuple[dict[str, str], ...]] = (
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://{host}.evil.example"},
    {"Origin": "http://evil.example/{host}"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Referer": "http://{host}/"},
)


@pytest.mark.parametrize("headers", ELSEWHERE, ids=str)
async def test_another_site_has_nothing_done(client: Client, tmp_path: Path, headers: dict[str, str]) -> None:
    await client.sign_in(TOKEN)
    before, host = await state(tmp_path), f"{client.root.host}:{client.root.port}"
    said = {name: value.format(host=host) for name, value in headers.items()}
    for address in addresses(method="POST"):
        answer = await ask(client, address, said)
        assert (answer.status, "nothing was done" in answer.text) == (403, True), address.path
    assert await state(tmp_path) == before
    assert (await client.ask("/")).status == 200  # still signed in


async def test_to_look_changes_nothing(client: Client, tmp_path: Path) -> None:
    """Given that other sites may have a browser get any address, no view does anything by being looked at."""
    await client.sign_in(TOKEN)
    before = await state(tmp_path)
    for address in addresses(method="GET"):
        await ask(client, address)
    assert await state(tmp_path) == before


async def test_no_site_shows_the_page_within_its_own(client: Client) -> None:
    """Given any address, and any refusal, each answer forbids frames, and tells no browser to keep it."""
    asked = [*addresses(), *(replace(each, path=f"{each.path}/none") for each in addresses())]
    for signs_in in (False, True):
        if signs_in:
            await client.sign_in(TOKEN)
        for address in asked:
            for headers in ({"Sec-Fetch-Site": "same-origin"}, dict[str, str]()):
                answer = await ask(client, address, headers)
                found = {name: answer.headers.get(name) for name in HEADERS}
                assert found == dict(HEADERS), address.path
    assert HEADERS["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
