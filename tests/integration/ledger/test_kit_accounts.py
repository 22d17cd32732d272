"""What Kit calls each account is kept as it was said last; on both databases."""

from __future__ import annotations

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT
from worker.ledger.kit_accounts import KitAccounts, SeenAtKit
from worker.ledger.store import Ledger


async def test_what_kit_said_last_is_kept_until_it_is_dropped(ledger: Ledger, clock: StandingClock) -> None:
    seen = KitAccounts(ledger)
    assert await seen.last(ACCOUNT) is None
    await seen.saw(ACCOUNT, "Sunny", "free")
    await seen.saw("rainy", "Rainy", "creator")
    clock.wait(60)
    await seen.saw(ACCOUNT, "Sunny Kitchen", "creator")
    assert await seen.last(ACCOUNT) == SeenAtKit("Sunny Kitchen", "creator", clock.time())
    await seen.drop(ACCOUNT)
    assert await seen.last(ACCOUNT) is None
    assert await seen.last("rainy") is not None
