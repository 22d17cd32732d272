"""One connected account: Kit's token endpoint, a ledger's tokens, and as many workers as a test likes."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace

from tests.unit.virtual_time import VirtualClock, now
from worker.errors import KitUnavailable, LedgerUnavailable
from worker.kit.auth.endpoint import GrantRefusedError, OAuthEndpoint
from worker.kit.auth.refresh import OAuthLogin
from worker.ledger.connecting import Connected
from worker.ledger.tokens import KitConnection, Tokens, TokenStore

LIFE = 100.0
URL = "https://api.kit.com"
TIMEOUT = 15.0


@dataclass
class Kit(OAuthEndpoint):
    """Kit's token endpoint: a refresh token works once.

    Attributes:
        uses: Of each refresh token.
        lost: How many answers get lost, though Kit has done its part.
        error: What it answers instead of doing anything.
        sent_late: How many refreshes were sent after the time that they were given.
    """

    latency: float = 0.5
    life: float = LIFE
    lost: int = 0
    error: Exception | None = None
    timeout: float = TIMEOUT
    base_url: str = URL
    uses: Counter[str] = field(default_factory=Counter)
    good: str = "r0"
    sent_late: int = 0

    async def refresh(self, refresh_token: str, *, send_by: float = float("inf")) -> Tokens:
        """Answer as `OAuthEndpoint.refresh`."""
        self.sent_late += now() > send_by
        await asyncio.sleep(self.latency / 2)
        if self.error is not None:
            raise self.error
        self.uses[refresh_token] += 1
        if refresh_token != self.good:
            raise GrantRefusedError
        number = int(self.good[1:]) + 1
        self.good = f"r{number}"
        await asyncio.sleep(self.latency / 2)
        if self.lost:
            self.lost -= 1
            error = KitUnavailable("no answer")
            error.unanswered = True
            raise error
        return Tokens(f"a{number}", self.good, now() + self.life, self.life)


@dataclass
class Store(TokenStore):
    """A ledger's tokens, as `TokenStore` keeps them."""

    kept: KitConnection | None = None
    broken: bool = False
    loads: int = 0
    latency: float = 0.01

    async def load(self, _: str) -> KitConnection | None:
        """Read."""
        await self._work()
        self.loads += 1
        return self.kept

    async def begin_refresh(self, _: str, stored: KitConnection, refresh: str) -> bool:
        """Take the turn."""
        await self._work()
        if self.kept != stored:
            return False
        in_doubt = stored.in_doubt or bool(stored.refreshing)
        self.kept = replace(stored, refreshing=refresh, in_doubt=in_doubt)
        return True

    async def give_up_refresh(self, _: str, version: int, refresh: str, *, in_doubt: bool) -> None:
        """Let others try."""
        await self._work()
        if (kept := self._of(version)) is not None and kept.refreshing == refresh:
            self.kept = replace(kept, refreshing="", in_doubt=kept.in_doubt or in_doubt)

    async def finish_refresh(self, _: str, version: int, granted: Tokens) -> None:
        """Keep new tokens."""
        await self._work()
        if (kept := self._of(version)) is not None:
            self.kept = KitConnection(granted, kept.connected, kept.kit_url, version + 1)

    async def must_connect(self, _: str, version: int, problem: str) -> bool:
        """Note a problem."""
        await self._work()
        if (kept := self._of(version)) is None:
            return False
        self.kept = replace(kept, connected=replace(kept.connected, problem=problem), refreshing="")
        return True

    def _of(self, version: int) -> KitConnection | None:
        return self.kept if self.kept is not None and self.kept.version == version else None

    async def _work(self) -> None:
        await asyncio.sleep(self.latency)
        if self.broken:
            raise LedgerUnavailable("the ledger is gone")


@dataclass
class World:
    """One account, and as many workers as a test likes."""

    kit: Kit = field(default_factory=Kit)
    store: Store = field(default_factory=lambda: Store(connected()))

    def login(self) -> OAuthLogin:
        """One more process."""
        return OAuthLogin("a", self.store, self.kit, clock=VirtualClock(began=0.0))

    @property
    def kept(self) -> KitConnection:
        """What the ledger has."""
        assert self.store.kept is not None
        return self.store.kept


def connected(expires_at: float = LIFE) -> KitConnection:
    return KitConnection(Tokens("a0", "r0", expires_at, LIFE), Connected(7, 0.0), URL, 1)


def token(headers: object) -> str:
    assert isinstance(headers, dict)
    return str(headers["Authorization"]).removeprefix("Bearer ")
