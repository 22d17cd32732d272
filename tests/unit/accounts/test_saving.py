"""Saving an account file: it is the old one or the new one, whole, and nobody's text is lost."""

from __future__ import annotations

import errno
import os
import resource
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from worker.accounts.saving import read_exactly, save, sha256_of
from worker.errors import CannotSave, FileChanged

OLD, NEW = "\ufeffkit: {}\r\n# old", "kit: {}\n# new ä\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sunny.yaml"
    path.write_bytes(OLD.encode())
    return path


@pytest.fixture(params=["nameless", "named"])
def beside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disks that can hold a file without a name, and those that cannot."""
    if request.param == "named":
        real = os.open

        def without(path: str, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return real(path, flags, mode)

        monkeypatch.setattr(os, "open", without)


def said(error: pytest.ExceptionInfo[CannotSave]) -> str:
    return str(error.value)


def is_as_it_was(file: Path) -> None:
    """Fail unless the old text is there, and nothing beside it."""
    assert file.read_bytes() == OLD.encode()
    assert [path.name for path in file.parent.iterdir()] == [file.name]


@pytest.mark.usefixtures("beside")
def test_a_text_takes_the_place_of_the_one_that_was_read(file: Path) -> None:
    """Given a file with a mode of its own, the new one has it, too, and nothing else is left behind."""
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, 54321)
    owner = (file.stat().st_uid, file.stat().st_gid)

    new = save(file, NEW, sha256_of(read_exactly(file)))

    assert file.read_bytes() == NEW.encode()
    assert new == sha256_of(NEW) == sha256_of(read_exactly(file))
    assert file.stat().st_mode & 0o7777 == 0o640
    assert (file.stat().st_uid, file.stat().st_gid) == owner
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    """Given a link into another folder, its target is written there."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    link = folder / "sunny.yaml"
    link.symlink_to("../sunny.yaml")

    save(link, NEW, sha256_of(OLD))

    assert link.is_symlink()
    assert file.read_bytes() == NEW.encode()
    assert [path.name for path in folder.iterdir()] == [link.name]


def test_what_somebody_else_has_saved_stays_and_is_shown(file: Path) -> None:
    with pytest.raises(
        FileChanged, match=r"somebody else has saved sunny\.yaml meanwhile; look at both"
    ) as error:
        save(file, NEW, sha256_of("what was read before"))

    assert error.value.present == OLD
    is_as_it_was(file)


def test_a_file_that_is_gone_is_not_made_again(file: Path) -> None:
    file.unlink()

    with pytest.raises(FileChanged, match="is gone; copy your text"):
        save(file, NEW, sha256_of(OLD))

    assert not file.exists()


def test_of_many_who_save_at_once_one_does(file: Path) -> None:
    """Given eight who have read the same text, seven are told, and get the text of the one."""
    ends: list[str] = []
    start = threading.Barrier(8)

    def one(number: int) -> None:
        start.wait()
        try:
            ends.append(save(file, f"{number}", sha256_of(OLD)))
        except FileChanged as error:
            ends.append(error.present)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winner = read_exactly(file)
    assert sorted(ends) == sorted([sha256_of(winner), *[winner] * 7])


# -- trouble -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("beside")
def test_a_write_that_fails_half_way_leaves_the_old_file(file: Path) -> None:
    """Given that no file may be larger than 1,000 bytes, then a larger text is not saved."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        with pytest.raises(CannotSave) as error:
            save(file, "x" * 5_000, sha256_of(OLD))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert "File too large): files on its disk may not become so large" in said(error)
    is_as_it_was(file)


@contextmanager
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Hold a disk of 64 KiB that is nearly full; that takes root, who may mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603  # our own words
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S603, S607  # as above


@pytest.mark.usefixtures("beside")
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a disk that is full in mid-save: a real one, or (where nobody may mount one) one that says so."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(full_disk(tmp_path))
        except (OSError, subprocess.CalledProcessError):
            disk = tmp_path / "other"
            disk.mkdir()
            monkeypatch.setattr(os, "fsync", says_full)
        refused(disk / "sunny.yaml", "x" * 100_000)


def says_full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def refused(file: Path, text: str) -> None:
    file.write_bytes(OLD.encode())
    with pytest.raises(CannotSave) as error:
        save(file, text, sha256_of(OLD))
    assert "(No space left on device): its disk is full; make room, then save again; the file is as" in said(
        error
    )
    is_as_it_was(file)


def test_a_disk_that_may_lose_what_was_saved_is_told_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a new name that the disk does not confirm, nobody is told that the file is as it was."""
    real = os.fsync

    def failing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(CannotSave) as refused:
        save(file, NEW, sha256_of(OLD))

    assert "is saved, but its disk may lose that" in said(refused)
    assert "as it was" not in said(refused)
    assert file.read_bytes() == NEW.encode()


def test_a_folder_that_cannot_be_written() -> None:
    """Given a user who may read the folder only, the sentence says whom to ask, and the file stays."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "sunny.yaml"
        file.write_bytes(OLD.encode())
        file.parent.chmod(0o555)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)
        try:
            with pytest.raises(CannotSave) as error:
                save(file, NEW, sha256_of(OLD))
        finally:
            if is_root:
                os.seteuid(0)
            file.parent.chmod(0o755)

        assert f"(Permission denied): let this process write the folder {name}, or copy your text" in said(
            error
        )
        is_as_it_was(file)


KILLED = """
import os, sys, time
from pathlib import Path
from worker.accounts.saving import save, sha256_of
def fsync(_):
    print("written", flush=True)
    time.sleep(60)
os.fsync = fsync
save(Path(sys.argv[1]), "new", sha256_of(Path(sys.argv[1]).read_bytes().decode()))
"""


def test_who_is_killed_in_mid_save_leaves_the_old_file_and_nothing_else(file: Path) -> None:
    """Given a process that has written all of the new text, and is killed, the next one saves as ever."""
    words = [sys.executable, "-c", KILLED, str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:  # noqa: S603  # our own words
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.kill()

    is_as_it_was(file)
    save(file, NEW, sha256_of(OLD))
    assert file.read_bytes() == NEW.encode()


def test_what_was_left_by_who_was_killed_goes_with_the_next_save(file: Path) -> None:
    (file.parent / ".sunny.yaml.saving").write_text("half a fi")

    save(file, NEW, sha256_of(OLD))

    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_what_is_no_text_is_not_saved(file: Path) -> None:
    with pytest.raises(CannotSave, match="no character"):
        save(file, "\ud800", sha256_of(OLD))
    is_as_it_was(file)


def test_a_file_that_cannot_be_read_is_said(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(CannotSave, match="not UTF-8 text"):
        read_exactly(file)
    file.unlink()
    with pytest.raises(CannotSave, match="No such file"):
        read_exactly(file)
