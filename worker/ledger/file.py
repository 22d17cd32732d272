"""The file of a SQLite ledger: whether it is still the one that was opened."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from worker.errors import LedgerUnavailable

Identity: TypeAlias = tuple[int, int]
"""A file's device and inode, which stay its own wherever it is moved to."""


class LedgerFile:
    """A SQLite database in use, which somebody may delete, or replace by another one, meanwhile.

    Args:
        path: Where it is, or will be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Identity | None = None
        self._log: Identity | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a file at all."""
        return self._identity() is not None

    def make_private(self) -> None:
        """Make the file, and its folder, where they are missing, such that only this user can read them.

        SQLite gives what it makes beside the file the rights of the file.

        Raises:
            OSError: They cannot be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))

    def readable_by_others(self) -> list[str]:
        """Return the commands that keep out who may read the file, or put another one in its place."""
        folder = self.path.parent
        commands = [f"chmod go-rwx {self.path}*"] if _mode(self.path) & 0o077 else []
        if _mode(folder) & 0o022 and not _mode(folder) & stat.S_ISVTX:
            commands.append(f"chmod go-w {folder}")
        return commands

    def check_can_be_made(self) -> None:
        """See to it that the file could be made, without making it.

        Raises:
            LedgerUnavailable: It could not.
        """
        folder = next(each for each in self.path.absolute().parents if each.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            raise LedgerUnavailable(
                f"the ledger {self.path} cannot be made: {folder} is no folder that this user may write to"
            )

    def note_opened(self) -> None:
        """Note that the file which is there now is the one in use."""
        self._opened = self._identity()

    def is_in_place(self) -> bool:
        """Tell whether the file is still the one that was opened; note its write-ahead log where it is."""
        if self._identity() != self._opened:
            return False
        self._log = self._identity("-wal")
        return True

    def drop_old_log(self) -> None:
        """Delete the old file's write-ahead log: SQLite would take it for the new one's, and mix the two."""
        if self._log is not None and self._identity("-wal") == self._log:
            for end in ("-wal", "-shm"):
                Path(f"{self.path}{end}").unlink(missing_ok=True)

    def _identity(self, end: str = "") -> Identity | None:
        try:
            status = Path(f"{self.path}{end}").stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
