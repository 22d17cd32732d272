"""A creator is asked, and the client is told: a code, or a refusal, and at its own address only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.unit.sandbox.harness import Reply, kit
from tests.unit.sandbox.oauth_endpoints.client import (
    ACCOUNT,
    CALLBACK,
    CLIENT,
    REVOKE,
    authorize,
    sandbox,
    token,
)
from worker.sandbox.tokens import challenge_of

BY_CODE = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}


def told(reply: Reply) -> dict[str, str]:
    assert reply.status == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


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
