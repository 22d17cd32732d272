"""What tokens open, how they are refreshed and revoked, and what of that is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.sandbox.harness import Kit, Reply, kit
from tests.unit.sandbox.oauth_endpoints.client import (
    ACCOUNT,
    CLIENT,
    REVOKE,
    TOKEN,
    authorize,
    sandbox,
    token,
)

REFRESH = {"grant_type": "refresh_token", "refresh_token": "refresh-unknown"}


async def refreshed(call: Kit, refresh_token: str, **more: str) -> Reply:
    return await token(call, grant_type="refresh_token", refresh_token=refresh_token, **CLIENT, **more)


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
