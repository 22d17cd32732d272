"""Starting programs that never outlive us."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class User:
    """A user of this system, by number."""

    uid: int
    gid: int


def bound_to_us(argv: Sequence[str], last_signal: str) -> list[str]:
    """Return the command line whose process gets `last_signal` should we be killed outright.

    Where the system has no setpriv (it is part of util-linux) the command line stays as it is: then only an
    orderly end of ours ends the process too.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", last_signal, "--", *argv] if setpriv else list(argv)


def start_service(
    argv: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    last_signal: str = "KILL",
    user: User | None = None,
) -> subprocess.Popen[bytes]:
    """Start a background program in a session of its own, out of reach of the terminal's Ctrl-C.

    With `user` (only root may give one) it runs as that user, and in the log's folder, since ours may be
    closed to that user.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            bound_to_us(argv, last_signal),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            cwd=log.parent if user else None,
        )


def kill_service(process: subprocess.Popen[bytes] | None) -> None:
    """Kill a program of `start_service` with all of its session's group, and wait for its end."""
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):  # it may end by itself meanwhile
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
