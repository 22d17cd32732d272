"""Tokens that were granted, sealed, and as a store has them."""

from __future__ import annotations

from pydantic import SecretStr

from tests.integration.ledger.harness import ACCOUNT
from worker.ledger.sealing import Seal, new_key
from worker.ledger.tokens import KitConnection, Tokens, TokenStore

KEY, OTHER = new_key(), new_key()
KIT = "https://api.kit.com"


def granted(number: int = 1) -> Tokens:
    return Tokens(f"access-{number}", f"refresh-{number}", 7200.0 * number, 7200.0)


def seal(*keys: str) -> Seal:
    return Seal(SecretStr(", ".join(keys)))


async def loaded(store: TokenStore) -> KitConnection:
    connection = await store.load(ACCOUNT)
    assert connection is not None
    return connection
