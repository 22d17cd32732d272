"""Reading a small file that a person names, whatever its name turns out to be."""

from __future__ import annotations

import stat
from pathlib import Path


def read_start(path: Path, limit: int) -> bytes:
    """Return up to `limit` bytes of a file.

    Raises:
        OSError: It cannot be read, or is something else than a file: a pipe would block, a device never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is not a file")
    with path.open("rb") as file:
        return file.read(limit)
