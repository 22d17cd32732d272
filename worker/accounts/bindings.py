"""Tells which events an account's queue is bound to. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from worker.accounts.account import Account
from worker.handlers import HANDLERS


def routing_keys(account: Account) -> frozenset[str]:
    """Return the keys that bind an account's queue: one per event type it maps, and per app it serves."""
    return frozenset(_keys(account.events, account.apps))


def unmapped_keys(account: Account) -> frozenset[str]:
    """Return the keys of event types that are known by default, and that this account has turned off."""
    return frozenset(_keys(HANDLERS, account.apps)) - routing_keys(account)


def _keys(types: Iterable[str], apps: tuple[str, ...]) -> Iterable[str]:
    return (f"{kind}.{app}" if app else kind for kind in types for app in apps or ("",))
