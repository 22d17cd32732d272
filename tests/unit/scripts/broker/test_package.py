"""Installing a package without its service: the policy that Debian asks."""

import contextlib
import subprocess
from pathlib import Path

import pytest

from scripts.broker.package import _services_stay_off


def verdict(policy: Path, service: str, action: str = "start") -> int:
    """Ask as Debian's tools do; 101 means no."""
    return subprocess.run([policy, service, action], check=False).returncode  # noqa: S603  the file under test


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tmp_path / "policy-rc.d"


def test_nothing_new_starts_and_what_runs_may_be_restarted(policy: Path) -> None:
    """Given no policy before, there is none afterwards."""
    with _services_stay_off(policy):
        assert verdict(policy, "rabbitmq-server") == 101
        assert verdict(policy, "rabbitmq-server.service") == 101
        assert verdict(policy, "rabbitmq-server", "restart") == 101
        assert verdict(policy, "epmd.socket") == 101
        assert verdict(policy, "cron") == 101
        assert verdict(policy, "ssh", "restart") == 0
    assert list(policy.parent.iterdir()) == []


def test_a_policy_that_was_there_still_decides_and_comes_back(policy: Path) -> None:
    """Given a machine's own policy, it is asked about other services, and comes back after a failure."""
    own = "#!/bin/sh\nexit 104\n"
    policy.write_text(own)
    policy.chmod(0o755)
    with contextlib.suppress(OSError), _services_stay_off(policy):
        assert verdict(policy, "rabbitmq-server") == 101
        assert verdict(policy, "ssh", "restart") == 104
        raise OSError("no space left for the package")
    assert policy.read_text() == own
    assert len(list(policy.parent.iterdir())) == 1


def test_what_a_killed_run_left_does_not_become_the_machines_policy(policy: Path) -> None:
    """Given a run that was killed half-way, the next one restores what was there before that."""
    own = "#!/bin/sh\nexit 104\n"
    policy.with_name("policy-rc.d.before-kit-worker").write_text(own)
    policy.write_text("#!/bin/sh\n# Written by kit-worker for the time of one installation.\nexit 101\n")
    with _services_stay_off(policy):
        pass
    assert policy.read_text() == own
