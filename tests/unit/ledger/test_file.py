"""A ledger's file may be deleted, or replaced, while it is in use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.ledger.file import LedgerFile


@pytest.fixture
def file(tmp_path: Path) -> LedgerFile:
    """A file with its write-ahead log, in use."""
    made = LedgerFile(tmp_path / "ledger.db")
    assert not made.exists
    made.path.write_text("old")
    log_of(made).write_text("old log")
    made.note_opened()
    assert made.is_in_place()
    return made


def log_of(file: LedgerFile) -> Path:
    return file.path.with_name(f"{file.path.name}-wal")


def replace(path: Path) -> None:
    """Put another file where one is; moved there, it cannot get the inode of the one that was."""
    other = path.with_name("other")
    other.write_text("new")
    other.rename(path)


def test_a_file_that_was_deleted_is_in_place_again_once_it_is_put_back(file: LedgerFile) -> None:
    away = file.path.rename(file.path.with_name("away"))
    assert not file.exists
    assert not file.is_in_place()

    away.rename(file.path)

    assert file.is_in_place()


def test_a_file_that_was_written_to_is_still_the_same(file: LedgerFile) -> None:
    file.path.write_text("more")
    assert file.is_in_place()


def test_the_log_of_a_file_that_was_replaced_is_dropped(file: LedgerFile) -> None:
    replace(file.path)
    assert file.exists
    assert not file.is_in_place()

    file.drop_old_log()

    assert not log_of(file).exists()


def test_the_log_that_came_with_the_other_file_is_kept(file: LedgerFile) -> None:
    """Given a ledger that was put in place with its own log, what is in that log is part of it."""
    replace(file.path)
    replace(log_of(file))

    file.drop_old_log()

    assert log_of(file).read_text() == "new"


def test_a_new_file_is_its_users_alone_whatever_the_umask(tmp_path: Path) -> None:
    """Given a folder and a file that are missing, both are made for this user only; made, they stay so."""
    before = os.umask(0)
    try:
        made = LedgerFile(tmp_path / "data" / "ledger.db")
        made.make_private()
        made.make_private()
    finally:
        os.umask(before)
    assert [each.stat().st_mode & 0o777 for each in (made.path.parent, made.path)] == [0o700, 0o600]
    assert made.path.read_bytes() == b""
    assert made.readable_by_others() == []


@pytest.mark.parametrize(
    ("folder", "path", "commands"),
    [
        (0o755, 0o600, []),
        (0o755, 0o644, ["chmod go-rwx {path}*"]),
        (0o700, 0o660, ["chmod go-rwx {path}*"]),
        (0o777, 0o600, ["chmod go-w {folder}"]),
        (0o1777, 0o600, []),
        (0o775, 0o666, ["chmod go-rwx {path}*", "chmod go-w {folder}"]),
    ],
)
def test_who_else_may_read_the_file_or_put_another_in_its_place_is_told(
    tmp_path: Path, folder: int, path: int, commands: list[str]
) -> None:
    """Given rights of a folder and a file, the commands that take those of others away."""
    made = LedgerFile(tmp_path / "data" / "ledger.db")
    made.make_private()
    made.path.chmod(path)
    made.path.parent.chmod(folder)
    told = made.readable_by_others()
    assert told == [command.format(path=made.path, folder=made.path.parent) for command in commands]


def test_a_file_of_before_keeps_its_contents(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("kept")
    LedgerFile(path).make_private()
    assert path.read_text() == "kept"
