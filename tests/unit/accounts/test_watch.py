"""Noticing that account files were saved."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from worker.accounts.watch import (
    EVERY,
    RELIED_ON,
    ConfigWatch,
    Fingerprint,
    Fingerprints,
    account_files,
    fingerprint,
)


@pytest.fixture
def accounts(tmp_path: Path) -> Path:
    """A configuration folder with one account file in it."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    (folder / "default.yaml").write_text("app: sunny\n")
    return folder


def look(config_dir: Path) -> Fingerprint:
    return fingerprint(account_files(config_dir))


def test_a_file_that_stays_as_it_is_looks_the_same(accounts: Path) -> None:
    (accounts / "notes.txt").write_text("not an account")

    before = look(accounts.parent)
    (accounts / "notes.txt").write_text("still not one")

    assert look(accounts.parent) == before != frozenset()


def test_saving_adding_and_removing_a_file_each_look_different(accounts: Path) -> None:
    seen = [look(accounts.parent)]
    (accounts / "default.yaml").write_text("app: sunny-kitchen\n")
    seen.append(look(accounts.parent))
    (accounts / "second.yml").write_text("app: rainy\n")
    seen.append(look(accounts.parent))
    (accounts / "default.yaml").unlink()
    seen.append(look(accounts.parent))

    assert len(set(seen)) == 4


def test_a_file_saved_with_as_many_bytes_looks_different(accounts: Path) -> None:
    before = look(accounts.parent)
    (accounts / "default.yaml").write_text("app: rainy\n")
    os.utime(accounts / "default.yaml", ns=(1, 1))

    assert look(accounts.parent) != before


def test_a_file_that_vanishes_while_one_looks_counts_as_absent(accounts: Path) -> None:
    """Given a name in the folder that leads nowhere, then it is as if it were not there."""
    before = look(accounts.parent)
    (accounts / "gone.yaml").symlink_to(accounts / "nowhere.yaml")

    assert look(accounts.parent) == before


def swap(link: Path, to: Path) -> None:
    """What Kubernetes does with a mounted ConfigMap or Secret: one link becomes another, at once."""
    beside = link.with_name("..data_tmp")
    beside.symlink_to(to)
    beside.replace(link)


def test_a_folder_that_is_swapped_for_one_with_files_of_the_same_size_and_time(tmp_path: Path) -> None:
    """Given a mounted folder whose files lead through one link, then the swap of that link is noticed."""
    for version, app in ("1", "sunny"), ("2", "rainy"):
        folder = tmp_path / f"..{version}"
        folder.mkdir()
        for name in "default.yaml", "key":
            (folder / name).write_text(f"app: {app}\n")
            os.utime(folder / name, ns=(1, 1))
    mounted = tmp_path / "accounts"
    mounted.mkdir()
    (tmp_path / "..data").symlink_to(tmp_path / "..1")
    for name in "default.yaml", "key":
        (mounted / name).symlink_to(tmp_path / "..data" / name)
    before = look(tmp_path), fingerprint([mounted / "key"])

    swap(tmp_path / "..data", tmp_path / "..2")

    after = look(tmp_path), fingerprint([mounted / "key"])
    assert [one != other for one, other in zip(before, after, strict=True)] == [True, True]


def test_a_file_that_cannot_be_read_looks_different_and_is_no_reason_to_look_away(accounts: Path) -> None:
    """Given a folder where a file was, then that is seen, and so is what else changes meanwhile."""
    seen = [look(accounts.parent)]
    (accounts / "default.yaml").unlink()
    (accounts / "default.yaml").mkdir()
    seen.append(look(accounts.parent))
    (accounts / "second.yaml").write_text("app: rainy\n")
    seen.append(look(accounts.parent))

    assert len(set(seen)) == 3


def test_a_process_that_can_open_no_file_does_not_take_them_for_gone(
    accounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> bytes:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("worker.accounts.watch.read_start", none_left)

    with pytest.raises(OSError, match="Too many open files"):
        look(accounts.parent)


def test_what_is_looked_at_again_and_again_looks_as_when_it_is_looked_at_once(accounts: Path) -> None:
    """Given files that are saved, swapped, removed and made anew, each look finds what a first one would."""
    looks, file, beside = Fingerprints(), accounts / "default.yaml", accounts / "beside"

    def swap() -> None:
        beside.write_text("app: rainy-bathroom\n")
        os.utime(beside, ns=(1, 1))
        beside.replace(file)

    def make_folder() -> None:
        file.unlink()
        file.mkdir()

    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: file.write_text("app: sunny-kitchen\n"),
        lambda: file.write_text("app: sunny-bathroom\n"),
        lambda: None,
        swap,
        lambda: (accounts / "second.yaml").write_text("app: rainy\n"),
        lambda: file.rename(beside),
        lambda: file.write_text("app: sunny\n"),
        make_folder,
    ]
    seen = []
    for step in steps:
        step()
        seen.append(looks(account_files(accounts.parent)))
        assert seen[-1] == look(accounts.parent)
        assert looks(account_files(accounts.parent)) == seen[-1]

    assert len(set(seen)) == len(steps) - 1  # one step changes nothing


def test_a_file_that_the_system_calls_unchanged_is_read_all_the_same_within_ten_looks(
    accounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a mount that tells nothing of a change, it is noticed; meanwhile nothing is read in vain."""
    read: list[Path] = []
    held = [b"app: sunny"]

    def reading(path: Path, _: int) -> bytes:
        read.append(path)
        return held[0]

    monkeypatch.setattr("worker.accounts.watch.read_start", reading)
    looks = Fingerprints()
    first = looks(account_files(accounts.parent))
    held[0] = b"app: rainy"

    later = [looks(account_files(accounts.parent)) for _ in range(RELIED_ON + 1)]

    assert (later[0], len(read)) == (first, 2)
    assert later[-1] != first


def test_a_new_key_in_a_key_file_looks_different(tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    seen = [fingerprint([key_file])]
    key_file.write_text("kit_one")
    seen.append(fingerprint([key_file]))
    key_file.write_text("kit_other")

    assert len({*seen, fingerprint([key_file])}) == 3


def test_a_folder_that_does_not_exist_holds_no_files(tmp_path: Path) -> None:
    assert look(tmp_path / "nowhere") == frozenset()


class Looks:
    """What the files look like at each second: the letters of a word; `!` is no answer."""

    def __init__(self, word: str) -> None:
        self._looks: Iterator[str] = iter(word)
        self.slept: list[float] = []

    def look(self, _: Iterable[Path]) -> Fingerprint:
        letter = next(self._looks, "")
        if not letter:
            raise EOFError
        if letter == "!":
            raise OSError(errno.EMFILE, "Too many open files")
        return frozenset({(letter, 0, "")})

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def watch(self) -> ConfigWatch:
        return ConfigWatch(list, self.look([]), look=self.look, sleep=self.sleep)


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
    watch = looks.watch()

    await watch.changed()

    assert looks.slept == [EVERY] * seconds


@pytest.mark.parametrize("word", ["aaaaaa", "ababab", "abaaaa", "abcdef"])
async def test_what_does_not_change_or_does_not_stand_still_is_not_told(word: str) -> None:
    looks = Looks(word)
    watch = looks.watch()

    with pytest.raises(EOFError):  # the looks ran out first
        await watch.changed()


async def test_each_change_is_told_once() -> None:
    looks = Looks("abbbbcc")
    watch = looks.watch()

    await watch.changed()
    await watch.changed()

    assert len(looks.slept) == 6


async def test_a_change_between_two_waits_is_not_missed() -> None:
    """Given the files change while the worker still reads the last change, then the next wait tells it."""
    looks = Looks("abbcc")
    watch = looks.watch()
    await watch.changed()
    await asyncio.sleep(0)

    await watch.changed()

    assert len(looks.slept) == 4
