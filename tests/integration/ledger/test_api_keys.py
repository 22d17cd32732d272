"""The API keys that were entered: encrypted, one for each Kit account; on both databases."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, contents
from worker.errors import CredentialRefused
from worker.ledger.api_keys import ApiKeys
from worker.ledger.connecting import Connected, OtherConnectionError, TakenError
from worker.ledger.sealing import Seal, new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import NO_KEY, Tokens, TokenStore

KEY, OTHER = new_key(), new_key()
KIT = "https://api.kit.com"
FIRST, SECOND = (
    SecretStr("kit_0000000000000000000000000000first"),
    SecretStr("kit_000000000000000000000second"),
)


def seal(*keys: str) -> Seal:
    return Seal(SecretStr(",".join(keys)))


@pytest.fixture
def keys(ledger: Ledger) -> ApiKeys:
    return ApiKeys(ledger, seal(KEY))


async def key_of(keys: ApiKeys, account: str = ACCOUNT) -> str:
    entered = await keys.load(account)
    return entered.api_key.get_secret_value() if entered else ""


async def test_a_key_is_kept_and_not_readable(keys: ApiKeys, ledger: Ledger) -> None:
    assert await keys.load(ACCOUNT) is None
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    entered = await keys.load(ACCOUNT)
    assert entered is not None
    assert entered.api_key == FIRST
    assert (entered.kit_url, entered.connected) == (KIT, Connected(7, ledger.clock.time()))
    assert await TokenStore(ledger, None).connected() == {ACCOUNT: entered.connected}
    everything = f"{await contents(ledger)}{entered}"
    assert FIRST.get_secret_value() not in everything


async def test_another_key_of_the_same_kit_account_takes_its_place(
    keys: ApiKeys, ledger: Ledger, clock: StandingClock
) -> None:
    """Given a key that was replaced, workers see another connection than before."""
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    before = await TokenStore(ledger, None).connected()
    clock.wait(60)
    await keys.keep(ACCOUNT, SECOND, 7, KIT)
    assert await key_of(keys) == SECOND.get_secret_value()
    assert await TokenStore(ledger, None).connected() != before


async def test_a_key_of_another_kit_account_replaces_nothing_unasked(keys: ApiKeys) -> None:
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    with pytest.raises(OtherConnectionError) as caught:
        await keys.keep(ACCOUNT, SECOND, 8, KIT)
    assert await key_of(keys) == FIRST.get_secret_value()
    await keys.keep(ACCOUNT, SECOND, 8, KIT, instead_of=caught.value.connected)
    assert await key_of(keys) == SECOND.get_secret_value()


async def test_a_kit_account_is_one_accounts_however_it_is_known(keys: ApiKeys, ledger: Ledger) -> None:
    """Given two keys of one Kit account, or a key and a consent, the second account is refused."""
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    with pytest.raises(TakenError, match=f"^{ACCOUNT}$"):
        await keys.keep("rainy", SECOND, 7, KIT)
    with pytest.raises(TakenError, match=f"^{ACCOUNT}$"):
        await TokenStore(ledger, seal(KEY)).connect("rainy", Tokens("a", "r", 1.0, 1.0), 7, KIT)
    await TokenStore(ledger, None).disconnect(ACCOUNT)
    assert await keys.load(ACCOUNT) is None
    await keys.keep("rainy", SECOND, 7, KIT)


async def test_a_key_is_no_token_and_tokens_are_no_key(keys: ApiKeys, ledger: Ledger) -> None:
    """Given a file that was changed from one to the other, what was kept for the first counts as none."""
    store = TokenStore(ledger, seal(KEY))
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    assert await store.load(ACCOUNT) is None
    await store.connect(ACCOUNT, Tokens("a", "r", 1.0, 1.0), 7, KIT)
    assert await keys.load(ACCOUNT) is None


async def test_what_is_wrong_with_the_ledgers_own_key_is_told(keys: ApiKeys, ledger: Ledger) -> None:
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    with pytest.raises(CredentialRefused, match="was encrypted with another LEDGER_KEY"):
        await ApiKeys(ledger, seal(OTHER)).load(ACCOUNT)
    without = ApiKeys(ledger, None)
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await without.load(ACCOUNT)
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await without.keep(ACCOUNT, FIRST, 7, KIT)


async def test_a_new_ledger_key_takes_over_when_the_key_is_read(keys: ApiKeys, ledger: Ledger) -> None:
    """Given both, the new one first, the old one can be left out once each worker has read the key."""
    await keys.keep(ACCOUNT, FIRST, 7, KIT)
    connected = await TokenStore(ledger, None).connected()
    assert await key_of(ApiKeys(ledger, seal(OTHER, KEY))) == FIRST.get_secret_value()
    assert await key_of(ApiKeys(ledger, seal(OTHER))) == FIRST.get_secret_value()
    assert await TokenStore(ledger, None).connected() == connected
    async with ledger.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM tokens"))).scalar() == 1
