"""All that a sandbox knows and is told: accounts, limits, faults, calls, settings. No sockets."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from worker.sandbox.bulk import PLAIN_TERMS, BulkSettings, BulkTerms
from worker.sandbox.credentials import Accounts, Credential, Kind
from worker.sandbox.faults import ENTRY_ERROR, Entry, Fault, FaultKind, Faults, Rule
from worker.sandbox.journal import KEPT_CALLS, Call, Journal, overlaps
from worker.sandbox.limits import Limits
from worker.sandbox.oauth import TOKEN_LIFE, OAuth
from worker.sandbox.records import Plan
from worker.sandbox.refusals import UnauthorizedError
from worker.sandbox.state import Account
from worker.sandbox.views import AccountView

BULK = "/v4/bulk/"


class WayIn(NamedTuple):
    """Where a credential leads, what its requests count as, and why it is good no longer, in Kit's words."""

    account: Account
    counted_as: Credential
    closed: str | None = None


class World:
    """The sandbox behind its HTTP face, as tests and the control requests use it.

    Attributes:
        latency: seconds that every answer takes.
        bulk: how bulk calls are answered.
        oauth: clients, connected accounts and their tokens.
        faults: what goes wrong, and when.
        limits: requests per rolling window, by kind of credential.
        journal: the calls so far.
        unknown_parameters: which an older Kit does not know, and therefore (assumed) ignores, such as
            `include`; none by default.
    """

    def __init__(  # noqa: PLR0913  # each is a switch of its own, by keyword only
        self,
        *,
        keys: Mapping[str, str] | None = None,
        limit: bool | int = True,
        latency: float = 0.0,
        list_lag: float = 0.0,
        plan: Plan | None = None,
        seed: int = 0,
        kept_calls: int = KEPT_CALLS,
        token_life: float = TOKEN_LIFE,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Set a sandbox up.

        Args:
            keys: the accepted API keys, and access tokens that never expire, each with the name of its Kit
                account; None accepts any, and gives each an account of its own.
            limit: True for Kit's limits (120 requests in 60 s with an API key, 600 with OAuth), False for
                none, or a number of requests in 60 s for API keys.
            latency: seconds that every answer takes.
            list_lag: seconds by which lists and filters lag behind writes.
            plan: the plan of the Kit accounts.
            seed: for faults that strike by chance, and for bulk answers in any order.
            kept_calls: how many calls the journal keeps.
            token_life: seconds that an access token given by OAuth is good.
            monotonic: the clock that limits and the journal use, in seconds.
            wall: the time of day, in seconds since the epoch.

        Raises:
            ValueError: two keys have accounts of the same name.
        """
        self.monotonic = monotonic
        self.wall = wall
        self.latency = latency
        self.accounts = Accounts(keys, plan or Plan(), wall())
        self.oauth = OAuth(self.accounts, wall, token_life)
        self.limits = Limits(limit=limit)
        self.faults = Faults(seed)
        self.bulk = BulkSettings(chance=random.Random(seed))  # noqa: S311  # it has to repeat
        self.journal = Journal(kept_calls)
        self.unknown_parameters: Collection[str] = ()
        self._list_lag = 0.0
        self.list_lag = list_lag

    @property
    def list_lag(self) -> float:
        """Seconds by which lists and filters lag behind writes; may be set at any time."""
        return self._list_lag

    @list_lag.setter
    def list_lag(self, seconds: float) -> None:
        self._list_lag = seconds
        self.accounts.set_list_lag(seconds)

    def account(self, key: str) -> AccountView:
        """The Kit account that this API key or access token opens, or opened before it expired.

        Raises:
            UnauthorizedError: it is not among the accepted ones.
        """
        pair = self.oauth.pair(key)
        return self.view(
            self.accounts.opened_by(key, self.wall()) if pair is None else pair.connection.account
        )

    def named(self, name: str) -> AccountView:
        """The Kit account of that name.

        Raises:
            LookupError: there is none.
        """
        for _, account in self.accounts:
            if account.name == name:
                return self.view(account)
        raise LookupError(f"The sandbox has no account {name}")

    def view(self, account: Account) -> AccountView:
        """An account as tests look at it."""
        return AccountView(account, self.wall)

    def way_in(self, credential: Credential) -> WayIn:
        """Where this credential leads.

        The limit of an account that OAuth opens is counted over all its access tokens for one client, so that
        a refresh gains nothing. Kit says per access token; a client within this limit is within that one.

        Raises:
            UnauthorizedError: nowhere.
        """
        pair = self.oauth.pair(credential.secret)
        if pair is None:
            return WayIn(self.accounts.opened_by(credential.secret, self.wall()), credential)
        if credential != (Kind.OAUTH, pair.access_token):  # a refresh token, or sent as an API key
            raise UnauthorizedError
        return WayIn(pair.connection.account, pair.connection.counted_as, pair.closed(self.wall()))

    def fail(  # noqa: PLR0913  # the short form of two dataclasses, by keyword only
        self,
        kind: FaultKind | str,
        *,
        key: str | None = None,
        method: str | None = None,
        path: str | None = None,
        times: int | None = None,
        status: int = 502,
        delay: float = 0.1,
        applied: bool = False,
        probability: float = 1.0,
        email: str | None = None,
        entry: Callable[[Entry], bool] | None = None,
        error: str = ENTRY_ERROR,
    ) -> Rule:
        """Let requests go wrong; the short form of `faults.add`.

        Args:
            kind: how, such as `FaultKind.HANG` or "hang".
            key: for calls with this API key or access token only.
            method: for these requests only.
            path: for these paths only; `*` stands for anything.
            times: so often, or None for ever.
            status: that of the answer, for `FaultKind.STATUS`.
            delay: seconds, where the kind has use for them.
            applied: whether a write lands all the same.
            probability: strike by chance.
            email: for entries of bulk calls about this address only, for `FaultKind.ENTRIES`.
            entry: for entries of bulk calls for which this holds only, likewise.
            error: what is said of such an entry.
        """
        fault = Fault(FaultKind(kind), status=status, delay=delay, applied=applied, error=error)
        rule = Rule(
            fault,
            method=method,
            path=path,
            account=self._name_of(key),
            times=times,
            probability=probability,
            email=email,
            entry=entry,
        )
        return self.faults.add(rule)

    def bulk_terms(self, call: Call) -> BulkTerms:
        """What this call meets if it is a bulk call: the settings, and faults that strike its entries."""
        if not call.path.startswith(BULK):
            return PLAIN_TERMS

        def strike(entry: Entry) -> Fault | None:
            fault = self.faults.strike(call, entry)
            if fault is not None:
                self.journal.strike(call, str(fault))
            return fault

        return BulkTerms(self.bulk, strike)

    def calls(
        self, key: str | None = None, *, endpoint: str | None = None, status: int | None = None
    ) -> list[Call]:
        """The kept calls, oldest first.

        Args:
            key: of this API key or access token only.
            endpoint: of this endpoint only, such as `POST /v4/tags/{tag_id}/subscribers`.
            status: with this answer only.
        """
        return list(self.journal.select(account=self._name_of(key), endpoint=endpoint, status=status))

    def count(self, key: str | None = None, *, endpoint: str | None = None, status: int | None = None) -> int:
        """How many calls there were, of all that ever ended; arguments as for `calls`."""
        return self.journal.count(account=self._name_of(key), endpoint=endpoint, status=status)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking again whenever a call comes, is struck by a fault or ends.

        Such as `await sandbox.until(lambda: sandbox.count(key) >= 3)`.
        """
        await self.journal.until(holds)

    def peak(self, key: str) -> int:
        """The most requests that ever arrived within 60 s with this key, refused ones included.

        An access token stands for all those of its account and client.
        """
        pair = self.oauth.pair(key)
        return self.limits.peak(key if pair is None else pair.connection.counted_as.secret)

    def overlaps(
        self, key: str, identity: Callable[[Call], object] | None = lambda call: call.user_agent
    ) -> list[tuple[Call, Call]]:
        """Pairs of calls of one account that overlapped, of different callers; see `journal.overlaps`."""
        return overlaps(self.calls(key), identity)

    def reset(self) -> None:
        """Forget all data, calls, faults, counted requests and uses of tokens; settings and accounts stay."""
        for _, account in self.accounts:
            account.clear()
            account.set_list_lag(self._list_lag)
        self.journal.clear()
        self.faults.clear()
        self.limits.forget()
        self.oauth.refreshes.clear()

    def _name_of(self, key: str | None) -> str | None:
        return None if key is None else self.account(key).name
