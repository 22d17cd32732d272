"""Installing a package on a system of Debian's family, without starting the service that it brings."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.service import ServiceError, tail

MARK = "Written by kit-worker for the time of one installation."
# In the temporary folder anybody could lay something in its place, or hold it for ever.
LOCK = Path("/run/kit-worker-install.lock")
# Debian asks this program before a package starts or restarts a service; 101 means no.
NO_SERVICES = {Path("/usr/sbin/policy-rc.d"): f"#!/bin/sh\n# {MARK}\nexit 101\n"}


def install(packages: str, is_there: Callable[[], bool], settings: Mapping[Path, str] | None = None) -> None:
    """Install what is missing, where we are root and the system is one of Debian's family.

    `packages` are separated by blanks. `settings` are files that are there, with this text, for the time of
    the installation.
    """
    if is_there() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    with one_at_a_time(LOCK):
        if is_there():  # another run was first
            return
        first = packages.partition(" ")[0]
        print(f"{first} is not installed: installing the package (apt-get) …", file=sys.stderr)
        with ExitStack() as stack:
            for path, text in {**NO_SERVICES, **(settings or {})}.items():
                stack.enter_context(for_now(path, text))
            _apt_get("update")
            _apt_get("install", "--yes", "--no-install-recommends", *packages.split())


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Wait until nobody else on this machine is within; what others laid there is not opened."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        lock = os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise ServiceError(f"{path} cannot be locked: {error.strerror}; delete it, and try again") from error
    with lock:
        if os.fstat(lock.fileno()).st_uid != os.geteuid():
            raise ServiceError(f"{path} cannot be locked: it is somebody else's; delete it, and try again")
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def for_now(path: Path, text: str) -> Iterator[None]:
    """Keep a file with this text there, unless the machine has one of its own, which then decides as ever."""
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        yield
    finally:
        path.unlink(missing_ok=True)


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ServiceError(f"'apt-get {' '.join(arguments)}' failed:\n{tail(done.stdout + done.stderr)}")
