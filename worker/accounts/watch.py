"""Notices that account files were saved.

It looks every second: notifications of the operating system do not cross every kind of mount.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, TypeAlias

EVERY: Final = 1.0

Fingerprint: TypeAlias = frozenset[tuple[str, int, int]]


def fingerprint(config_dir: Path, key_files: Iterable[Path] = ()) -> Fingerprint:
    """Return what changes whenever an account file, or a file with a key, is saved, added or removed."""
    seen = set()
    for path in (*(config_dir / "accounts").glob("*.y*ml"), *key_files):
        try:
            stat = path.stat()
        except OSError:
            continue  # removed since it was listed: that shows by its absence
        seen.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(seen)


class ConfigWatch:
    """Tells when the files have changed and then stood still, so that none is read half-written.

    Args:
        config_dir: The configuration folder.
        key_files: Returns the files to watch besides those in the folder.
    """

    def __init__(
        self,
        config_dir: Path,
        key_files: Callable[[], Iterable[Path]] = tuple,
        *,
        look: Callable[[Path, Iterable[Path]], Fingerprint] = fingerprint,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dir = config_dir
        self._key_files = key_files
        self._look = look
        self._sleep = sleep
        self._known = look(config_dir, key_files())

    async def changed(self) -> None:
        """Return once the files differ from what they were, and have not changed for a second."""
        latest = self._known
        while True:
            await self._sleep(EVERY)
            try:
                now = self._look(self._dir, self._key_files())
            except OSError:
                continue  # the folder could not be listed, for want of a file descriptor perhaps; look again
            if now == latest and now != self._known:
                self._known = now
                return
            latest = now
