"""The OAuth endpoints, and what their tokens open."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from worker.sandbox import Sandbox
from worker.sandbox.tokens import challenge_of

from .harness import Kit, Reply, kit

ACCOUNT = "Sunny Kitchen"
CLIENT = {"client_id": "app", "client_secret": "hush-hush"}
CALLBACK = "https://app.example.com/callback?from=kit"
ASKED = {"client_id": "app", "response_type": "code", "redirect_uri": CALLBACK, "state": "s&t"}
BY_CODE = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
REFRESH = {"grant_type": "refresh_token", "refresh_token": "refresh-unknown"}
TOKEN, REVOKE = "/v4/oauth/token", "/v4/oauth/revoke"


def sandbox(**settings: Any) -> Sandbox:  # noqa: ANN401  # each setting has its own type
    made = Sandbox(**settings)
    made.oauth.client("app", "hush-hush", CALLBACK)
    made.oauth.client("public")
    return made


async def authorize(call: Kit, **query: str) -> Reply:
    return await call("GET", f"/v4/oauth/authorize?{urlencode({**ASKED, **query})}", key=None)


def told(reply: Reply) -> dict[str, str]:
    assert reply.status == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


async def token(call: Kit, how: str = "json", /, **body: str) -> Reply:
    if how == "form":
        return await call("POST", TOKEN, key=None, form=body)
    return await call("POST", TOKEN, body, key=None)


async def refreshed(call: Kit, refresh_token: str, **more: str) -> Reply:
    return await token(call, grant_type="refresh_token", refresh_token=refresh_token, **CLIENT, **more)


@pytest.mark.parametrize("how", ["json", "form"])
async def test_consent_gives_a_code_and_the_code_gives_tokens_that_open_the_account(how: str) -> None:
    async with kit(sandbox(wall=lambda: 1_700_000_000.5)) as call:
        answer = told(await authorize(call, account=ACCOUNT))
        body = {**BY_CODE, **CLIENT, "code": answer["code"]}
        reply, again = await token(call, how, **body), await token(call, how, **body)
        opened = await call("GET", "/v4/account", token=reply.json["access_token"])

    assert (answer["state"], answer["from"]) == ("s&t", "kit")
    assert (reply.status, reply.content_type) == (200, "application/json")
    tokens = dict(reply.json)
    assert tokens.pop("access_token") != tokens.pop("refresh_token")
    assert tokens == {
        "token_type": "Bearer", "expires_in": 172_800, "scope": "public", "created_at": 1_700_000_000,
    }  # fmt: skip
    assert opened.json["account"]["name"] == ACCOUNT
    assert (again.status, again.json["error"]) == (400, "invalid_grant")


async def test_with_pkce_the_verifier_stands_for_the_secret() -> None:
    challenge = {"code_challenge": challenge_of("v" * 43), "code_challenge_method": "S256"}
    async with kit(sandbox()) as call:
        asked = {"client_id": "public", "account": ACCOUNT, **challenge}
        code = told(await authorize(call, **asked))["code"]
        body = {**BY_CODE, "client_id": "public", "code": code}
        wrong = await token(call, **body, code_verifier="w" * 43)
        right = await token(call, **body, code_verifier="v" * 43)

    assert (wrong.status, wrong.json["error"]) == (400, "invalid_grant")
    assert right.status == 200


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": "c", "code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": "public"}, "invalid_request"),
        ({"refuse": "1"}, "access_denied"),
    ],
)
async def test_what_cannot_be_granted_is_told_to_the_client(query: Mapping[str, str], error: str) -> None:
    async with kit(sandbox()) as call:
        answer = told(await authorize(call, account=ACCOUNT, **query))

    assert (answer["error"], answer["state"]) == (error, "s&t")
    assert answer["error_description"]
    assert "code" not in answer


@pytest.mark.parametrize(
    "query",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"redirect_uri": "https://elsewhere.example.com/"},
        {"client_id": "public", "redirect_uri": "javascript:alert(1)"},
        {"client_id": "public", "redirect_uri": "ftp://app.example.com/"},
        {"client_id": "public", "redirect_uri": "/callback"},
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_the_clients(query: Mapping[str, str]) -> None:
    async with kit(sandbox()) as call:
        reply = await authorize(call, account=ACCOUNT, **query)

    assert (reply.status, reply.content_type) == (400, "text/html")
    assert "Location" not in reply.headers


async def test_the_page_offers_every_account_and_a_refusal_and_keeps_what_was_asked() -> None:
    async with kit(sandbox(keys={"key-a": "Sunny <Kitchen>"})) as call:
        page = await authorize(call, state='">s&t')
        account, refusal = [unescape(link) for link in re.findall('href="(/[^"]*)"', page.text)]
        granted, refused = await call("GET", account, key=None), await call("GET", refusal, key=None)
        code = told(granted)["code"]
        held = call.sandbox.oauth.account_of(code)

    assert (page.status, page.content_type) == (200, "text/html")
    assert "Sunny &lt;Kitchen&gt;" in page.text
    assert "Sunny <" not in page.text
    assert '">s' not in page.text
    assert (held, told(granted)["state"]) == ("Sunny <Kitchen>", '">s&t')
    assert told(refused)["error"] == "access_denied"


async def test_each_tenant_of_a_client_has_tokens_of_its_own() -> None:
    """Given two installations of one app at one Kit account, then one ends, and the other works on."""
    async with kit(sandbox()) as call:
        tokens = []
        for tenant in ("here", "there"):
            code = told(await authorize(call, account=ACCOUNT, tenant_name=tenant))["code"]
            tokens.append((await token(call, **BY_CODE, **CLIENT, code=code)).json)
        await call("POST", REVOKE, {"token": tokens[0]["refresh_token"], **CLIENT}, key=None)
        opened = [(await call("GET", "/v4/account", token=each["access_token"])).status for each in tokens]
        tenants = [pair.connection.tenant for pair in call.sandbox.oauth.pairs()]

    assert opened == [401, 200]
    assert tenants == ["here", "there"]


@pytest.mark.parametrize("tenant", [" ", "t" * 256])
async def test_a_tenant_that_is_no_name_is_told(tenant: str) -> None:
    async with kit(sandbox()) as call:
        answer = told(await authorize(call, account=ACCOUNT, tenant_name=tenant))
        longest = told(await authorize(call, account=ACCOUNT, tenant_name="t" * 255))

    assert answer["error"] == "invalid_request"
    assert "tenant name" in answer["error_description"]
    assert longest["code"]


async def test_whose_browser_it_is_can_be_said_beforehand() -> None:
    async with kit(sandbox()) as call:
        call.sandbox.oauth.creator = ACCOUNT
        code = told(await authorize(call))["code"]

        assert call.sandbox.oauth.account_of(code) == ACCOUNT


async def test_a_refresh_gives_new_tokens_and_revokes_the_old_refresh_token() -> None:
    async with kit(sandbox()) as call:
        first = call.sandbox.oauth.grant(ACCOUNT)
        second = await refreshed(call, first.refresh_token)
        again = await refreshed(call, first.refresh_token)
        without_secret = {"client_id": "app", "refresh_token": second.json["refresh_token"]}
        third = await token(call, "form", grant_type="refresh_token", **without_secret)

        assert (second.status, again.status, third.status) == (200, 400, 200)
        assert again.json["error"] == "invalid_grant"
        assert again.json.keys() == {"error", "error_description"}
        assert [each.use for each in call.sandbox.oauth.refreshes] == [1, 2, 1]


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        (REFRESH, 400, "invalid_grant"),
        ({**REFRESH, "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "authorization_code", "code": "x"}, 400, "invalid_request"),
        ({}, 400, "invalid_request"),
        ({"client_id": 7}, 400, "invalid_request"),
    ],
)
async def test_a_wrong_token_request_is_refused_in_the_shape_of_the_rfc(
    body: Mapping[str, object], status: int, error: str
) -> None:
    async with kit(sandbox()) as call:
        reply = await call("POST", TOKEN, {**CLIENT, **body}, key=None)

    assert (reply.status, reply.json["error"]) == (status, error)


@pytest.mark.parametrize("body", [["x"], "x"])
async def test_a_body_that_is_no_object_is_an_invalid_request(body: object) -> None:
    async with kit(sandbox()) as call:
        reply = await call("POST", TOKEN, body, key=None)

    assert (reply.status, reply.json["error"]) == (400, "invalid_request")


async def test_an_expired_token_is_refused_everywhere_until_it_is_refreshed() -> None:
    now = 0.0
    paths = ["/v4/account", "/v4/tags", "/v4/bulk/tags", "/v4/nothing"]
    async with kit(sandbox(token_life=5, wall=lambda: now)) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        now = 5.0
        expired = [await call("GET", path, token=tokens.access_token) for path in paths]
        new = await refreshed(call, tokens.refresh_token)
        mended = await call("GET", "/v4/account", token=new.json["access_token"])

        assert [(reply.status, reply.json) for reply in expired] == [
            (401, {"errors": ["The access token expired"]})
        ] * 4
        assert (new.json["expires_in"], mended.status) == (5, 200)
        assert call.sandbox.count(tokens.access_token, status=401) == 4


async def test_the_limit_is_that_of_the_account_whatever_token_is_sent() -> None:
    async with kit(sandbox()) as call:
        call.sandbox.limits.per_window = dict.fromkeys(call.sandbox.limits.per_window, 2)
        first, other = call.sandbox.oauth.grant(ACCOUNT), call.sandbox.oauth.grant("Quiet Garden")
        before = [(await call("GET", "/v4/account", token=first.access_token)).status for _ in range(2)]
        new = (await refreshed(call, first.refresh_token)).json["access_token"]
        beyond = await call("GET", "/v4/account", token=new)
        elsewhere = await call("GET", "/v4/account", token=other.access_token)

        assert before == [200, 200]
        assert (beyond.status, beyond.text, elsewhere.status) == (429, "Retry later", 200)
        assert call.sandbox.peak(first.access_token) == call.sandbox.peak(new) == 3


@pytest.mark.parametrize("path", [REVOKE, "/oauth/revoke"])
@pytest.mark.parametrize("how", ["json", "form"])
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_a_revoked_connection_is_over(which: str, how: str, path: str) -> None:
    async with kit(sandbox()) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        body = {"token": getattr(tokens, which), **CLIENT}
        given: dict[str, Any] = {"body": body} if how == "json" else {"form": body}
        revoked = await call("POST", path, key=None, **given)
        after = await call("GET", "/v4/account", token=tokens.access_token)
        refused = await refreshed(call, tokens.refresh_token)

    assert (revoked.status, revoked.text) == (200, "")
    assert (after.status, after.json) == (401, {"errors": ["The access token is invalid"]})
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"token": "x", **CLIENT}, 200),
        ({"token": "x", "client_id": "app", "client_secret": "wrong"}, 401),
        ({"token": "x", "client_id": "app"}, 401),
        (CLIENT, 400),
    ],
)
async def test_revoking_needs_the_client_and_a_token_that_may_be_unknown(
    form: Mapping[str, str], status: int
) -> None:
    async with kit(sandbox()) as call:
        reply = await call("POST", REVOKE, key=None, form=form)

    assert reply.status == status


async def test_tokens_are_given_at_the_path_without_a_version_too() -> None:
    async with kit(sandbox()) as call:
        body = {**REFRESH, **CLIENT, "refresh_token": call.sandbox.oauth.grant(ACCOUNT).refresh_token}
        reply = await call("POST", "/oauth/token", body, key=None)
        opened = await call("GET", "/v4/account", token=reply.json["access_token"])

    assert (reply.status, opened.status) == (200, 200)


async def test_a_refresh_whose_answer_is_lost_has_used_the_token_up() -> None:
    async with kit(sandbox()) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        other = call.sandbox.oauth.grant("Quiet Garden")
        call.sandbox.fail("status", path=TOKEN, key=tokens.access_token, applied=True, times=1)
        unharmed = await refreshed(call, other.refresh_token)
        lost, after = [await refreshed(call, tokens.refresh_token) for _ in range(2)]

        assert (unharmed.status, lost.status, after.status) == (200, 502, 400)
        assert len(call.sandbox.oauth.used_twice()) == 1


@pytest.mark.parametrize(
    ("named", "sent", "status"),
    [
        ("/v4/oauth/token", "/oauth/token", 502),
        ("/v4/oauth/*", "/oauth/token", 502),
        ("/oauth/token", "/oauth/token", 502),
        ("/v4/oauth/token", "/v4/oauth/token", 502),
        ("/v4/oauth/revoke", "/oauth/token", 200),
    ],
)
async def test_a_fault_strikes_the_endpoint_whichever_of_its_paths_is_called(
    named: str, sent: str, status: int
) -> None:
    async with kit(sandbox()) as call:
        body = {**REFRESH, **CLIENT, "refresh_token": call.sandbox.oauth.grant(ACCOUNT).refresh_token}
        await call("POST", "/_sandbox/faults", {"kind": "status", "path": named})
        reply = await call("POST", sent, body, key=None)

    assert reply.status == status


async def test_a_refresh_that_never_arrived_can_be_tried_again() -> None:
    async with kit(sandbox()) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        call.sandbox.fail("status", path=TOKEN, times=1)
        replies = [await refreshed(call, tokens.refresh_token) for _ in range(2)]

        assert [reply.status for reply in replies] == [502, 200]
        assert call.sandbox.oauth.used_twice() == []


async def test_token_calls_are_in_the_journal_without_secrets() -> None:
    async with kit(sandbox()) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        await authorize(call, account=ACCOUNT)
        reply = await refreshed(call, tokens.refresh_token)
        consent, noted = call.sandbox.journal.calls
        journal = await call("GET", "/_sandbox/calls")
        state = await call("GET", "/_sandbox/state")
        page = await call("GET", "/", key=None)

    assert (consent.endpoint, consent.status, consent.account) == ("GET /v4/oauth/authorize", 302, None)
    assert (noted.endpoint, noted.status, noted.account) == ("POST /v4/oauth/token", 200, ACCOUNT)
    assert noted.credential == f"…{tokens.refresh_token[-4:]}"
    shown = journal.text + state.text + page.text
    new = (reply.json["access_token"], reply.json["refresh_token"])
    for secret in (*new, tokens.access_token, tokens.refresh_token, "hush-hush"):
        assert secret not in shown


async def test_the_page_and_the_state_show_who_is_connected() -> None:
    async with kit(sandbox(wall=lambda: 0.0, token_life=60)) as call:
        tokens = (await call("POST", "/_sandbox/grant", {"account": "Sunny <Kitchen>"})).json
        await refreshed(call, tokens["refresh_token"])
        page = await call("GET", "/", key=None)
        await call("POST", "/_sandbox/disconnect", {"account": "Sunny <Kitchen>"})
        state = (await call("GET", "/_sandbox/state")).json
        ended = await call("GET", "/v4/account", token=tokens["access_token"])
        unknown = await call("POST", "/_sandbox/grant", {"account": ACCOUNT, "client": "nobody"})

    assert "Connected by OAuth" in page.text
    assert '<div>Sunny &lt;Kitchen&gt;</div></td><td data-label="App"><div>app</div></td>' in page.text
    assert '<div>good for 60 s</div></td><td data-label="Refreshed"><div>1</div></td>' in page.text
    (connection,) = state["connections"]
    assert (connection["client_id"], connection["state"], connection["refreshes"]) == ("app", "ended", 1)
    assert [each["granted"] for each in state["refreshes"]] == [True]
    assert (ended.status, unknown.status) == (401, 400)


async def test_the_peak_of_a_connection_is_in_the_journal() -> None:
    async with kit(sandbox()) as call:
        tokens = call.sandbox.oauth.grant(ACCOUNT)
        await call("GET", "/v4/account", token=tokens.access_token)
        peaks = (await call("GET", "/_sandbox/calls")).json["peaks"]

    assert peaks == [{"account": ACCOUNT, "credential": f"…{tokens.access_token[-4:]}", "peak": 1}]


@pytest.mark.parametrize("path", ["/v4/oauth/nothing", "/v4/oauth/token/1"])
async def test_there_are_no_other_oauth_endpoints(path: str) -> None:
    async with kit(sandbox()) as call:
        reply = await call("POST", path, {}, key=None)

    assert reply.status == 404
