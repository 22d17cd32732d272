"""The page over HTTP, and those who would get more out of it than they may."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.unit.page.serve import KEY, READ_TOKEN, SECRET, TOKEN, Client, admin, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.page.app import HEADERS, LARGEST
from worker.page.attempts import MOST
from worker.page.rights import Signer, operator
from worker.page.views.sign_in import COOKIE

VIEWS = (
    "/",
    "/_accounts",
    "/accounts/sunny",
    "/accounts/sunny/_state",
    "/accounts/sunny/events",
    "/accounts/sunny/events/_rows",
    "/accounts/sunny/events/edit?event=subscription.started",
    "/accounts/sunny/fields",
    "/accounts/sunny/fields/edit?field=mk_user_id",
    "/accounts/sunny/text",
    "/accounts/sunny/versions",
    "/accounts/sunny/versions/_in_force",
    "/accounts/sunny/dead-letters",
    "/accounts/sunny/dead-letters/_groups",
    "/accounts/sunny/dead-letters/group?reason=kit_rejected",
    "/accounts/sunny/journal",
    "/accounts/sunny/try",
    "/accounts/sunny/try?kind=subscription.started&email=ada%40example.com",
    "/accounts/sunny/people",
    "/accounts/sunny/people/ada%40example.com",
    "/accounts/sunny/people/ada%40example.com/forget",
    "/journal",
)
ANOTHERS = tuple(view.replace("sunny", "rainy") for view in VIEWS if "sunny" in view)
POSTS = (
    "/accounts/sunny/test",
    "/accounts/sunny/pause",
    "/accounts/sunny/resume",
    "/accounts/sunny/people/ada%40example.com/again",
    "/accounts/sunny/people/ada%40example.com/forget",
    "/accounts/sunny/key",
    "/accounts/sunny/connect",
    "/accounts/sunny/disconnect",
    "/accounts/sunny/events/edit",
    "/accounts/sunny/fields/edit",
    "/accounts/sunny/text",
    "/accounts/sunny/versions/1",
    "/accounts/sunny/dead-letters/runs",
    "/accounts/sunny/dead-letters/notes",
    "/accounts/sunny/dead-letters/letters/1/mend",
)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        yield client


# -- who comes in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", VIEWS)
async def test_without_a_session_one_is_asked_to_sign_in(client: Client, path: str) -> None:
    answer = await client.ask(path, headers={})
    assert answer.status == 303
    assert answer.place.startswith("/sign-in?next=")


@pytest.mark.parametrize("path", POSTS)
async def test_without_a_session_nothing_is_done(client: Client, path: str) -> None:
    answer = await client.ask(path, {})
    assert answer.status == 403
    assert "nothing was done" in answer.text


async def test_an_operator_signs_in_and_goes_where_they_wanted(client: Client) -> None:
    answer = await client.ask("/sign-in", {"token": TOKEN, "next": "/accounts/sunny"})
    assert (answer.status, answer.place) == (303, "/accounts/sunny")
    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in (COOKIE, "HttpOnly", "SameSite=Strict", "Path=/"))
    assert [(await client.ask(path)).status for path in VIEWS] == [200] * len(VIEWS)


async def test_behind_a_proxy_with_tls_cookies_stay_on_that_way(client: Client) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "X-Forwarded-Proto": "https"}
    assert "Secure" in (await client.ask("/sign-in", {"token": TOKEN}, headers=headers)).headers["Set-Cookie"]
    assert "Secure" not in (await client.sign_in(TOKEN)).headers["Set-Cookie"]


@pytest.mark.parametrize(
    "place", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nX: y", ""]
)
async def test_signing_in_leads_to_no_other_site(client: Client, place: str) -> None:
    answer = await client.ask("/sign-in", {"token": TOKEN, "next": place})
    assert (answer.status, answer.place) == (303, "/")


async def test_whoever_signs_out_is_out(client: Client) -> None:
    await client.sign_in(TOKEN)
    assert (await client.ask("/sign-out", {})).place == "/sign-in"
    assert (await client.ask("/")).status == 303


async def test_a_link_from_another_site_finds_the_session_all_the_same(client: Client) -> None:
    """Given a browser that keeps its cookie from a request that another site began, the next one is ours."""
    answer = await client.ask("/accounts/sunny", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200
    assert '<meta http-equiv="refresh" content="0; url=/accounts/sunny">' in answer.text


async def test_going_on_leads_to_no_other_site(client: Client) -> None:
    answer = await client.ask("//evil.example/x", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, "evil" in answer.text) == (200, False)
    assert '<meta http-equiv="refresh" content="0; url=/">' in answer.text


async def test_an_admin_comes_in_by_a_link_and_is_led_to_their_account(client: Client) -> None:
    text = Signer(SECRET).write_visitor("link", admin())
    assert "sunny" in (await client.ask(f"/link/{text}")).text
    assert (await client.ask("/")).status == 303  # to look at the link gives no session yet
    assert (await client.ask(f"/link/{text}", {})).place == "/accounts/sunny"
    assert (await client.ask("/")).place == "/accounts/sunny"
    assert (await client.ask("/accounts/sunny")).status == 200


@pytest.mark.parametrize(
    "text",
    [
        "x",
        Signer(SECRET).write_visitor("link", admin(lasts=-1)),
        Signer(SECRET).write_visitor("session", admin()),
        Signer(SecretStr("somebody else's secret")).write_visitor("link", admin()),
        Signer(SECRET).write_visitor("link", operator(may_change=True, now=time.time())),
    ],
    ids=["no link", "ended", "a cookie", "foreign", "of an operator"],
)
@pytest.mark.parametrize("form", [None, {}], ids=["seen", "followed"])
async def test_a_link_that_is_none_lets_nobody_in(
    client: Client, text: str, form: dict[str, str] | None
) -> None:
    answer = await client.ask(f"/link/{text}", form)
    assert answer.status == 403
    assert "Ask for a new one" in answer.text
    assert (await client.ask("/accounts/sunny")).status == 303


async def test_a_session_that_has_ended_is_none(client: Client) -> None:
    await client.follow(admin(lasts=1.0))
    assert (await client.ask("/accounts/sunny")).status == 200
    client.session.cookie_jar.clear()
    old = Signer(SECRET).write_visitor("session", admin(lasts=-1))
    client.session.cookie_jar.update_cookies({COOKIE: old}, client.root)
    assert (await client.ask("/accounts/sunny")).status == 303


# -- wrong tokens -------------------------------------------------------------------------------------------


async def test_a_wrong_token_lets_nobody_in(client: Client) -> None:
    answer = await client.sign_in("wrong")
    assert answer.status == 403
    assert "This is not the token" in answer.text
    assert (await client.ask("/")).status == 303


async def test_of_a_thousand_wrong_tokens_ten_are_looked_at(client: Client) -> None:
    statuses = [(await client.sign_in(f"wrong {number}")).status for number in range(MOST)]
    assert statuses == [403] * MOST
    for _ in range(20):
        statuses = await asyncio.gather(*(_status(client) for _ in range(50)))
        assert set(statuses) == {429}
    # Not even the right one is looked at meanwhile: nobody learns whether it was right.
    assert (await client.sign_in(TOKEN)).status == 429


async def _status(client: Client) -> int:
    return (await client.sign_in("wrong")).status


# -- what they may do ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*ANOTHERS, "/accounts/none", "/_accounts", "/journal", "/accounts/%2e%2e"])
async def test_what_is_anothers_is_not_there_for_an_admin(client: Client, path: str) -> None:
    """Given an admin of sunny, an account that is another's looks as one that does not exist."""
    await client.follow(admin())
    answer = await client.ask(path)
    assert answer.status == 404
    assert "rainy" not in answer.text


@pytest.mark.parametrize("what", ["key", "connect", "disconnect", "test", "pause", "resume"])
async def test_an_admin_does_nothing_to_anothers_account(client: Client, what: str) -> None:
    await client.follow(admin())
    assert (await client.ask(f"/accounts/rainy/{what}", {})).status == 404


@pytest.mark.parametrize("path", POSTS)
async def test_who_may_look_changes_nothing_by_posting_by_hand(client: Client, path: str) -> None:
    for enters in (client.sign_in(READ_TOKEN), client.follow(admin(may_change=False))):
        client.session.cookie_jar.clear()
        await enters
        view = await client.ask("/accounts/sunny")
        assert "Test connection" not in view.text
        answer = await client.ask(path, {})
        assert (answer.status, "You may look" in answer.text) == (403, True)


async def test_an_admin_may_not_pause(client: Client) -> None:
    await client.follow(admin())
    assert "Pause" not in (await client.ask("/accounts/sunny")).text
    assert (await client.ask("/accounts/sunny/pause", {})).status == 403
    assert (await client.ask("/accounts/sunny/resume", {})).status == 403


async def test_an_operator_pauses_an_account_and_lets_it_go_on(client: Client) -> None:
    await client.sign_in(TOKEN)
    assert (await client.ask("/accounts/sunny/pause", {})).place == "/accounts/sunny"
    view = (await client.ask("/accounts/sunny")).text
    assert "sunny is paused, until somebody lets it go on: within 5 seconds no worker begins anything" in view
    assert "The account is paused" in view
    assert (await client.ask("/accounts/sunny/resume", {})).status == 303
    assert "sunny goes on." in (await client.ask("/accounts/sunny")).text


async def test_the_connection_test_says_why_kit_did_not_answer(client: Client) -> None:
    await client.follow(admin())
    await client.ask("/accounts/sunny/test", {})
    view = (await client.ask("/accounts/sunny")).text
    assert "Kit could not be asked" in view
    assert "Test again in a minute." in view
    assert "Kit could not be asked" not in (await client.ask("/accounts/sunny")).text  # it is told once


async def test_a_part_that_is_polled_does_not_take_the_message_away(client: Client) -> None:
    await client.sign_in(TOKEN)
    await client.ask("/accounts/sunny/pause", {})
    assert "no worker begins" not in (await client.ask("/accounts/sunny/_state")).text
    assert "no worker begins" in (await client.ask("/accounts/sunny")).text


async def test_what_was_done_is_in_the_journal(client: Client) -> None:
    """Given actions of two people, each account's journal has its own, and the operators' all of them."""
    await client.follow(replace(admin(), who="Ann <ann@creators.example>"))
    await client.ask("/accounts/sunny/test", {})
    mine = (await client.ask("/accounts/sunny/journal")).text.partition("<main")[2]
    await client.sign_in(TOKEN)
    await client.ask("/accounts/rainy/pause", {})
    everything, others = [(await client.ask(path)).text for path in ("/journal", "/accounts/rainy/journal")]

    assert "Kit could not be asked" in mine
    assert "a…@creators.example" in mine  # an address is masked: `forget` does not look through the journal
    assert "ann@" not in mine
    assert ("test" in others, "rainy is paused" in others) == (False, True)
    assert everything.index("rainy is paused") < everything.index("Kit could not be asked")
    assert (await client.ask("/journal?before=nonsense")).status == 200


async def test_of_somebody_unknown_that_is_said(client: Client) -> None:
    await client.sign_in(TOKEN)
    assert (await client.ask("/accounts/sunny/people?find=ADA@example.com")).place == (
        "/accounts/sunny/people/ada%40example.com"
    )
    view = (await client.ask("/accounts/sunny/people/ada%40example.com")).text
    assert "Nothing is known of this address here" in view
    assert (
        "Nobody is known here by the id “u-7”" in (await client.ask("/accounts/sunny/people?find=u-7")).text
    )
    assert (await client.ask("/accounts/sunny/people/nonsense")).status == 404


async def test_what_each_event_does_is_told_in_words(client: Client) -> None:
    await client.sign_in(TOKEN)
    view = (await client.ask("/accounts/sunny/events")).text
    assert "adds <em>Active Member</em>, takes off <em>Cancelled</em>, opens a subscription" in view
    assert "adds <em>[access level] access</em>" in view
    assert view.count("not lately") == 4


async def test_where_each_value_goes_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, ("sunny",)) as client:
        fields = "{mk_first_name: first_name, mk_cancel_reason: null, data.user.locale: Language}"
        more = "kit_fields: {Since: {from: [mk_subscription_started_at, mk_signed_up_at], format: date}}"
        file = tmp_path / "accounts" / "sunny.yaml"
        file.write_text(f"{file.read_text()}fields: {fields}\n{more}\n")
        await client.sign_in(TOKEN)
        await _until(client, "/accounts/sunny/fields", lambda text: "Language" in text)
        view = (await client.ask("/accounts/sunny/fields")).text
    assert "reason for canceling</a> <code>mk_cancel_reason</code>" in view
    assert ">price</td>" in view  # an example
    assert "Since (where there is none, day of signing up; as a date)" in view
    assert "user locale</a> <code>data.user.locale</code>" in view
    assert "first name, which Kit has by itself" in view
    assert "not sent" in view


# -- other sites --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [*POSTS, "/sign-in", "/sign-out"])
async def test_another_site_has_nothing_done(client: Client, path: str, headers: dict[str, str]) -> None:
    await client.sign_in(TOKEN)
    answer = await client.ask(path, {"token": TOKEN}, headers=headers)
    assert (answer.status, "nothing was done" in answer.text) == (403, True)
    assert (await client.ask("/")).status == 200  # still signed in


async def test_an_older_browser_says_where_it_is_by_origin(client: Client) -> None:
    origin = {"Origin": str(client.root)}
    assert (await client.ask("/sign-in", {"token": TOKEN}, headers=origin)).place == "/"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_do_nothing(client: Client, method: str) -> None:
    await client.sign_in(TOKEN)
    answer = await client.ask("/accounts/sunny/pause", method=method)
    assert answer.status == 405


async def test_no_site_shows_the_page_within_its_own_or_loads_anything_into_it(client: Client) -> None:
    for path in ("/sign-in", "/static/page.css", "/nothing", "/"):
        headers = (await client.ask(path)).headers
        assert {name: headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]


async def test_every_view_keeps_to_its_own_policy(client: Client) -> None:
    """Given default-src 'self', an inline script or style would not run: none stands in any view."""
    await client.sign_in(TOKEN)
    for path in (*VIEWS, "/sign-in", "/nothing"):
        text = (await client.ask(path)).text.lower()
        assert "<style" not in text
        assert " style=" not in text
        assert " on" not in "".join(part.partition(">")[0] for part in text.split("<")[1:])
        assert text.count("<script") == text.count('<script src="/static/page.js" defer></script>')


# -- without a token ----------------------------------------------------------------------------------------


async def test_without_a_token_everybody_on_this_machine_is_an_operator(tmp_path: Path) -> None:
    async with served(tmp_path, page_token=None, page_read_token=None) as client:
        assert (await client.ask("/accounts/sunny")).status == 200
        assert "Sign out" not in (await client.ask("/")).text
        assert (await client.ask("/sign-in")).place == "/"  # there is no token to ask for


async def test_without_a_token_no_name_elsewhere_leads_here(tmp_path: Path) -> None:
    """Given a site that has its own name resolve to 127.0.0.1, its scripts read nothing and do nothing."""
    async with served(tmp_path, page_token=None, page_read_token=None) as client:
        strange = {"Host": "evil.example:8090", "Sec-Fetch-Site": "same-origin"}
        assert (await client.ask("/accounts/sunny", headers=strange)).status == 403
        assert (await client.ask("/accounts/sunny/pause", {}, headers=strange)).status == 403


# -- odd requests -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fsettings.py",
        "/static//etc/passwd",
        "/static/",
    ],
)
async def test_no_other_file_is_served(client: Client, path: str) -> None:
    answer = await client.ask(path)
    assert answer.status in {303, 403, 404}
    assert "import" not in answer.text


async def test_more_than_a_file_of_an_account_is_not_read(client: Client) -> None:
    answer = await client.ask("/sign-in", {"token": "x" * (LARGEST + 1)})
    assert answer.status == 413


HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


async def test_what_others_wrote_is_shown_and_never_acts(tmp_path: Path) -> None:
    """Given a file whose mistakes repeat a hostile text, a search for one, and a link that names one."""
    async with served(tmp_path) as client:
        hostile = f"app: sunny\nkit: {{api_key_env: KIT_API_KEY_SUNNY}}\n? {HOSTILE!r}\n: 1\n"
        (tmp_path / "accounts" / "sunny.yaml").write_text(hostile)
        await client.sign_in(TOKEN)
        await _until(client, "/accounts/sunny", lambda text: "Mistakes in its file" in text)
        for path in ("/accounts/sunny", "/?find=%3Cscript%3Ealert(1)", "/sign-in?next=/%22%3E%3Cscript%3E"):
            assert "<script>" not in (await client.ask(path)).text
        await client.follow(replace(admin(), who=HOSTILE))
        view = (await client.ask("/accounts/sunny")).text
        assert "<script>alert" not in view
        assert "{{7*7}}" in view


async def _until(client: Client, path: str, there: Callable[[str], bool]) -> None:
    async with asyncio.timeout(15):
        while not there((await client.ask(path)).text):
            await asyncio.sleep(0.2)


async def test_no_view_holds_a_key(client: Client) -> None:
    await client.sign_in(TOKEN)
    await client.ask("/accounts/sunny/test", {})
    for path in VIEWS:
        assert KEY[:-5] not in (await client.ask(path)).text


# -- many accounts ------------------------------------------------------------------------------------------


async def _three_workers(folder: Path, names: Iterable[str]) -> None:
    """Have three workers say that they have all accounts."""
    report = {
        "state": "waiting",
        "last_error": "",
        "config_errors": [],
        "queue_depth": 0,
        "pending_subscribers": 0,
    }
    url = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    for worker in ("one", "two", "three"):
        async with Ledger(Database(url), worker=worker, clock=Clock()) as ledger:
            await Registry(ledger, worker).beat(dict.fromkeys(names, report))


async def test_a_thousand_accounts_are_shown_a_hundred_at_a_time(tmp_path: Path) -> None:
    names = tuple(f"a{number:04}" for number in range(1000))
    async with served(tmp_path, names) as client:
        await _three_workers(tmp_path, names)
        await client.sign_in(TOKEN)
        first = (await client.ask("/")).text
        assert "1000 accounts" in first
        assert first.count("All is well") == 100
        assert (first.count('<th scope="row"><a'), "a0099" in first, "a0100" in first) == (100, True, False)
        assert "a0100" in (await client.ask("/?after=a0099")).text
        found = (await client.ask("/?find=A077")).text
        assert "10 accounts" in found
        times = []
        for _ in range(10):
            began = time.perf_counter()
            await client.ask("/")
            times.append(time.perf_counter() - began)
        assert sorted(times)[5] < 0.1
