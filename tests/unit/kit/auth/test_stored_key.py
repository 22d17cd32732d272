"""The login of an account whose key was entered: what is sent, and what is told where there is none."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from tests.unit.virtual_time import run
from worker.errors import CredentialRefused, KitWorkerError, LedgerUnavailable, TryLater
from worker.kit.auth.stored_key import StoredKeyLogin
from worker.ledger.api_keys import ApiKeys, EnteredKey
from worker.ledger.connecting import Connected

URL = "https://api.kit.com"


@dataclass
class Keys(ApiKeys):
    """A ledger's keys, as `ApiKeys` keeps them."""

    kept: EnteredKey | None
    broken: bool = False

    async def load(self, _: str) -> EnteredKey | None:
        """Read."""
        if self.broken:
            raise LedgerUnavailable("gone")
        return self.kept


def entered(key: str = "kit_1", kit_account: int = 7, at: float = 1.0, url: str = URL) -> EnteredKey:
    return EnteredKey(SecretStr(key), Connected(kit_account, at), url)


def test_the_key_that_was_entered_is_sent() -> None:
    async def main() -> None:
        keys = Keys(entered())
        login = StoredKeyLogin("sunny", keys, f"{URL}/")
        await login.check()
        assert await login.headers() == {"X-Kit-Api-Key": "kit_1"}
        assert not login.is_stale(Connected(7, 1.0))
        assert "kit_1" not in repr(keys.kept)

    run(main())


def test_another_key_ends_what_began_with_the_one_before() -> None:
    """Given a key that was replaced, or forgotten, whoever watches the ledger hears of it."""

    async def main() -> None:
        login = StoredKeyLogin("sunny", Keys(entered()), URL)
        assert not login.is_stale(None)  # it has begun nothing
        await login.check()
        assert login.is_stale(Connected(7, 2.0))
        assert login.is_stale(None)

    run(main())


def test_a_key_that_kit_refuses_is_tried_again_only_where_there_is_another() -> None:
    async def main() -> None:
        keys = Keys(entered())
        login = StoredKeyLogin("sunny", keys, URL)
        refused = await login.headers()
        assert not await login.renewed(refused)
        keys.kept = entered("kit_2", at=2.0)
        assert await login.renewed(refused)
        assert await login.headers() == {"X-Kit-Api-Key": "kit_2"}
        assert "enter it on the page" in login.refused

    run(main())


@pytest.mark.parametrize(
    ("keys", "error", "said"),
    [
        (
            Keys(None),
            CredentialRefused,
            "no API key has been entered yet: enter it on the page, or run kit-w",
        ),
        (
            Keys(entered(url="http://127.0.0.1:1")),
            CredentialRefused,
            "it was connected at http://127.0.0.1:1",
        ),
        (Keys(None, broken=True), TryLater, "gone"),
    ],
)
def test_without_a_key_that_can_be_used_it_says_what_to_do(
    keys: Keys, error: type[KitWorkerError], said: str
) -> None:
    async def main() -> None:
        login = StoredKeyLogin("sunny", keys, URL)
        for ask in (login.check, login.headers):
            with pytest.raises(error, match=said):
                await ask()

    run(main())


def test_a_key_of_another_kit_account_takes_another_login() -> None:
    async def main() -> None:
        keys = Keys(entered())
        login = StoredKeyLogin("sunny", keys, URL)
        await login.check()
        keys.kept = entered("kit_2", kit_account=8)
        with pytest.raises(CredentialRefused, match="connected to another Kit account meanwhile"):
            await login.renewed({})

    run(main())
