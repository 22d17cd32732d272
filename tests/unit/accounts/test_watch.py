"""Noticing that account files were saved."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.accounts.watch import EVERY, ConfigWatch, Fingerprint, fingerprint


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A configuration folder with one account file in it."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    (folder / "default.yaml").write_text("app: sunny\n")
    return folder


def test_a_file_that_stays_as_it_is_looks_the_same(accounts: Path) -> None:
    (accounts / "notes.txt").write_text("not an account")

    before = fingerprint(accounts.parent)
    (accounts / "notes.txt").write_text("still not one")

    assert fingerprint(accounts.parent) == before != frozenset()


def test_saving_adding_and_removing_a_file_each_look_different(accounts: Path) -> None:
    seen = [fingerprint(accounts.parent)]
    (accounts / "default.yaml").write_text("app: sunny-kitchen\n")
    seen.append(fingerprint(accounts.parent))
    (accounts / "second.yml").write_text("app: rainy\n")
    seen.append(fingerprint(accounts.parent))
    (accounts / "default.yaml").unlink()
    seen.append(fingerprint(accounts.parent))

    assert len(set(seen)) == 4


def test_a_file_saved_with_as_many_bytes_looks_different(accounts: Path) -> None:
    before = fingerprint(accounts.parent)
    (accounts / "default.yaml").write_text("app: rainy\n")
    os.utime(accounts / "default.yaml", ns=(1, 1))

    assert fingerprint(accounts.parent) != before


def test_a_file_that_vanishes_while_one_looks_counts_as_absent(accounts: Path) -> None:
    """Given a name in the folder that leads nowhere, then it is as if it were not there."""
    before = fingerprint(accounts.parent)
    (accounts / "gone.yaml").symlink_to(accounts / "nowhere.yaml")

    assert fingerprint(accounts.parent) == before


def test_a_new_key_in_a_key_file_looks_different(accounts: Path, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    seen = [fingerprint(accounts.parent, [key_file])]
    key_file.write_text("kit_one")
    seen.append(fingerprint(accounts.parent, [key_file]))
    key_file.write_text("kit_other")

    assert len({*seen, fingerprint(accounts.parent, [key_file])}) == 3


def test_a_folder_that_does_not_exist_holds_no_files(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nowhere") == frozenset()


class Looks:
    """What the files look like at each second: the letters of a word; `!` is no answer."""

    def __init__(self, word: str) -> None:
        self._looks: Iterator[str] = iter(word)
        self.slept: list[float] = []

    def look(self, _: Path, __: object) -> Fingerprint:
        letter = next(self._looks)
        if letter == "!":
            raise OSError(errno.EMFILE, "Too many open files")
        return frozenset({(letter, 0, 0)})

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("abb", 2),
        ("aaaabb", 5),
        ("abcc", 3),
        ("abcdd", 4),
        ("abaabb", 5),
        ("a!!abb", 5),
        ("ab!b", 3),
    ],
)
async def test_a_change_is_told_once_the_files_have_stood_still_for_a_second(word: str, seconds: int) -> None:
    """Given files that look like each letter for a second, then no half-written state is ever reported."""
    looks = Looks(word)
    watch = ConfigWatch(Path(), look=looks.look, sleep=looks.sleep)

    await watch.changed()

    assert looks.slept == [EVERY] * seconds


@pytest.mark.parametrize("word", ["aaaaaa", "ababab", "abaaaa", "abcdef"])
async def test_what_does_not_change_or_does_not_stand_still_is_not_told(word: str) -> None:
    looks = Looks(word)
    watch = ConfigWatch(Path(), look=looks.look, sleep=looks.sleep)

    with pytest.raises(RuntimeError, match="StopIteration"):  # the looks ran out first
        await watch.changed()


async def test_each_change_is_told_once() -> None:
    looks = Looks("abbbbcc")
    watch = ConfigWatch(Path(), look=looks.look, sleep=looks.sleep)

    await watch.changed()
    await watch.changed()

    assert len(looks.slept) == 6


async def test_a_change_between_two_waits_is_not_missed() -> None:
    """Given the files change while the worker still reads the last change, then the next wait tells it."""
    looks = Looks("abbcc")
    watch = ConfigWatch(Path(), look=looks.look, sleep=looks.sleep)
    await watch.changed()
    await asyncio.sleep(0)

    await watch.changed()

    assert len(looks.slept) == 4
