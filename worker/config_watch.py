"""Notices that account files were saved. It looks, since notifications do not cross every kind of mount."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

EVERY: Final = 1.0

Fingerprint: TypeAlias = frozenset[tuple[str, int, int]]


def fingerprint(config_dir: Path) -> Fingerprint:
    """Return what changes whenever an account file is saved, added or removed."""
    seen = set()
    for path in sorted((config_dir / "accounts").glob("*.y*ml")):
        try:
            stat = path.stat()
        except OSError:
            continue  # removed since it was listed: that shows by its absence
        seen.add((str(path), stat.st_mtime_ns, stat.st_size))
    return frozenset(seen)


class ConfigWatch:
    """Tells when the files have changed and then stood still, so that none is read half-written."""

    def __init__(
        self,
        config_dir: Path,
        *,
        look: Callable[[Path], Fingerprint] = fingerprint,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._dir = config_dir
        self._look = look
        self._sleep = sleep
        self._known = look(config_dir)

    async def changed(self) -> None:
        """Return once the files differ from what they were, and have not changed for a second."""
        latest = self._known
        while True:
            await self._sleep(EVERY)
            now = self._look(self._dir)
            if now == latest and now != self._known:
                self._known = now
                return
            latest = now
