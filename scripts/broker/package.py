"""Installing the system's rabbitmq-server package, without a node of the system's starting with it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.broker.node import find_scripts
from scripts.services import apt

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


def install() -> None:
    """Install the package, unless another run does it first.

    Raises:
        ServiceError: apt-get failed; the message holds the end of its output.
    """

    def is_there() -> bool:
        return find_scripts() is not None

    if apt.install("RabbitMQ", PACKAGE, is_there, lambda: _services_stay_off(POLICY)):
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
