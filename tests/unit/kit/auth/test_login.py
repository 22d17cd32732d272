"""What is sent with a call, for each kind of credential."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from tests.unit.virtual_time import run
from worker.errors import CredentialRefused
from worker.kit.auth.login import FixedLogin, NoLogin, api_key_login, token_login
from worker.ledger.connecting import Connected


@pytest.mark.parametrize(
    ("login", "headers"),
    [
        (api_key_login(SecretStr("kit_1")), {"X-Kit-Api-Key": "kit_1"}),
        (token_login(SecretStr("t-1")), {"Authorization": "Bearer t-1"}),
    ],
)
def test_a_key_or_token_stays_as_it_is(login: FixedLogin, headers: dict[str, str]) -> None:
    """Given a refusal there is no other one; a reload brings it, and makes another login."""

    async def main() -> None:
        await login.check()
        assert await login.headers() == headers
        assert not await login.renewed(headers)
        assert not login.is_stale(None)
        assert not login.is_stale(Connected(1, 0.0))
        await login.close()

    run(main())
    assert not any(secret in repr(login) for secret in headers.values())


def test_without_a_credential_it_says_why() -> None:
    async def main() -> None:
        login = NoLogin("because")
        for ask in (login.check, login.headers):
            with pytest.raises(CredentialRefused, match=r"^because$"):
                await ask()
        assert not await login.renewed({})
        assert not login.is_stale(Connected(1, 0.0))
        await login.close()

    run(main())
