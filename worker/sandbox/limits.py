"""Kit's limit: so many requests in any rolling 60 s, per credential (Kit API reference, limits)."""

from __future__ import annotations

from collections import deque

from worker.sandbox.credentials import Credential, Kind

WINDOW = 60.0  # seconds
PER_WINDOW = {Kind.API_KEY: 120, Kind.OAUTH: 600}


class RollingWindow:
    """Counts what happened in the last so many seconds, and remembers the highest count ever seen."""

    __slots__ = ("_times", "peak")

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.peak = 0

    def count(self, now: float, window: float) -> int:
        """How many were added in the `window` seconds before `now`."""
        times = self._times
        while times and times[0] <= now - window:
            times.popleft()
        return len(times)

    def add(self, now: float, window: float) -> None:
        """Count one more at `now`."""
        self._times.append(now)
        self.peak = max(self.peak, self.count(now, window))


class Limits:
    """The limits in force and what each credential has used of them.

    A request counts when it arrives, whatever it is answered, except that a refused one (429) does not count.
    Kit's reference does not say whether those do; it says that a wait of up to 60 s resets the limit, which
    holds for certain only if they do not.
    """

    def __init__(self, *, limit: bool | int, window: float = WINDOW) -> None:
        self.window = window
        self.per_window: dict[Kind, int | None] = dict(PER_WINDOW)
        if limit is False:
            self.per_window = dict.fromkeys(Kind)
        elif limit is not True:
            self.per_window[Kind.API_KEY] = limit
        self._arrived: dict[Credential, RollingWindow] = {}
        self._admitted: dict[Credential, RollingWindow] = {}

    def admit(self, credential: Credential, now: float) -> bool:
        """Count a request that arrives at `now`; says whether it is within the limit."""
        self._of(self._arrived, credential).add(now, self.window)
        limit = self.per_window[credential.kind]
        if limit is None:
            return True
        admitted = self._of(self._admitted, credential)
        if admitted.count(now, self.window) >= limit:
            return False
        admitted.add(now, self.window)
        return True

    def peak(self, secret: str) -> int:
        """The most requests that ever arrived within one window with that secret, refused ones included."""
        return max((seen.peak for who, seen in self._arrived.items() if who.secret == secret), default=0)

    def used(self, credential: Credential, now: float) -> int:
        """How many requests of this credential count at `now`."""
        return self._of(self._admitted, credential).count(now, self.window)

    def forget(self) -> None:
        """Start counting anew."""
        self._arrived.clear()
        self._admitted.clear()

    @staticmethod
    def _of(windows: dict[Credential, RollingWindow], credential: Credential) -> RollingWindow:
        found = windows.get(credential)
        if found is None:
            found = windows[credential] = RollingWindow()
        return found
