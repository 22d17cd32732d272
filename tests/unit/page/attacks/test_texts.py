"""Texts that would act: in a page, in an address, in a header, or on the way to Kit and back."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from yarl import URL

from tests.unit.page.attacked import HOSTILE, ONLY_RAINY, ask, holds_no_secret, state
from tests.unit.page.routes import addresses, views
from tests.unit.page.serve import BY_OAUTH, TOKEN, Client, admin, served
from worker.ledger.sealing import new_key
from worker.outside.texts import harmless
from worker.sandbox import Sandbox


class _Tags(HTMLParser):
    """Notes what would act in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "script" and said.get("src") != "/static/page.js":
            self.acting.append("script")
        if tag in {"img", "iframe", "object", "embed", "style", "base"}:
            self.acting.append(tag)
        self.acting += [name for name in said if name.startswith("on") or name == "style"]
        values = [(value or "").strip().lower() for value in said.values()]
        self.acting += [value for value in values if value.startswith("javascript:")]


def acting(text: str) -> list[str]:
    """Return what would act in a page."""
    tags = _Tags()
    tags.feed(text)
    return tags.acting


def texts_in(pages: str) -> list[str]:
    """Return what stands between the tags of pages, without what is in boxes."""
    return re.split(r"<textarea\b.*?</textarea>|<[^>]*>", pages, flags=re.DOTALL)


async def test_texts_of_others_are_shown_and_never_act(client: Client) -> None:
    """Given scripts in tags, names, events, YAML, reasons, versions and what workers say, none runs."""
    await client.follow(replace(admin(), who=HOSTILE))
    seen = [await client.ask(path) for path in views() if path.startswith("/accounts/")]
    await client.sign_in(TOKEN)
    seen += [await client.ask(path) for path in views()]
    seen += [
        await client.ask(f"{path.partition('?')[0]}?find={HOSTILE_QUERY}&only={HOSTILE_QUERY}")
        for path in views()
    ]
    assert [acting(answer.text) for answer in seen] == [[]] * len(seen)
    whole = "".join(answer.text for answer in seen)
    assert whole.count("&lt;script&gt;alert(1)") > 20
    assert [each for each in texts_in(whole) if harmless(each) != each] == []
    assert whole.count("\\u202egnp.exe") > 20
    assert ("&amp;{{7*7}}" in whole, "&amp;49" in whole) == (True, False)  # it is no template either
    assert holds_no_secret(whole)


HOSTILE_QUERY: Final = "%3Cscript%3Ealert(1)%3C/script%3E%22%3E%3Cimg%20src=x%20onerror=alert(2)%3E"


async def test_a_form_shows_what_was_sent_and_it_never_acts(client: Client) -> None:
    await client.sign_in(TOKEN)
    names = ("key", "text", "why", "who", "for", "days", "of", "next", "token", "do", "event", "field", "tag")
    for address in addresses(method="POST"):
        answer = await client.ask(address.path, dict.fromkeys(names, HOSTILE))
        assert acting(answer.text) == [], address.path
        await client.sign_in(TOKEN)  # one of them signs out
    assert [acting((await client.ask(path)).text) for path in views()] == [[]] * len(views())


ODD_PARTS: Final = (
    "..", "%2e%2e", "..%2f..%2fsettings", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "sunny%2f..%2frainy", "%00",
    "sunny%00", "%ff", "C:%5cboot.ini", "a" * 3000, "-1", "9" * 30,
    "%0d%0aX-Injected:%201", "1%0aX-Injected:1",
)  # fmt: skip


@pytest.mark.parametrize("odd", ODD_PARTS, ids=lambda odd: odd[:24])
async def test_no_part_of_an_address_leads_out_of_its_place(client: Client, tmp_path: Path, odd: str) -> None:
    """Given paths, bytes that are no text, and line ends in each part, no file or header comes of it."""
    await client.sign_in(TOKEN)
    before = await state(tmp_path)
    for name in ("account", "email", "token", "version", "number", "run"):
        for address in addresses(**{name: odd}):
            if odd not in address.path:
                continue
            answer = await ask(client, address)
            assert answer.status in {200, 303, 400, 403, 404, 405, 422}, address.path
            assert "X-Injected" not in answer.headers
            assert "root:" not in answer.text
            assert ONLY_RAINY not in answer.text
    after = await state(tmp_path)
    assert {name: after[name] for name in ("sunny.yaml", "rainy.yaml", "accounts")} == {
        name: before[name] for name in ("sunny.yaml", "rainy.yaml", "accounts")
    }


@pytest.mark.parametrize(
    "path",
    ["../app.py", "%2e%2e/app.py", "..%2fapp.py", "%2e%2e%2f%2e%2e%2fsettings.py", "/etc/passwd", "", "%00"],
)
async def test_no_other_file_is_served(client: Client, path: str) -> None:
    answer = await client.ask(f"/static/{path}")
    assert answer.status in {303, 403, 404}
    assert "import" not in answer.text


async def test_no_header_is_injected_by_what_somebody_writes(client: Client) -> None:
    """Given line ends in texts that come back in headers, there is one Location, and nothing beside it."""
    injected = "%0d%0aX-Injected:%201"
    await client.sign_in(TOKEN)
    answers = [
        await client.ask(f"{path.partition('?')[0]}?find=a{injected}@example.com&next=/{injected}")
        for path in views()
    ]
    answers.append(await client.ask(f"/sign-in?next=/{injected}", headers={}))
    answers.append(await client.ask("/sign-in", {"token": TOKEN, "next": "/a\r\nX-Injected: 1"}))
    answers.append(
        await client.ask("/accounts/sunny/pause", {"why": "a\r\nX-Injected: 1\r\nSet-Cookie: a=b"})
    )
    for answer in answers:
        assert "X-Injected" not in answer.headers
    assert (await client.ask("/")).status == 200


async def test_no_name_that_somebody_claims_to_be_asked_by_gets_into_a_page(client: Client) -> None:
    """Given a Host header that is markup, the link that is made of it is none that acts."""
    await client.sign_in(TOKEN)
    cookie = "; ".join(f"{each.key}={each.value}" for each in client.session.cookie_jar)
    lines = (
        "POST /accounts/sunny/link HTTP/1.1", 'Host: x"><script>alert(1)</script>', f"Cookie: {cookie}",
        "Sec-Fetch-Site: same-origin", "Content-Length: 0", "Connection: close", "", "",
    )  # fmt: skip
    reader, writer = await asyncio.open_connection(client.root.host, client.root.port)
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(10):
        text = (await reader.read()).decode()
    writer.close()
    assert acting(text.partition("\r\n\r\n")[2]) == []


FORGED: Final[Mapping[str, Mapping[str, str]]] = {
    "Host": {"Host": "evil.example"},
    "Host over TLS": {"Host": "evil.example", "X-Forwarded-Proto": "https"},
    "Host with a login": {"Host": "127.0.0.1@evil.example"},
    "Host with a path": {"Host": "evil.example/x"},
    "another scheme": {"X-Forwarded-Proto": "https"},
    "X-Forwarded-Host": {"X-Forwarded-Host": "evil.example"},
    "Forwarded": {"Forwarded": "host=evil.example;proto=https"},
}


@pytest.fixture
async def kit() -> AsyncIterator[Sandbox]:
    box = Sandbox(keys={"sunny-key": "Sunny Kitchen"})
    box.oauth.creator = "Sunny Kitchen"
    async with box.running() as running:
        yield running


async def kit_sends_to(client: Client, forged: Mapping[str, str]) -> str:
    """Ask Kit, in a request with forged headers; where Kit sends the creator's browser: nowhere perhaps."""
    said = {"Sec-Fetch-Site": "same-origin", **forged}
    answer = await client.ask("/accounts/sunny/connect", {}, headers=said)
    address = re.search(r'class="button" href="([^"]+)"', answer.text)
    assert (answer.status, bool(address)) in {(200, True), (400, False)}
    if address is None:
        return ""
    async with client.session.get(URL(html.unescape(address[1])), allow_redirects=False) as at_kit:
        return at_kit.headers.get("Location", "")


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_kit_sends_no_code_where_somebody_claims_that_the_page_is(
    tmp_path: Path, kit: Sandbox, forged: Mapping[str, str]
) -> None:
    """Given an app that knows the page's address, as Kit asks for, the code comes there or nowhere.

    Where an app at Kit knows another address as well, a code that went there is of no use: it opens nothing
    without the word that only the page can tell, nor in another browser than the one that asked.
    """
    key = SecretStr(new_key())
    async with served(tmp_path, file=BY_OAUTH, kit_base_url=kit.url, ledger_key=key) as client:
        ours = f"{client.root}/connected"
        kit.oauth.client("the-client", None, ours)
        await client.follow(admin())
        assert (await kit_sends_to(client, {})).startswith(f"{ours}?code=")
        assert (await kit_sends_to(client, forged)).partition("?")[0] in {"", ours}

        kit.oauth.client("the-client")  # any address
        astray = await kit_sends_to(client, forged)
        assert forged != FORGED["Host"] or astray.startswith("http://evil.example/connected?code=")
        client.session.cookie_jar.clear()
        await client.follow(admin())
        back = await client.ask(f"/connected?{astray.partition('?')[2]}")
        assert (back.status, "nothing was done" in back.text) == (403, True)
        code = {"grant_type": "authorization_code", "client_id": "the-client", "code": code_in(astray)}
        form = {**code, "redirect_uri": astray.partition("?")[0]}
        async with client.session.post(f"{kit.url}/v4/oauth/token", data=form) as taken:
            assert taken.status == 400
        assert kit.oauth.pairs() == []


def code_in(address: str) -> str:
    return parse_qs(urlsplit(address).query).get("code", [""])[0]
