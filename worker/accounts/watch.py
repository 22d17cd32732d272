"""Notices that account files were saved.

It looks every second: notifications of the operating system do not cross every kind of mount. And it looks at
what the files hold: Kubernetes swaps a whole folder for another one, with files of the same size and time.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

from worker.files import MAX_FILE_BYTES, read_start

EVERY: Final = 1.0

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
        look: Callable[[Iterable[Path]], Fingerprint] = fingerprint,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._files = files
        self._look = look
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
