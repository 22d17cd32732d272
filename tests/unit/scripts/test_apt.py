"""Installing a package without its service: the files that say so."""

import contextlib
import fcntl
import os
import stat
import subprocess
from pathlib import Path

import pytest

from scripts.apt import LOCK, MARK, for_now, one_at_a_time
from scripts.service import ServiceError


def test_one_installation_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with one_at_a_time(path), path.open() as another:
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(BlockingIOError):
            fcntl.flock(another, fcntl.LOCK_SH | fcntl.LOCK_NB)
    with one_at_a_time(path):
        pass


def test_what_somebody_laid_in_the_place_of_the_lock_is_not_opened(tmp_path: Path) -> None:
    """Given a link to a file that is not there, which root would make, it says so."""
    link, target = tmp_path / "link", tmp_path / "made"
    link.symlink_to(target)
    with pytest.raises(ServiceError, match=r"cannot be locked: .*; delete it"), one_at_a_time(link):
        pass
    assert not target.exists()


def test_somebody_elses_lock_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(ServiceError, match="somebody else's; delete it"), one_at_a_time(tmp_path / "theirs"):
        pass


def test_the_lock_lies_where_nobody_else_may_write() -> None:
    folder = LOCK.parent
    assert not (folder.exists() and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))


def test_what_an_installation_needs_is_gone_after_it(tmp_path: Path) -> None:
    """Given a policy for the time of an installation, it says no, and a failed installation leaves none."""
    policy = tmp_path / "new" / "policy-rc.d"
    with contextlib.suppress(OSError), for_now(policy, f"#!/bin/sh\n# {MARK}\nexit 101\n"):
        asked = subprocess.run([policy, "rabbitmq-server", "start"], check=False)  # noqa: S603  as Debian does
        assert asked.returncode == 101
        raise OSError("no space left for the package")
    assert list(policy.parent.iterdir()) == []


def test_a_machines_own_policy_stays_and_one_that_a_killed_run_left_does_not(tmp_path: Path) -> None:
    own, left = tmp_path / "own", tmp_path / "left"
    own.write_text("#!/bin/sh\nexit 104\n")
    left.write_text(f"#!/bin/sh\n# {MARK}\nexit 101\n")
    with for_now(own, f"# {MARK}\n"), for_now(left, f"# {MARK}\n"):
        assert own.read_text() == "#!/bin/sh\nexit 104\n"
    assert list(tmp_path.iterdir()) == [own]
