"""One process's access to Kit: what is made for an account, and which rate limit its calls go through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.clocks import StandingClock
from tests.unit.kit.raw_server import answering, serving
from worker.errors import CredentialRefused
from worker.kit.access import KitAccess
from worker.kit.auth.login import FixedLogin
from worker.kit.auth.refresh import OAuthLogin
from worker.kit.client import KitClient
from worker.kit.credentials import AccessToken, ApiKey, Credential, OAuthApp
from worker.kit.limiter import MARGIN, WINDOW, allowed
from worker.ledger.database import Database
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.metrics import Metrics
from worker.settings import Settings

KEY, OTHER_KEY = ApiKey(SecretStr("kit_1")), ApiKey(SecretStr("kit_2"))
TOKEN, OTHER_TOKEN = AccessToken(SecretStr("t-1")), AccessToken(SecretStr("t-2"))
APP, NEW_SECRET = OAuthApp(SecretStr("app")), OAuthApp(SecretStr("app"), SecretStr("made anew"))
LIMIT = 100


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def ledger(tmp_path: Path, clock: StandingClock) -> Ledger:
    """A ledger that is not there; nothing here asks it."""
    return Ledger(Database(f"sqlite+aiosqlite:///{tmp_path}/ledger.db"), worker="w-1", clock=clock)


def access(ledger: Ledger, metrics: Metrics | None = None, **settings: Any) -> KitAccess:  # noqa: ANN401
    return KitAccess(Settings(**{"kit_rate_limit": LIMIT, **settings}), ledger, metrics)


async def used(kit: KitAccess, account: str, credential: Credential) -> float:
    """How much of the limit is used, as a client sees it that is made now."""
    async with kit.client(account, credential) as client:
        return client.limiter.used_ratio


async def call(client: KitClient) -> None:
    async with client.limiter.call():
        pass


@pytest.mark.parametrize(
    ("account", "credential", "counted"),
    [
        ("sunny", KEY, True),
        ("renamed", KEY, True),
        ("sunny", OTHER_KEY, False),
        ("sunny", TOKEN, False),
        ("sunny", AccessToken(KEY.api_key), False),
    ],
)
async def test_a_key_has_one_limit_whose_client_comes_and_goes(
    ledger: Ledger, account: str, credential: Credential, *, counted: bool
) -> None:
    """Given an account whose worker was made anew, then Kit's limit goes on; another key has its own."""
    kit = access(ledger)
    async with kit.client("sunny", KEY) as client:
        await call(client)
    assert await used(kit, account, credential) == (1 / 98 if counted else 0)


@pytest.mark.parametrize(
    ("account", "credential", "counted"),
    [
        ("sunny", APP, True),
        ("sunny", NEW_SECRET, True),
        ("other", APP, False),
        ("sunny", TOKEN, False),
        ("sunny", ApiKey(SecretStr("sunny")), False),
    ],
)
async def test_a_connected_account_has_one_limit_whatever_its_tokens_are(
    ledger: Ledger, account: str, credential: Credential, *, counted: bool
) -> None:
    """Given an account that was connected anew, then Kit's limit goes on; the app's others have their own."""
    kit = access(ledger, ledger_key=new_key())
    async with kit.client("sunny", APP) as client:
        await call(client)
    assert await used(kit, account, credential) == (1 / 98 if counted else 0)


async def test_two_tokens_have_two_limits(ledger: Ledger) -> None:
    kit = access(ledger)
    async with kit.client("sunny", TOKEN) as client:
        await call(client)
    assert await used(kit, "sunny", OTHER_TOKEN) == 0


async def test_what_was_spent_before_is_free_again_after_a_minute(
    ledger: Ledger, clock: StandingClock
) -> None:
    kit = access(ledger)
    async with kit.client("sunny", KEY) as client:
        await call(client)
    clock.wait(WINDOW + 2 * MARGIN)
    assert await used(kit, "sunny", KEY) == 0


@pytest.mark.parametrize(
    ("setting", "credential", "limit"),
    [(0, KEY, 118), (0, TOKEN, 588), (0, APP, 588), (50, TOKEN, 49), (1, KEY, 1)],
)
async def test_the_limit_is_kits_or_the_settings_less_what_is_left_to_others(
    ledger: Ledger, setting: int, credential: Credential, limit: int
) -> None:
    kit = access(ledger, kit_rate_limit=setting)
    async with kit.client("sunny", credential) as client:
        await call(client)
        assert client.limiter.used_ratio == pytest.approx(1 / limit)


@pytest.mark.parametrize(("limit", "part"), [(1, 1), (2, 1), (10, 9), (120, 118), (600, 588)])
def test_at_least_one_call_of_the_limit_is_left_and_one_is_used(limit: int, part: int) -> None:
    assert allowed(limit) == part


async def test_each_credential_has_its_login(ledger: Ledger) -> None:
    kit = access(ledger, ledger_key=new_key())
    fixed = kit.login("sunny", KEY), kit.login("sunny", TOKEN)
    assert [await login.headers() for login in fixed] == [
        {"X-Kit-Api-Key": "kit_1"},
        {"Authorization": "Bearer t-1"},
    ]
    assert all(isinstance(login, FixedLogin) for login in fixed)
    assert isinstance(kit.login("sunny", APP), OAuthLogin)


async def test_without_the_ledgers_key_a_connected_account_cannot_log_in(ledger: Ledger) -> None:
    with pytest.raises(CredentialRefused, match="LEDGER_KEY is not set"):
        await access(ledger).login("sunny", APP).check()


async def test_calls_go_where_the_settings_say_and_are_counted(ledger: Ledger) -> None:
    metrics = Metrics()
    async with serving(answering(200, {"account": {"id": 7}})) as server:
        kit = access(ledger, metrics, kit_base_url=server.url)
        async with kit.client("sunny", KEY) as client:
            await client.get("/v4/account")
    (request,) = server.requests
    assert request.headers["user-agent"].endswith(" (w-1)")
    user_agent = request.headers["user-agent"]
    async with serving(answering(200, {})) as server:
        await access(ledger, kit_base_url=server.url).endpoint(APP).revoke("t")
    assert server.requests[0].headers["user-agent"] == user_agent
    labels = {"account": "sunny", "endpoint": "GET /v4/account"}
    value = metrics.registry.get_sample_value
    assert value("kit_worker_kit_requests_total", {**labels, "status": "200"}) == 1
    assert value("kit_worker_kit_request_seconds_count", labels) == 1
