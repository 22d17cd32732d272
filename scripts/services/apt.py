"""Installing a package on a system of Debian's family."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from scripts.services.errors import ServiceError, tail


def can_install() -> bool:
    """Tell whether we are root on a system of Debian's family."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(
    name: str, package: str, is_there: Callable[[], bool], quietly: Callable[[], AbstractContextManager[None]]
) -> bool:
    """Install a package within `quietly`, and tell whether we did: not if another run was first (`is_there`).

    Raises:
        ServiceError: apt-get failed; the message holds the end of its output.
    """
    with (Path(tempfile.gettempdir()) / "kit-worker-install.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_there():
            return False
        print(f"{name} is not installed: installing the package {package} (apt-get) …", file=sys.stderr)
        with quietly():
            _apt_get("update")
            _apt_get("install", "--yes", "--no-install-recommends", package)
        return True


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ServiceError(f"'apt-get {' '.join(arguments)}' failed:\n{tail(done.stdout + done.stderr)}")
