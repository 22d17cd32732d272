"""Notices that account files were saved.

It looks every second: notifications of the operating system do not cross every kind of mount. And it looks at
what the files hold: Kubernetes swaps a whole folder for another one, with files of the same size and time. So
that a thousand files at rest cost little, one of which the system says that it is the same as before is read
again only now and then.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from worker.files import MAX_FILE_BYTES, read_start

EVERY: Final = 1.0
RELIED_ON: Final = 9
"""Looks for which the system is believed: the times of files may be coarse, and those of a network's old."""

Fingerprint: TypeAlias = frozenset[tuple[str, int, str]]

_NONE_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""Errors of this process, which say nothing about a file."""


def account_files(config_dir: Path) -> list[Path]:
    """Return the account files that are there."""
    return list((config_dir / "accounts").glob("*.y*ml"))


def fingerprint(paths: Iterable[Path]) -> Fingerprint:
    """Return what changes whenever one of these files is saved, appears, goes, or can be read no longer.

    Raises:
        OSError: This process cannot open a file now, for want of descriptors perhaps.
    """
    return frozenset(found for path in paths for found in _of(path))


class Fingerprints:
    """Looks at files again and again, and reads those alone that may have changed since they were read."""

    def __init__(self) -> None:
        self._looks = 0
        self._seen: dict[str, _FileSeen] = {}

    def __call__(self, paths: Iterable[Path]) -> Fingerprint:
        """Return and raise what `fingerprint` does."""
        before, self._seen = self._seen, {}
        self._looks += 1
        for path in paths:
            name = os.fspath(path)
            self._seen[name] = self._again(name, path, before.get(name))
        return frozenset(found for seen in self._seen.values() for found in seen.found)

    def _again(self, name: str, path: Path, seen: _FileSeen | None) -> _FileSeen:
        identity = _identity(name)
        if seen is None or identity is None or identity != seen.identity or self._looks > seen.until:
            return _FileSeen(identity, self._looks + RELIED_ON, tuple(_of(path)))
        return seen


class _FileSeen(NamedTuple):
    """A file as it was when it was read.

    Attributes:
        identity: What the system said of it right before; None where it said nothing.
        until: The last look that relies on that.
        found: What `fingerprint` has of it.
    """

    identity: tuple[int, ...] | None
    until: int
    found: tuple[tuple[str, int, str], ...]


def _identity(path: str) -> tuple[int, ...] | None:
    """Return what changes when a file is written, or another one takes its place, as far as a mount tells."""
    try:
        now = os.stat(path)  # noqa: PTH116  # a third of what pathlib takes, a thousand times a second
    except OSError:
        return None
    return now.st_dev, now.st_ino, now.st_mode, now.st_size, now.st_mtime_ns, now.st_ctime_ns


def _of(path: Path) -> Iterable[tuple[str, int, str]]:
    try:
        time, start = path.stat().st_mtime_ns, read_start(path, MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return ()  # that shows by its absence
    except OSError as error:
        if error.errno in _NONE_LEFT:
            raise
        return ((str(path), 0, str(error)),)
    return ((str(path), time, sha256(start).hexdigest()),)


class ConfigWatch:
    """Tells when the files have changed and then stood still, so that none is read half-written.

    Args:
        files: Returns the files that are to be looked at now.
        known: What they looked like when they were read.
    """

    def __init__(
        self,
        files: Callable[[], Iterable[Path]],
        known: Fingerprint,
        *,
        look: Callable[[Iterable[Path]], Fingerprint] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._files = files
        self._look = look or Fingerprints()
        self._sleep = sleep
        self._known = known

    async def changed(self) -> None:
        """Return once the files differ from what they were, and have not changed for a second."""
        latest = self._known
        while True:
            await self._sleep(EVERY)
            try:
                # In a thread: what lies on another machine may keep one waiting.
                now = await asyncio.to_thread(self._look_now)
            except OSError:
                continue  # no file could be opened, for want of a file descriptor perhaps; look again
            if now == latest and now != self._known:
                self._known = now
                return
            latest = now

    def _look_now(self) -> Fingerprint:
        return self._look(self._files())
