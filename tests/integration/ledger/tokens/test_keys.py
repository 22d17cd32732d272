"""Tokens are encrypted: who has no key, another one or two of them; on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.integration.ledger.harness import ACCOUNT, contents, execute
from tests.integration.ledger.tokens.granted import KEY, KIT, OTHER, granted, loaded, seal
from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected
from worker.ledger.sealing import BrokenSealError, check_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import NO_KEY, TokenStore


async def test_what_was_granted_is_kept_and_not_readable(store: TokenStore, ledger: Ledger) -> None:
    assert await store.load(ACCOUNT) is None
    await store.connect(ACCOUNT, granted(), 7, KIT)
    connection = await loaded(store)
    assert connection.tokens == granted()
    assert (connection.kit_url, connection.refreshing, connection.in_doubt) == (KIT, "", False)
    assert connection.connected == Connected(7, ledger.clock.time())
    assert await store.connected() == {ACCOUNT: connection.connected}
    kept = str((await contents(ledger))["tokens"])
    assert "access-1" not in kept
    assert "refresh-1" not in kept
    assert "access-1" not in repr(connection)


async def test_another_key_opens_nothing_and_says_so(ledger: Ledger, store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    said = f"the tokens of {ACCOUNT} were encrypted with another LEDGER_KEY: set that one again, or run"
    with pytest.raises(CredentialRefused, match=said) as caught:
        await TokenStore(ledger, seal(OTHER)).load(ACCOUNT)
    assert KEY not in str(caught.value)
    assert OTHER not in str(caught.value)


async def test_without_a_key_one_sees_who_is_connected_and_no_token(
    ledger: Ledger, store: TokenStore
) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    keyless = TokenStore(ledger, None)
    assert (await keyless.connected()).keys() == {ACCOUNT}
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await keyless.load(ACCOUNT)
    assert await keyless.load("rainy") is None
    with pytest.raises(CredentialRefused, match=NO_KEY):
        await keyless.connect("rainy", granted(), 9, KIT)
    await keyless.disconnect(ACCOUNT)
    assert await keyless.connected() == {}


async def test_a_new_key_takes_over_with_the_next_refresh(ledger: Ledger, store: TokenStore) -> None:
    """Given both keys, the new one first, the old one can be left out once the tokens were renewed."""
    await store.connect(ACCOUNT, granted(), 7, KIT)
    both, new = TokenStore(ledger, seal(OTHER, KEY)), TokenStore(ledger, seal(OTHER))
    first = await loaded(both)
    assert first.tokens == granted()
    await both.finish_refresh(ACCOUNT, first.version, granted(2))
    assert (await loaded(new)).tokens == granted(2)


async def test_tokens_that_were_changed_in_the_ledger_are_refused(ledger: Ledger, store: TokenStore) -> None:
    await store.connect(ACCOUNT, granted(), 7, KIT)
    await execute(ledger, "UPDATE tokens SET sealed = 'x' || sealed")
    with pytest.raises(CredentialRefused, match="another LEDGER_KEY"):
        await store.load(ACCOUNT)
    async with ledger.database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM tokens"))).scalar() == 1


@pytest.mark.parametrize(
    "key",
    ["", "short", "ключ", f"{KEY},", f"{KEY[:-2]}", "🔑" * 44],
    ids=["empty", "short", "Cyrillic", "too long", "cut off", "44 keys"],
)
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="must be a Fernet key, 44 letters and signs") as caught:
        check_key(key)
    assert not key or key not in str(caught.value)


def test_a_seal() -> None:
    closed = seal(KEY).close("secret")
    assert "secret" not in closed
    assert seal(OTHER, KEY).open(closed) == "secret"
    with pytest.raises(BrokenSealError):
        seal(OTHER).open(closed)
    check_key(f" {KEY} , {OTHER} ")
