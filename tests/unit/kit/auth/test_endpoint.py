"""Kit's token endpoint over real sockets: what is granted, what is refused, and nothing secret in errors."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from pydantic import SecretStr

from tests.clocks import StandingClock
from tests.unit.kit.raw_server import (
    Reply,
    Request,
    answering,
    dropping,
    gzip_bomb,
    http,
    resetting,
    serving,
)
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError, RateLimited
from worker.kit.auth.endpoint import (
    MAX_ANSWER_BYTES,
    USUAL_LIFE,
    GrantRefusedError,
    OAuthEndpoint,
    authorize_url,
)
from worker.kit.credentials import OAuthApp
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

NAME = "Sunny Kitchen"
REDIRECT = "http://localhost:8976/callback"
APP = OAuthApp(SecretStr("the-client"), SecretStr("the-client-secret"))
PUBLIC = OAuthApp(SecretStr("the-client"))
VERIFIER = "a-verifier-of-forty-three-characters-or-more"
CODE, REFRESH = "the-secret-code", "the-secret-refresh-token"
GRANT = {"access_token": "a-1", "refresh_token": "r-1", "expires_in": 7200, "token_type": "Bearer"}


def endpoint(url: str, app: OAuthApp = APP, *, timeout: float = 5.0) -> OAuthEndpoint:
    return OAuthEndpoint(url, app, timeout=timeout, clock=StandingClock(1000.0))


def without_secrets(error: BaseException) -> bool:
    shown = "".join(traceback.format_exception(error)) + repr(error)
    return not any(secret in shown for secret in (CODE, REFRESH, VERIFIER, "the-client", "a-1", "r-1"))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    box = Sandbox(token_life=5)
    box.oauth.client("the-client", "the-client-secret", REDIRECT)
    async with box.running() as running:
        yield running


async def consent(sandbox: Sandbox, app: OAuthApp, verifier: str = VERIFIER) -> str:
    """Say yes as the account's creator would, and return the code."""
    sandbox.oauth.creator = NAME
    address = authorize_url(
        sandbox.url, app, redirect_uri=REDIRECT, state="s", verifier=verifier, tenant="here"
    )
    async with aiohttp.ClientSession() as session, session.get(address, allow_redirects=False) as response:
        query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["state"] == ["s"]
    return query["code"][0]


# -- against the sandbox ----------------------------------------------------------------------------------


@pytest.mark.parametrize("app", [APP, PUBLIC], ids=["secret", "pkce"])
async def test_from_a_code_to_tokens_to_newer_ones_to_none(sandbox: Sandbox, app: OAuthApp) -> None:
    """Given a consent, its code is exchanged once, each refresh token used once, and revoking ends it all."""
    sandbox.oauth.client("the-client", "the-client-secret" if app is APP else None)
    kit = endpoint(sandbox.url, app)
    code = await consent(sandbox, app)
    first = await kit.exchange(code, redirect_uri=REDIRECT, verifier=VERIFIER)
    assert (first.life, first.expires_at) == (5.0, 1005.0)
    assert sandbox.oauth.account_of(first.access_token) == NAME
    with pytest.raises(GrantRefusedError):
        await kit.exchange(code, redirect_uri=REDIRECT, verifier=VERIFIER)

    second = await kit.refresh(first.refresh_token)
    assert len({*map(str, (first.refresh_token, second.refresh_token))}) == 2
    with pytest.raises(GrantRefusedError):
        await kit.refresh(first.refresh_token)
    assert len(sandbox.oauth.used_twice()) == 1

    if app is APP:  # the sandbox lets only an app with a secret revoke
        await kit.revoke(second.refresh_token)
        with pytest.raises(GrantRefusedError):
            await kit.refresh(second.refresh_token)


async def test_an_app_without_a_secret_proves_itself_by_the_verifier(sandbox: Sandbox) -> None:
    sandbox.oauth.client("the-client")
    kit = endpoint(sandbox.url, PUBLIC)
    code = await consent(sandbox, PUBLIC)
    with pytest.raises(GrantRefusedError):
        await kit.exchange(code, redirect_uri=REDIRECT, verifier="x" + VERIFIER)


@pytest.mark.parametrize(
    "app",
    [
        OAuthApp(SecretStr("the-client"), SecretStr("not-the-client-secret")),
        OAuthApp(SecretStr("not-the-client"), SecretStr("x")),
    ],
    ids=["secret", "id"],
)
async def test_a_wrong_app_is_the_admins_to_correct(sandbox: Sandbox, app: OAuthApp) -> None:
    token = sandbox.oauth.grant(NAME).refresh_token
    with pytest.raises(CredentialRefused, match=r"\(invalid_client\): check its client id and client secret"):
        await endpoint(sandbox.url, app).refresh(token)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(FaultKind.STATUS, status=500), KitUnavailable),
        (Fault(FaultKind.STATUS, status=502), KitUnavailable),
        (Fault(FaultKind.HTML), KitUnavailable),
        (Fault(FaultKind.EMPTY), KitUnavailable),
        (Fault(FaultKind.CUT_JSON), KitUnavailable),
        (Fault(FaultKind.CUT_BODY), KitUnavailable),
        (Fault(FaultKind.LOGIN), KitUnavailable),
        (Fault(FaultKind.RESET), KitUnavailable),
        (Fault(FaultKind.HANG), KitUnavailable),
        (Fault(FaultKind.HANG_IN_HEADERS), KitUnavailable),
        (Fault(FaultKind.RATE_LIMITED), RateLimited),
    ],
    ids=str,
)
async def test_an_answer_that_is_none_leaves_it_open(
    sandbox: Sandbox, fault: Fault, kind: type[KitWorkerError]
) -> None:
    """Given any trouble on the way, it is not taken for a refusal, and the tokens not for lost."""
    tokens = sandbox.oauth.grant(NAME)
    sandbox.faults.add(Rule(fault, path="/v4/oauth/token", times=1))
    kit = endpoint(sandbox.url, timeout=0.5)
    with pytest.raises(kind) as caught:
        await kit.refresh(tokens.refresh_token)
    shown = "".join(traceback.format_exception(caught.value))
    assert tokens.refresh_token not in shown
    assert "the-client" not in shown


async def test_a_bomb_of_gzip_is_no_answer() -> None:
    body = gzip_bomb(64)

    async def reply(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, body, "Content-Encoding: gzip"))

    async with serving(reply) as server:
        with pytest.raises(KitUnavailable, match="too large"):
            await endpoint(server.url).refresh(REFRESH)


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(sandbox: Sandbox) -> None:
    """Half of an answer would be tokens that are lost."""
    tokens = sandbox.oauth.grant(NAME)
    sandbox.faults.add(Rule(Fault(FaultKind.DRIP, delay=0.001), path="/v4/oauth/token"))
    newer = await endpoint(sandbox.url).refresh(tokens.refresh_token)
    assert sandbox.oauth.account_of(newer.access_token) == NAME


# -- byte by byte -----------------------------------------------------------------------------------------


async def test_what_is_sent() -> None:
    """A form, as RFC 6749 has it; never the secret in an address."""
    async with serving(answering(200, GRANT)) as server:
        await endpoint(server.url).exchange(CODE, redirect_uri=REDIRECT, verifier=VERIFIER)
        await endpoint(server.url, PUBLIC).exchange(CODE, redirect_uri=REDIRECT, verifier=VERIFIER)
        await endpoint(server.url).refresh(REFRESH)
        await endpoint(server.url).revoke(REFRESH)

    secret = {"client_secret": ["the-client-secret"]}
    known = {"client_id": ["the-client"]}
    code = {"grant_type": ["authorization_code"], "code": [CODE], "redirect_uri": [REDIRECT], **known}
    assert [parse_qs(request.body.decode()) for request in server.requests] == [
        {**code, **secret},
        {**code, "code_verifier": [VERIFIER]},
        {"grant_type": ["refresh_token"], "refresh_token": [REFRESH], **known, **secret},
        {"token": [REFRESH], **known, **secret},
    ]
    assert [request.target for request in server.requests] == ["/v4/oauth/token"] * 3 + ["/v4/oauth/revoke"]


@pytest.mark.parametrize(
    ("said", "life"),
    [(60, 60.0), ("60", 60.0), (None, USUAL_LIFE), (0, USUAL_LIFE), (-5, USUAL_LIFE), ("soon", USUAL_LIFE)],
)
async def test_kit_need_not_say_how_long_a_token_is_good(said: object, life: float) -> None:
    """Given tokens whose life is not told, they are kept: the refresh token before is used up."""
    async with serving(answering(200, {**GRANT, "expires_in": said})) as server:
        tokens = await endpoint(server.url).refresh(REFRESH)
    assert (tokens.life, tokens.expires_at) == (life, 1000.0 + life)


async def test_without_a_new_refresh_token_the_old_one_goes_on() -> None:
    async with serving(answering(200, {**GRANT, "refresh_token": None})) as server:
        assert (await endpoint(server.url).refresh(REFRESH)).refresh_token == REFRESH
        with pytest.raises(KitUnavailable, match="without tokens"):
            await endpoint(server.url).exchange(CODE, redirect_uri=REDIRECT, verifier="")


@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (400, {"error": "invalid_grant"}, GrantRefusedError),
        (401, {"error": "invalid_grant"}, GrantRefusedError),
        (401, {"error": "invalid_client"}, CredentialRefused),
        (400, {"error": "inva\x1b[31mlid"}, CredentialRefused),
        (400, {"errors": ["no"]}, KitUnavailable),
        (403, "<html>", KitUnavailable),
        (500, {"error": "invalid_grant"}, KitUnavailable),
        (429, {"error": "slow_down"}, RateLimited),
        (200, {"access_token": "a b", "refresh_token": "r"}, KitUnavailable),
        (200, ["a"], KitUnavailable),
    ],
)
async def test_what_an_answer_means(status: int, value: object, kind: type[KitWorkerError]) -> None:
    async with serving(answering(status, value)) as server:
        with pytest.raises(kind) as caught:
            await endpoint(server.url).refresh(REFRESH)
    assert without_secrets(caught.value)
    assert str(caught.value).isprintable()


async def drowning(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(http(200, b" " * (MAX_ANSWER_BYTES + 1) + json.dumps(GRANT).encode()))


@pytest.mark.parametrize("reply", [dropping, resetting, drowning])
async def test_no_answer_is_told_without_secrets(reply: Reply) -> None:
    async with serving(reply) as server:
        with pytest.raises(KitUnavailable) as caught:
            await endpoint(server.url).exchange(CODE, redirect_uri=REDIRECT, verifier=VERIFIER)
    assert without_secrets(caught.value)
    assert len(server.requests) == 1


async def test_nobody_is_followed_elsewhere_with_secrets() -> None:
    async with serving(answering(200, GRANT)) as other:
        away = answering(307, None, f"Location: {other.url}/v4/oauth/token")
        async with serving(away) as server:
            with pytest.raises(KitUnavailable, match="Kit answered 307"):
                await endpoint(server.url).refresh(REFRESH)
    assert other.requests == []


async def test_nobody_there() -> None:
    async with serving(dropping) as server:
        url = server.url
    with pytest.raises(KitUnavailable, match="POST /v4/oauth/token: ") as caught:
        await endpoint(url).refresh(REFRESH)
    assert without_secrets(caught.value)


async def test_after_its_time_nothing_is_sent_any_more() -> None:
    """Given a process that stood still with its turn in hand, it does not use what is another's by now."""
    async with serving(answering(200, GRANT)) as server:
        with pytest.raises(KitUnavailable):
            await endpoint(server.url).refresh(REFRESH, send_by=-0.001)
        assert server.requests == []
        await endpoint(server.url).refresh(REFRESH, send_by=5.0)


def test_an_address_for_the_creator() -> None:
    """The challenge is that of RFC 7636, appendix B; an app with a secret needs none."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    query = {"redirect_uri": REDIRECT, "state": "a b&c", "verifier": verifier, "tenant": "here"}
    address = urlsplit(authorize_url("https://api.kit.com/", PUBLIC, **query))
    assert address[:3] == ("https", "api.kit.com", "/v4/oauth/authorize")
    assert parse_qs(address.query) == {
        "client_id": ["the-client"],
        "response_type": ["code"],
        "redirect_uri": [REDIRECT],
        "state": ["a b&c"],
        "tenant_name": ["here"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
    }
    assert "challenge" not in authorize_url("https://api.kit.com", APP, **query)
    assert "the-client-secret" not in authorize_url("https://api.kit.com", APP, **query)
