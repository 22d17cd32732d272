"""Saves an account file in place of the one that was read; whatever happens, one of both is there, whole."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from worker.errors import CannotSave, FileChanged

_SAME: Final = "the file is as it was"
_REMEDIES: Final = {
    errno.ENOSPC: "its disk is full; make room, then save again",
    errno.EDQUOT: "its disk is full; make room, then save again",
    errno.EFBIG: "files on its disk may not become so large; raise that limit, then save again",
    errno.EBUSY: "it is mounted alone; mount the folder that it is in, then save again",
}


def sha256_of(text: str) -> str:
    """Return what tells a file's text apart from any other one."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def read_exactly(path: Path) -> str:
    """Return a file's text with its byte-order mark and line ends, which `save` takes back.

    Raises:
        CannotSave: It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CannotSave(f"{path} cannot be read ({why}); an operator has to mend that") from error


def save(path: Path, text: str, read_sha256: str) -> str:
    """Write a text in place of a file's, and return its SHA-256. A link stays one; its target is written.

    It waits for whoever saves in this folder, and for the disk: an event loop calls it in a thread.

    Args:
        path: The file, which is there.
        text: Its new text.
        read_sha256: Of the text that was read before, as `sha256_of` returns it.

    Raises:
        FileChanged: It is another one by now; it carries its text.
        CannotSave: It cannot be written; or it is written, and its disk may not keep it, as the text says.
    """
    try:
        target = path.resolve(strict=True)
        with _alone_in(target.parent) as folder:
            _check_same(target, read_sha256)
            _replace(target, text.encode(), folder)
            _settle(target, folder)
    except FileNotFoundError as error:
        raise FileChanged(f"{path} is gone; copy your text, and ask who has deleted the file") from error
    except UnicodeEncodeError as error:
        raise CannotSave(f"the text holds what is no character; {_SAME}") from error
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0) or (
            f"let this process write the folder {path.parent}, or copy your text and let an operator save it"
        )
        raise CannotSave(f"{path} cannot be saved ({error.strerror}): {remedy}; {_SAME}") from error
    return sha256_of(text)


@contextmanager
def _alone_in(folder: Path) -> Iterator[int]:
    """Hold a folder, open, while nobody else saves in it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield opened
    finally:
        os.close(opened)


def _check_same(target: Path, read_sha256: str) -> None:
    present = target.read_bytes()
    if sha256(present).hexdigest() != read_sha256:
        said = f"somebody else has saved {target.name} meanwhile; look at both texts, then save again"
        raise FileChanged(said, present.decode(errors="replace"))


def _replace(target: Path, content: bytes, folder: int) -> None:
    """Write beside a file, safely, and put that in its place."""
    beside = target.with_name(f".{target.name}.saving")  # no account file, since it begins with a dot
    beside.unlink(missing_ok=True)  # of one who was killed
    try:
        _write(beside, content, target.stat(), folder)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _settle(target: Path, folder: int) -> None:
    """Have the disk keep a file's new name over a failure of power."""
    try:
        os.fsync(folder)
    except OSError as error:
        said = f"{target} is saved, but its disk may lose that ({error.strerror}); look at the disk"
        raise CannotSave(said) from error


def _write(beside: Path, content: bytes, like: os.stat_result, folder: int) -> None:
    """Write a file that is whole, and on the disk, by the time it has a name; where disks allow that."""
    opened, is_nameless = _new_file(beside)
    with os.fdopen(opened, "wb") as file:
        with suppress(PermissionError):  # only root may give files away
            os.fchown(opened, like.st_uid, like.st_gid)
        os.fchmod(opened, like.st_mode & 0o7777)
        file.write(content)
        file.flush()
        os.fsync(opened)
        if is_nameless:
            os.link(f"/proc/self/fd/{opened}", beside.name, dst_dir_fd=folder, follow_symlinks=True)


def _new_file(beside: Path) -> tuple[int, bool]:
    """Open a new file; one without a name is gone when its process is killed (Linux, `open(2)`)."""
    try:
        return os.open(beside.parent, os.O_WRONLY | os.O_TMPFILE, 0o600), True
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
            raise
    return os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), False
