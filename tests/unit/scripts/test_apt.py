"""Installing a package without its service: the files that say so."""

import contextlib
import subprocess
from pathlib import Path

from scripts.apt import MARK, for_now


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
