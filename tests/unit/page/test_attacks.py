"""Who would get more out of the page than they may, at every address that it has.

What each attack got stands in docs/page.md, with the names of these tests.
"""

from __future__ import annotations

import asyncio
import html
import re
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from yarl import URL

from tests.unit.page.attacked import BOB, HOSTILE, ONLY_RAINY, attacked, holds_no_secret, state
from tests.unit.page.routes import ROUTES, Address, Who, addresses, routes, views
from tests.unit.page.serve import BY_OAUTH, READ_TOKEN, SECRET, TOKEN, Answer, Client, admin, served
from worker.clock import Clock
from worker.ledger.sealing import new_key
from worker.outside.texts import harmless
from worker.page import attempts
from worker.page.app import HEADERS
from worker.page.rights import Signer, operator
from worker.page.serving import CONNECTIONS
from worker.page.views.sign_in import COOKIE
from worker.sandbox import Sandbox

CLOSED: Final = (Who.SIGNED_IN, Who.OPERATORS, Who.ADMINS)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with attacked(tmp_path) as client:
        yield client


async def ask(client: Client, address: Address, headers: Mapping[str, str] | None = None) -> Answer:
    return await client.ask(address.path, address.form, headers=headers)


def test_every_address_has_its_row() -> None:
    """Whoever adds an address says in the table who may ask for it, and all attacks are tried on it."""
    assert sorted(routes()) == sorted(ROUTES)


# -- without a session --------------------------------------------------------------------------------------


def _signed_by(secret: SecretStr, kind: str = "session", *, lasts: float = 3600.0) -> str:
    visitor = replace(operator(may_change=True, now=Clock().time()), until=Clock().time() + lasts)
    return Signer(secret).write_visitor(kind, visitor)  # type: ignore[arg-type]  # any kind


OURS: Final = _signed_by(SECRET)
SESSIONS: Final = {
    "none": "",
    "nonsense": "x.y",
    "expired": _signed_by(SECRET, lasts=-1),
    "foreign": _signed_by(SecretStr("another's secret")),
    "a link": _signed_by(SECRET, "link"),
    "an open question": _signed_by(SECRET, "consent"),
    "a message": _signed_by(SECRET, "message"),
    "of another body": f"{_signed_by(SECRET, lasts=9).partition('.')[0]}.{OURS.partition('.')[2]}",
    "unsigned": OURS.partition(".")[0],
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
async def test_without_a_session_nothing_is_seen_or_done(
    client: Client, tmp_path: Path, session: str
) -> None:
    before = await state(tmp_path)
    if session:
        client.session.cookie_jar.update_cookies({COOKIE: session}, client.root)
    wrong = {}
    for address in addresses(*CLOSED):
        answer = await ask(client, address)
        expected = (303, "") if address.method == "GET" else (403, "nothing was done")
        if answer.status != expected[0] or expected[1] not in answer.text:
            wrong[address.path] = answer.status
        head = await client.ask(address.path, method="HEAD") if address.method == "GET" else answer
        if head.status != answer.status or ONLY_RAINY in answer.text or HOSTILE in answer.text:
            wrong[address.path] = head.status
    assert wrong == {}
    assert await state(tmp_path) == before


LINKS: Final = {
    "expired": admin(lasts=-1),
    "of an operator": operator(may_change=True, now=Clock().time()),
    "of no account": replace(admin(), account=""),
}


@pytest.mark.parametrize("name", [*LINKS, "foreign", "a session", "nonsense"])
async def test_a_link_that_is_none_lets_nobody_in(client: Client, name: str) -> None:
    text = {
        **{name: Signer(SECRET).write_visitor("link", visitor) for name, visitor in LINKS.items()},
        "foreign": Signer(SecretStr("another's secret")).write_visitor("link", admin()),
        "a session": Signer(SECRET).write_visitor("session", admin()),
        "nonsense": "%00.%ff",
    }[name]
    for method in ("GET", "POST"):
        answer = await client.ask(f"/link/{text}", method=method)
        assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
    assert (await client.ask("/accounts/sunny")).status == 303


# -- who may look, and who may see one account --------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "admin"])
async def test_a_read_only_session_that_posts_by_hand_changes_nothing(
    client: Client, tmp_path: Path, who: str
) -> None:
    await (client.sign_in(READ_TOKEN) if who == "operator" else client.follow(admin(may_change=False)))
    before = await state(tmp_path)
    for address in addresses(Who.OPERATORS, Who.ADMINS, method="POST"):
        answer = await ask(client, address)
        refused = (answer.status, "You may look" in answer.text) == (403, True)
        assert refused is not address.row.only_looks, address.path
    assert await state(tmp_path) == before


async def test_an_admin_finds_nothing_of_another_account(client: Client, tmp_path: Path) -> None:
    """Given an admin of sunny, each address of rainy answers as that of an account which does not exist."""
    await client.follow(admin())
    before = await state(tmp_path)
    nobodys = list(addresses(Who.ADMINS, Who.OPERATORS, account="nobody"))
    for address, nobody in zip(
        addresses(Who.ADMINS, Who.OPERATORS, account="rainy", email=BOB), nobodys, strict=True
    ):
        answer, other = await ask(client, address), await ask(client, nobody)
        assert answer.status == 404, address.path
        assert (answer.text, ONLY_RAINY in answer.text) == (other.text, False), address.path
    assert await state(tmp_path) == before


async def test_an_admin_gets_nothing_anothers_by_its_number_or_name(client: Client, tmp_path: Path) -> None:
    """Given people, versions and lines of rainy, sunny's own views show none of them, nor change any."""
    await client.follow(admin())
    before = (await state(tmp_path))["rainy.yaml"]
    for number in map(str, range(1, 9)):
        for address in addresses(Who.ADMINS, email=BOB, version=number, number=number, run=number):
            answer = await ask(client, address)
            assert ONLY_RAINY not in answer.text, address.path
        for query in (f"?before={number}", f"?after={number}", f"?find={ONLY_RAINY}"):
            for address in addresses(Who.ADMINS, method="GET", email=BOB):
                text = (await client.ask(address.path.partition("?")[0] + query)).text
                assert ONLY_RAINY not in text.replace(f"“{ONLY_RAINY}”", "").replace(
                    f'value="{ONLY_RAINY}"', ""
                )
    assert (await state(tmp_path))["rainy.yaml"] == before


async def test_an_admin_does_nothing_that_is_for_operators(client: Client, tmp_path: Path) -> None:
    await client.follow(admin())
    before = await state(tmp_path)
    for address in addresses(Who.OPERATORS):
        assert (await ask(client, address)).status in {403, 404}, address.path
    assert await state(tmp_path) == before


# -- other sites --------------------------------------------------------------------------------------------

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


# -- texts that act -----------------------------------------------------------------------------------------


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


# -- many, and slow -----------------------------------------------------------------------------------------


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
