"""A connected account's login: its access token, renewed ahead of time and by one worker at a time."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Final

import structlog

from worker.clock import Clock
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError, LedgerUnavailable, TryLater
from worker.kit.auth.endpoint import GrantRefusedError, OAuthEndpoint
from worker.kit.auth.login import Login, check_place, same_kit_account
from worker.ledger.connecting import Connected
from worker.ledger.tokens import KitConnection, Tokens, TokenStore
from worker.retrying import Retrying

AHEAD: Final = 300.0
"""Seconds before its end at which an access token is renewed; a fifth of its life at most."""
SEND_WITHIN: Final = 5.0
"""Seconds, from taking the turn, within which a refresh is sent or not at all."""
LOOK_AGAIN: Final = 0.2
PATIENCE: Final = 2.0
"""Seconds that calls wait for a new token while the old one still works."""
RETRY: Final = 15.0
"""Seconds until a token that still works is tried to be renewed again."""
WRITE_RETRY: Final = 5.0
log = structlog.get_logger()


class OAuthLogin(Login):
    """The login of one connected account, to one Kit account; another one takes another login.

    Args:
        account: Its name.
        store: Where its tokens are kept.
        endpoint: Renews them.
    """

    def __init__(self, account: str, store: TokenStore, endpoint: OAuthEndpoint, *, clock: Clock) -> None:
        self._account = account
        self._store = store
        self._endpoint = endpoint
        self._clock = clock
        self._known: KitConnection | None = None
        self._kit_account: int | None = None
        self._retry_at = float("-inf")
        self._turn = asyncio.Lock()
        self._seen: tuple[str, float] = ("", 0.0)
        self._refreshing: asyncio.Task[bool] | None = None
        # What is not written is lost with this process.
        self._writing = Retrying(
            LedgerUnavailable,
            account=account,
            clock=clock,
            failing="token_not_written",
            over="token_written",
            longest=WRITE_RETRY,
        )
        self._log = log.bind(account=account)

    async def check(self) -> None:
        """Return where the account is connected; raises as `headers` does, and asks nobody but the ledger."""
        self._known = await self._stored()

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

    def is_stale(self, found: Connected | None) -> bool:
        """Tell whether what is in use was ended, or replaced by another connection; see `Login`."""
        return self._known is not None and self._known.connected != found

    @property
    def has_unwritten(self) -> bool:
        """Whether Kit has renewed the tokens, or refused to, and the ledger does not take it."""
        return bool(self._writing.problem)

    async def close(self) -> None:
        """Give a refresh that is under way the time to be answered and written."""
        task = self._refreshing
        if task is None or task.done():
            return
        try:
            await asyncio.wait({task}, timeout=self._lease)
        finally:
            task.cancel()
        await asyncio.wait({task})

    # -- which token ----------------------------------------------------------------------------------

    def _is_due(self, tokens: Tokens) -> bool:
        now = self._clock.time()
        ahead = min(AHEAD, tokens.life / 5)
        return now >= tokens.expires_at or now >= max(tokens.expires_at - ahead, self._retry_at)

    async def _renew(self, refused: Mapping[str, str] | None = None) -> KitConnection:
        """Return a connection with a token that can be used; the ledger knows it by then."""
        while True:
            stored = self._known = await self._stored()
            is_refused = _header(stored) == refused
            if not is_refused and not self._is_due(stored.tokens):
                return stored
            usable = not is_refused and self._clock.time() < stored.tokens.expires_at
            try:
                if await self._refreshed(stored, PATIENCE if usable else 2 * self._lease):
                    self._known = await self._stored()
                    return self._known
            except TryLater as error:
                if not usable:
                    raise
                self._retry_at = self._clock.time() + RETRY
                self._log.warning("token_not_renewed", problem=str(error))
            if usable:
                return stored  # others are at it, or it is tried again soon
            await asyncio.sleep(LOOK_AGAIN)

    async def _stored(self) -> KitConnection:
        self._known = None
        try:
            stored = await self._store.load(self._account)
        except LedgerUnavailable as error:
            raise TryLater(str(error)) from error
        if stored is None:
            raise CredentialRefused(not_connected(self._account))
        if stored.connected.problem:
            raise CredentialRefused(stored.connected.problem)
        check_place(stored.kit_url, self._endpoint.base_url, f"run kit-worker connect {self._account}")
        self._kit_account = same_kit_account(self._kit_account, stored.connected)
        return stored

    # -- refreshing -----------------------------------------------------------------------------------

    @property
    def _lease(self) -> float:
        """Seconds after which a refresh that was seen to be under way must have been cut off."""
        return SEND_WITHIN + self._endpoint.timeout + 1.0

    async def _refreshed(self, stored: KitConnection, patience: float) -> bool:
        """Refresh, if it is ours to do; tell whether that was done.

        Whoever waits for it may be cancelled, or lose patience: it goes on, and whoever comes next waits for
        the same one.
        """
        task = self._refreshing
        if task is None or task.done():
            task = self._refreshing = asyncio.create_task(self._take_turn(stored))
            task.add_done_callback(_noticed)
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            problem = self._writing.problem
            why = f"not in the ledger yet: {problem}" if problem else "on their way"
            raise TryLater(f"new tokens are {why}")
        return task.result()

    async def _take_turn(self, stored: KitConnection) -> bool:
        if stored.refreshing and not self._is_cut_off(stored.refreshing):
            return False
        refresh, send_by = secrets.token_hex(16), self._clock.monotonic() + SEND_WITHIN
        try:
            if not await self._store.begin_refresh(self._account, stored, refresh):
                return False
        except LedgerUnavailable as error:
            raise TryLater(str(error)) from error
        await self._refresh(stored, refresh, send_by)
        return True

    def _is_cut_off(self, refresh: str) -> bool:
        """Tell whether somebody's refresh has been seen under way for longer than one can be."""
        seen, since = self._seen
        if seen != refresh:
            self._seen = refresh, self._clock.monotonic()
            return False
        return self._clock.monotonic() - since >= self._lease

    async def _refresh(self, stored: KitConnection, refresh: str, send_by: float) -> None:
        """Use the refresh token, and have the ledger know the new ones before anybody uses them."""
        account, version = self._account, stored.version
        try:
            granted = await self._endpoint.refresh(stored.tokens.refresh_token, send_by=send_by)
        except GrantRefusedError:
            problem = _must_connect(account, cut_off=stored.in_doubt or bool(stored.refreshing))
            if not await self._writing.until_done(
                lambda: self._store.must_connect(account, version, problem)
            ):
                return  # there are newer ones: this process stood still, and somebody else had the turn
            self._log.error("connection_lost", problem=problem)
            raise CredentialRefused(problem) from None
        except KitWorkerError as error:
            in_doubt = isinstance(error, KitUnavailable)
            await self._writing.until_done(
                lambda: self._store.give_up_refresh(account, version, refresh, in_doubt=in_doubt)
            )
            raise
        await self._writing.until_done(lambda: self._store.finish_refresh(account, version, granted))
        self._log.info("token_renewed", version=version + 1)


def not_connected(account: str) -> str:
    """Return what to do about an account without tokens."""
    return f"not connected to Kit: run kit-worker connect {account}"


def _header(connection: KitConnection) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {connection.tokens.access_token}"}


def _must_connect(account: str, *, cut_off: bool) -> str:
    why = (
        "Kit's answer to a refresh was lost (a worker was stopped, or the network broke, at that moment)"
        if cut_off
        else "Kit says that its refresh token was used already, or revoked (in Kit's settings; or the ledger "
        "was put back from a copy, whose tokens are old)"
    )
    return f"must be connected to Kit again: {why}; run kit-worker connect {account}"


def _noticed(task: asyncio.Task[bool]) -> None:
    """Take note of how it ended, also where nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
