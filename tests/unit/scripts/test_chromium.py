"""Which browser the tests take, and what they say where there is none."""

import os
from pathlib import Path

import pytest

from scripts import apt
from scripts.chromium import executable, find
from scripts.service import ServiceError


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_distributions_own_is_taken_before_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    other = program(tmp_path / "google-chrome")
    assert find() == other
    own = program(tmp_path / "chromium")
    assert (find(), executable()) == (own, own)


def test_without_one_and_without_root_the_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ServiceError, match="sudo apt-get install chromium fonts-"):
        executable()


def test_as_root_it_is_installed_with_fonts_each_a_package_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a machine of Debian's family whose apt-get installs what it is asked for."""
    asked: list[tuple[str, ...]] = []

    def apt_get(*arguments: str) -> None:
        asked.append(arguments)
        if arguments[0] == "install":
            program(tmp_path / arguments[-3])

    program(tmp_path / "apt-get")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(apt, "LOCK", tmp_path / "lock")
    monkeypatch.setattr(apt, "NO_SERVICES", {})
    monkeypatch.setattr(apt, "_apt_get", apt_get)

    assert executable() == tmp_path / "chromium"
    assert [each[0] for each in asked] == ["update", "install"]
    assert asked[1][-3:] == ("chromium", "fonts-liberation", "fonts-noto-color-emoji")
