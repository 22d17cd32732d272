"""Installing the system's rabbitmq-server package, without a node of the system's starting with it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.broker.errors import BrokerError, tail
from scripts.broker.node import find_scripts

PACKAGE = "rabbitmq-server"
POLICY = Path("/usr/sbin/policy-rc.d")
# Debian asks this program before a package starts a service; 101 means no. Nothing new starts: neither the
# broker nor what comes with it (a cron daemon, for its log files). What runs already may be restarted, unless
# a policy that was there before says otherwise.
POLICY_TEXT = """\
#!/bin/sh
# Written by kit-worker for the time of one installation.
case " $* " in *" start "*|*rabbitmq-server*|*epmd*) exit 101 ;; esac
[ ! -x {saved} ] || exec {saved} "$@"
"""


def can_install() -> bool:
    """Tell whether we are root on a system of Debian's family."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Install the package, unless another run does it first.

    Raises:
        BrokerError: apt-get failed; the message holds the end of its output.
    """
    with (Path(tempfile.gettempdir()) / "kit-worker-install.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_scripts() is not None:
            return
        print(f"RabbitMQ is not installed: installing the package {PACKAGE} (apt-get) …", file=sys.stderr)
        with _services_stay_off(POLICY):
            _apt_get("update")
            _apt_get("install", "--yes", "--no-install-recommends", PACKAGE)
        # Nobody asked for a system-wide broker, so none comes up with the machine either.
        subprocess.run(["update-rc.d", PACKAGE, "disable"], capture_output=True, check=False)


@contextmanager
def _services_stay_off(policy: Path) -> Iterator[None]:
    saved = policy.with_name(f"{policy.name}.before-kit-worker")
    if policy.exists() and not saved.exists():
        policy.rename(saved)
    policy.write_text(POLICY_TEXT.format(saved=saved), encoding="utf-8")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()
        if saved.exists():
            saved.rename(policy)


def _apt_get(*arguments: str) -> None:
    command = ["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BrokerError(f"'apt-get {' '.join(arguments)}' failed:\n{tail(done.stdout + done.stderr)}")
