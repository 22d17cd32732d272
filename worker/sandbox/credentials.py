"""Who is calling: two kinds of credential, and the Kit account that each opens."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from worker.sandbox.records import Plan
from worker.sandbox.refusals import UnauthorizedError
from worker.sandbox.state import Account


class Kind(StrEnum):
    """How a request identifies itself (Kit API reference, credentials and limits)."""

    API_KEY = "api_key"
    OAUTH = "oauth"


class Credential(NamedTuple):
    """An API key or an access token."""

    kind: Kind
    secret: str

    @property
    def masked(self) -> str:
        """The secret as it may be shown."""
        return masked(self.secret)


def masked(secret: str) -> str:
    """The last four characters, which is all that is ever shown."""
    return f"…{secret[-4:]}"


def credential_of(headers: Mapping[str, str]) -> Credential | None:
    """The credential in a request's headers, or None where there is none."""
    key = headers.get("X-Kit-Api-Key")
    if key:
        return Credential(Kind.API_KEY, key)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credential(Kind.OAUTH, token.strip())
    return None


class Accounts:
    """The Kit accounts of a sandbox: one per secret, and those that only OAuth opens.

    Their ids are unique over all of them.

    Ids never repeat, neither over accounts nor over kinds of thing, so that a mix-up is a 404.
    """

    def __init__(self, keys: Mapping[str, str] | None, plan: Plan, now: float) -> None:
        if keys is not None and len(set(keys.values())) < len(keys):
            raise ValueError("Two keys have accounts of the same name: every key is an account of its own")
        self._open_to_all = keys is None
        self._ids: Iterator[int] = itertools.count(int(time.time() * 1000) % 10**10)
        self._plan = plan
        self._by_secret: dict[str, Account] = {}
        self._without_secret: list[Account] = []
        self._list_lag = 0.0
        for secret, name in (keys or {}).items():
            self._add(secret, name, now)

    def __iter__(self) -> Iterator[tuple[str | None, Account]]:
        """All accounts, each with its API key or fixed access token, if it has one."""
        return iter([*self._by_secret.items(), *((None, account) for account in self._without_secret)])

    def opened_by(self, secret: str, now: float) -> Account:
        """The account of that key or token; one that was never seen gets an account of its own.

        Raises:
            UnauthorizedError: only certain keys are accepted, and this is none of them.
        """
        account = self._by_secret.get(secret)
        if account is not None:
            return account
        if not self._open_to_all:
            raise UnauthorizedError
        return self._add(secret, f"Sandbox account {len(list(self)) + 1}", now)

    def named(self, name: str, now: float) -> Account:
        """The account of that name, for OAuth; created where there is none."""
        for _, account in self:
            if account.name == name:
                return account
        account = self._new(name, now)
        self._without_secret.append(account)
        return account

    def replace_key(self, old: str, new: str) -> None:
        """Let another key open an account, and the old one nothing any more, as its creator might in Kit."""
        self._by_secret[new] = self._by_secret.pop(old)

    def set_list_lag(self, seconds: float) -> None:
        """Let the lists of all accounts, also of later ones, lag by that much."""
        self._list_lag = seconds
        for _, account in self:
            account.set_list_lag(seconds)

    def _add(self, secret: str, name: str, now: float) -> Account:
        account = self._by_secret[secret] = self._new(name, now)
        return account

    def _new(self, name: str, now: float) -> Account:
        account = Account(next(self._ids), name, self._ids, now, self._plan)
        account.set_list_lag(self._list_lag)
        return account
