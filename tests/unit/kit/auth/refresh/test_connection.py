"""Which connection a token is of: one Kit account, one Kit, and not one that was ended."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.unit.kit.auth.refresh.workers import LIFE, Kit, Store, World, connected, token
from tests.unit.virtual_time import run
from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected
from worker.ledger.tokens import KitConnection


def test_tokens_that_nobody_was_refreshing_were_revoked_or_are_old() -> None:
    """Given a ledger that was put back from a copy, its refresh token was used up long ago."""

    async def main() -> None:
        world = World(Kit(good="r9"))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(CredentialRefused, match=r"used already, or revoked .* put back from a copy"):
            await world.login().headers()
        assert world.kept.connected.problem

    run(main())


def test_tokens_are_not_shown_to_another_kit() -> None:
    """Given KIT_BASE_URL of a sandbox, the tokens of a real account stay where they are, and good."""

    async def main() -> None:
        world = World(Kit(base_url="http://127.0.0.1:8025"))
        await asyncio.sleep(LIFE + 1)
        with pytest.raises(
            CredentialRefused, match=r"connected at https://api\.kit\.com, and KIT_BASE_URL is"
        ):
            await world.login().headers()
        assert world.kit.uses == {}
        assert world.kept.connected.problem == ""

    run(main())


def test_a_login_is_of_one_kit_account() -> None:
    """Given another Kit account, whose tags have other ids, nothing is called with its token."""

    async def main() -> None:
        world = World()
        login = world.login()
        assert not login.is_stale(None)
        await login.headers()
        assert not login.is_stale(Connected(7, 0.0))
        assert login.is_stale(None)
        assert login.is_stale(Connected(8, 5.0))
        world.store.kept = replace(connected(), connected=Connected(8, 5.0), version=9)
        with pytest.raises(CredentialRefused, match="another Kit account"):
            await login.renewed({"Authorization": "Bearer a0"})
        assert token(await world.login().headers()) == "a0"

    run(main())


def test_a_connection_that_was_ended_ends_at_the_next_look() -> None:
    async def main() -> None:
        world = World()
        login = world.login()
        refused = await login.headers()
        world.store.kept = None
        with pytest.raises(CredentialRefused, match="not connected to Kit"):
            await login.renewed(refused)
        with pytest.raises(CredentialRefused, match="not connected to Kit"):
            await login.headers()

    run(main())


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        (None, "not connected to Kit: run kit-worker connect a"),
        (replace(connected(), connected=Connected(7, 0.0, "why")), "why"),
    ],
)
def test_an_account_that_is_not_connected_says_what_to_do(kept: KitConnection | None, said: str) -> None:
    async def main() -> None:
        world = World(store=Store(kept))
        with pytest.raises(CredentialRefused, match=said):
            await world.login().headers()
        with pytest.raises(CredentialRefused, match=said):
            await world.login().check()

    run(main())
