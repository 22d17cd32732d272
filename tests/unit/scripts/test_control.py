"""broker-ctl and postgres-ctl where there is nothing to control."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("program", "within", "url"),
    [("broker-ctl", "with-broker", "AMQP_URL"), ("postgres-ctl", "with-postgres", "POSTGRES_URL")],
)
def test_nobody_elses_service_is_stopped(program: str, within: str, url: str) -> None:
    """Given a shell in which no private service runs, the control program says so and exits 4."""
    known = {name: value for name, value in os.environ.items() if not name.endswith("_CONTROL")}
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, ROOT / "scripts" / program, "kill"],
        env=known | {url: "somebody-elses"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "nothing to control" in done.stderr
    assert f"'scripts/{within} COMMAND'" in done.stderr
    assert url in done.stderr
