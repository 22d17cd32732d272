"""Who comes into the page, by which way, and who does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.page.routes import views
from tests.unit.page.serve import SECRET, TOKEN, Client, admin, served
from worker.page.rights import Signer
from worker.page.views.sign_in import COOKIE

VIEWS = tuple(path for path in views() if "s/1" not in path)  # there are none


# -- who comes in -----------------------------------------------------------------------------------------


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


async def test_a_session_that_has_ended_is_none(client: Client) -> None:
    await client.follow(admin(lasts=1.0))
    assert (await client.ask("/accounts/sunny")).status == 200
    client.session.cookie_jar.clear()
    old = Signer(SECRET).write_visitor("session", admin(lasts=-1))
    client.session.cookie_jar.update_cookies({COOKIE: old}, client.root)
    assert (await client.ask("/accounts/sunny")).status == 303


# -- wrong tokens -----------------------------------------------------------------------------------------


async def test_a_wrong_token_lets_nobody_in(client: Client) -> None:
    answer = await client.sign_in("wrong")
    assert answer.status == 403
    assert "This is not the token" in answer.text
    assert (await client.ask("/")).status == 303


# -- other sites ------------------------------------------------------------------------------------------


async def test_an_older_browser_says_where_it_is_by_origin(client: Client) -> None:
    origin = {"Origin": str(client.root)}
    assert (await client.ask("/sign-in", {"token": TOKEN}, headers=origin)).place == "/"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_do_nothing(client: Client, method: str) -> None:
    await client.sign_in(TOKEN)
    answer = await client.ask("/accounts/sunny/pause", method=method)
    assert answer.status == 405


async def test_every_view_keeps_to_its_own_policy(client: Client) -> None:
    """Given default-src 'self', an inline script or style would not run: none stands in any view."""
    await client.sign_in(TOKEN)
    for path in (*VIEWS, "/sign-in", "/nothing"):
        text = (await client.ask(path)).text.lower()
        assert "<style" not in text
        assert " style=" not in text
        assert " on" not in "".join(part.partition(">")[0] for part in text.split("<")[1:])
        assert text.count("<script") == text.count('<script src="/static/page.js" defer></script>')


# -- without a token --------------------------------------------------------------------------------------


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
