"""A connected account's login: its access token, renewed ahead of time and by one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final, Protocol

import structlog

from worker.connections import Connection, Tokens
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError, LedgerUnavailable, TryLater
from worker.kit.oauth import GrantRefusedError
from worker.retry import backoff

AHEAD: Final = 300.0
"""Seconds before its end at which an access token is renewed; a fifth of its life at most."""
LEASE_MARGIN: Final = 5.0
"""Seconds on top of a call's time-out for which the turn to refresh is somebody's."""
LOOK_AGAIN: Final = 0.2
RETRY: Final = 15.0
"""Seconds until a token that still works is tried to be renewed again."""
log = structlog.get_logger()


class KeepsConnection(Protocol):
    """Where tokens are kept; `worker.ledger.tokens.TokenStore` is such."""

    async def load(self, account: str) -> Connection | None:
        """Return how the account is connected."""

    async def begin_refresh(self, account: str, version: int, who: str, seconds: float) -> bool:
        """Take the turn to refresh."""

    async def give_up_refresh(self, account: str, who: str, *, in_doubt: bool) -> None:
        """Let others try."""

    async def finish_refresh(self, account: str, version: int, granted: Tokens) -> None:
        """Keep new tokens."""

    async def must_connect(self, account: str, version: int, problem: str) -> None:
        """Note that the tokens are of no use any more."""


class RefreshesTokens(Protocol):
    """Kit's token endpoint; `worker.kit.oauth.OAuthEndpoint` is such."""

    timeout: float

    async def refresh(self, refresh_token: str) -> Tokens:
        """Return new tokens."""


class OAuthLogin:
    """The login of one connected account.

    Args:
        account: Its name.
        store: Where its tokens are kept.
        endpoint: Renews them.
        who: Names this process among all that may renew them.
        wall: Seconds since 1970.
        random: 0 to 1, for back-off.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        account: str,
        store: KeepsConnection,
        endpoint: RefreshesTokens,
        *,
        who: str,
        wall: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self._account = account
        self._store = store
        self._endpoint = endpoint
        self._who = who
        self._wall = wall
        self._random = random
        self._known: Connection | None = None
        self._retry_at = float("-inf")
        self._turn = asyncio.Lock()
        self._log = log.bind(account=account)

    async def check(self) -> None:
        """Return where the account is connected; raises as `headers` does, and asks nobody but the ledger."""
        await self._stored()

    async def headers(self) -> Mapping[str, str]:
        """Return the header of an access token that has not ended.

        Raises:
            CredentialRefused: The account is not connected, or must be connected anew.
            TryLater: The token has ended, and Kit, or the ledger, does not answer now.
        """
        known = self._known
        if known is None or self._is_due(known.tokens):
            async with self._turn:
                known = self._known
                if known is None or self._is_due(known.tokens):
                    known = await self._renew()
        return _header(known)

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tell whether there is another token than the one that Kit has refused; it is renewed where not."""
        async with self._turn:
            known = self._known
            if known is None or _header(known) == refused:
                known = await self._renew(refused)
        return _header(known) != refused

    def _is_due(self, tokens: Tokens) -> bool:
        now = self._wall()
        ahead = min(AHEAD, tokens.life / 5)
        return now >= tokens.expires_at or now >= max(tokens.expires_at - ahead, self._retry_at)

    async def _renew(self, refused: Mapping[str, str] | None = None) -> Connection:
        """Return a connection with a token that can be used; the ledger knows it by then."""
        while True:
            self._known = stored = await self._stored()
            if _header(stored) != refused and not self._is_due(stored.tokens):
                return stored
            usable = _header(stored) != refused and self._wall() < stored.tokens.expires_at
            try:
                if await self._took_turn(stored):
                    await _to_its_end(self._refresh(stored), self._endpoint.timeout + LEASE_MARGIN)
                    self._known = await self._stored()
                    return self._known
            except TryLater as error:
                if not usable:
                    raise
                self._retry_at = self._wall() + RETRY
                self._log.warning("token_not_renewed", problem=str(error))
            if usable:
                return stored  # others are at it, or it is tried again soon
            await asyncio.sleep(LOOK_AGAIN)

    async def _stored(self) -> Connection:
        try:
            stored = await self._store.load(self._account)
        except LedgerUnavailable as error:
            raise TryLater(str(error)) from error
        if stored is None:
            raise CredentialRefused(not_connected(self._account))
        if stored.problem:
            raise CredentialRefused(stored.problem)
        return stored

    async def _took_turn(self, stored: Connection) -> bool:
        seconds = self._endpoint.timeout + LEASE_MARGIN
        try:
            return await self._store.begin_refresh(self._account, stored.version, self._who, seconds)
        except LedgerUnavailable as error:
            raise TryLater(str(error)) from error

    async def _refresh(self, stored: Connection) -> None:
        """Use the refresh token, and have the ledger know the new ones before anybody uses them."""
        account, version = self._account, stored.version
        try:
            granted = await self._endpoint.refresh(stored.tokens.refresh_token)
        except GrantRefusedError:
            # Somebody took the turn before, and never came to its end.
            problem = _must_connect(account, cut_off=bool(stored.refreshing))
            self._log.error("connection_lost", problem=problem)
            await self._until_written(lambda: self._store.must_connect(account, version, problem))
            raise CredentialRefused(problem) from None
        except KitWorkerError as error:
            in_doubt = isinstance(error, KitUnavailable)
            await self._until_written(
                lambda: self._store.give_up_refresh(account, self._who, in_doubt=in_doubt)
            )
            raise
        await self._until_written(lambda: self._store.finish_refresh(account, version, granted))
        self._log.info("token_renewed", version=version + 1)

    async def _until_written(self, write: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            try:
                return await write()
            except LedgerUnavailable as error:
                failures += 1
                self._log.warning("token_not_written", problem=str(error))
                await asyncio.sleep(min(backoff(failures, self._random()), 5.0))


def not_connected(account: str) -> str:
    """Return what to do about an account without tokens."""
    return f"not connected to Kit: run kit-worker connect {account}"


def _header(connection: Connection) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {connection.tokens.access_token}"}


def _must_connect(account: str, *, cut_off: bool) -> str:
    why = (
        "Kit's answer to a refresh was lost (a worker was stopped, or the network broke, at that moment)"
        if cut_off
        else "Kit says that its refresh token was used already, or revoked"
    )
    return f"must be connected to Kit again: {why}; run kit-worker connect {account}"


async def _to_its_end(work: Coroutine[object, object, None], seconds: float) -> None:
    """Do it to its end; where whoever waits for it is cancelled, it has so many seconds left."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.cancel()
        elif not task.cancelled():
            task.exception()  # nobody is left to be told
        raise
