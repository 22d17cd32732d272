"""What can go wrong with an answer, and for which requests it does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import translate

from worker.sandbox.journal import Call


class FaultKind(StrEnum):
    """The ways in which an answer can go wrong."""

    STATUS = "status"  # `status`, as Kit answers it: 5xx with a page of HTML, others with a reason
    HANG = "hang"  # the request is accepted and never answered
    HANG_IN_HEADERS = "hang_in_headers"  # a part of the head comes, then nothing
    DRIP = "drip"  # the true answer, one byte every `delay` seconds
    SLOW = "slow"  # the true answer after `delay` seconds; with `applied` the write lands before them
    RESET = "reset"  # the connection is reset without an answer
    UNAUTHORIZED = "unauthorized"  # 401, as for a credential that is no longer good
    RATE_LIMITED = "rate_limited"  # 429
    HTML = "html"  # status 200 with an HTML page
    CUT_JSON = "cut_json"  # status 200, JSON that ends in the middle
    CUT_BODY = "cut_body"  # the connection closes in the middle of the body
    EMPTY = "empty"  # status 200 without a body
    LOGIN = "login"  # a 302 to a login page
    CLOSE = "close"  # the true answer, then the kept-alive connection is closed unannounced
    QUEUE_FULL = "queue_full"  # 413, as where too much bulk data waits
    ENTRIES = "entries"  # entries of bulk calls come back in `failures` with `error`, though they are valid


ENTRY_ERROR = "Something went wrong"  # Kit's text for an entry that is valid and fails is not published
ALWAYS_APPLIED = frozenset({FaultKind.DRIP, FaultKind.SLOW, FaultKind.CUT_BODY, FaultKind.CLOSE})


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong. With `applied` the write lands first, and then its answer goes wrong.

    Those that give the true answer, or a part of it, always apply the write.

    `error` is what is said of an entry that fails (`FaultKind.ENTRIES`).
    """

    kind: FaultKind
    status: int = 502
    delay: float = 0.1
    applied: bool = False
    error: str = ENTRY_ERROR

    def __str__(self) -> str:
        what = f"{self.kind} {self.status}" if self.kind is FaultKind.STATUS else str(self.kind)
        return f"{what} (applied)" if self.lands else what

    @property
    def lands(self) -> bool:
        """Whether a write is applied."""
        return self.applied or self.kind in ALWAYS_APPLIED


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a bulk call: what was sent, and the address of the subscriber that it is about, if any."""

    item: Mapping[str, object]
    email: str | None


@dataclass(slots=True)
class Rule:
    """A fault and the requests it strikes. `FaultKind.ENTRIES` strikes, and counts, single entries of them.

    Attributes:
        fault: what goes wrong.
        method: of these requests only.
        path: of these paths only; `*` stands for anything, as in `/v4/tags/*/subscribers`. What names
            `/v4/oauth/token` strikes `/oauth/token`, too, which is the same endpoint.
        account: of the account with this name only.
        times: so often, then never again; None is for ever.
        skip: leave the first so many matching requests alone.
        every: strike each k-th matching request only.
        probability: strike a matching request by chance.
        when: strike only requests for which this holds.
        email: strike only entries about this address, in any case; `*` stands for anything.
        entry: strike only entries for which this holds.
        matched: how many requests matched so far.
        struck: how many of them the fault struck.
    """

    fault: Fault
    method: str | None = None
    path: str | None = None
    account: str | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1
    probability: float = 1.0
    when: Callable[[Call], bool] | None = None
    email: str | None = None
    entry: Callable[[Entry], bool] | None = None
    matched: int = 0
    struck: int = 0
    _pattern: re.Pattern[str] | None = field(default=None, repr=False)
    _emails: re.Pattern[str] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.of_entries and (self.email is not None or self.entry is not None):
            raise ValueError(
                f"The fault {self.fault} strikes whole requests: it can have no email and no entry"
            )
        self._pattern = None if self.path is None else re.compile(translate(self.path))
        self._emails = None if self.email is None else re.compile(translate(self.email.lower()))

    @property
    def of_entries(self) -> bool:
        """Whether it strikes entries of bulk calls, and not requests."""
        return self.fault.kind is FaultKind.ENTRIES

    @property
    def spent(self) -> bool:
        """Whether it can never strike again."""
        return self.times is not None and self.struck >= self.times

    def strikes(self, call: Call, chance: Callable[[], float], entry: Entry | None = None) -> bool:
        """Whether the fault strikes this request, or this entry of it; counts it."""
        if self.spent or not self._matches(call) or not self._fits(entry):
            return False
        self.matched += 1
        if self.matched <= self.skip or (self.matched - self.skip) % self.every:
            return False
        if self.probability < 1.0 and chance() >= self.probability:
            return False
        self.struck += 1
        return True

    def _matches(self, call: Call) -> bool:
        return (
            (self.method is None or self.method == call.method)
            and (self.account is None or self.account == call.account)
            and (self._pattern is None or any(map(self._pattern.match, names_of(call.path))))
            and (self.when is None or self.when(call))
        )

    def _fits(self, entry: Entry | None) -> bool:
        if entry is None or not self.of_entries:
            return entry is None and not self.of_entries
        return (self._emails is None or self._emails.match((entry.email or "").lower()) is not None) and (
            self.entry is None or self.entry(entry)
        )


def names_of(path: str) -> tuple[str, ...]:
    """The paths that a rule may name a request by: OAuth's without a version are those with it, too."""
    return (path, f"/v4{path}") if path.startswith("/oauth/") else (path,)


class Faults:
    """The rules in force, in the order they were added: the first one to strike decides.

    So three rules with `times=1` give three requests in turn a fault each.
    """

    def __init__(self, seed: int = 0) -> None:
        self.rules: list[Rule] = []
        self._random = random.Random(seed)  # noqa: S311  # chance that can be repeated is the point

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def add(self, rule: Rule) -> Rule:
        """Put one more rule in force."""
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Put no rule in force any longer."""
        self.rules.clear()

    def seed(self, seed: int) -> None:
        """Start chance anew."""
        self._random.seed(seed)

    def strike(self, call: Call, entry: Entry | None = None) -> Fault | None:
        """The fault that strikes this request, or this entry of it, if any."""
        for rule in self.rules:
            if rule.strikes(call, self._random.random, entry):
                return rule.fault
        return None
