"""A folder of a run's own, and an end for those of runs that were killed outright."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO


def make_folder(parent: Path, prefix: str) -> tuple[Path, IO[str]]:
    """Make a folder that only we may use; the open lock in it tells others that it is in use.

    Raises:
        OSError: The parent may not be written to.
    """
    parent.mkdir(exist_ok=True)
    _sweep(parent, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    lock = (folder / "lock").open("w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return folder, lock


def _sweep(parent: Path, prefix: str) -> None:
    """Remove what runs of ours have left."""
    for lock_file in parent.glob(f"{prefix}*/lock"):
        try:
            if lock_file.parent.lstat().st_uid != os.geteuid():  # a temporary folder is everybody's
                continue
            with lock_file.open(encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock_file.parent, ignore_errors=True)
        except OSError:  # in use, or another run is sweeping too
            continue
