"""`make audit` and `make sbom` with their real programs."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
RUNTIME = ROOT / "requirements/runtime.txt"

pytestmark = pytest.mark.timeout(300)


def make(target: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a target of the Makefile."""
    return subprocess.run(  # noqa: S603  # our own Makefile
        ["make", target, *words],  # noqa: S607
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """Have the programs installed, by one of the tests' processes while the others wait."""
    with (ROOT / ".venv" / "audit.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = make(".venv/.audit")
        assert made.returncode == 0, made.stderr


def locked() -> dict[str, str]:
    """What the image has, by name, with its version."""
    return dict(re.findall(r"^([a-z0-9.-]+)==([^ ;]+)", RUNTIME.read_text(encoding="utf-8"), re.MULTILINE))


def test_the_sbom_names_every_package_of_the_image(tmp_path: Path) -> None:
    """Given what is locked for the image, each is in the SBOM with its version and purl, and nothing else."""
    made = make("sbom", f"SBOM={tmp_path / 'new' / 'sbom.json'}")
    assert made.returncode == 0, made.stderr
    sbom: dict[str, Any] = json.loads((tmp_path / "new" / "sbom.json").read_text(encoding="utf-8"))
    assert (sbom["bomFormat"], sbom["metadata"]["component"]["name"]) == ("CycloneDX", "kit-worker")
    assert {each["name"]: each["version"] for each in sbom["components"]} == locked()
    assert {each["purl"] for each in sbom["components"]} == {
        f"pkg:pypi/{name}@{version}" for name, version in locked().items()
    }
    assert len(locked()) > 30


def test_an_audit_that_reaches_nobody_says_so_and_fails() -> None:
    nobody = "http://127.0.0.1:1"
    done = make("audit", HTTPS_PROXY=nobody, https_proxy=nobody)
    assert done.returncode != 0
    assert re.search("audit: NOTHING is known: is PyPI within reach\\?.*[Pp]roxy", done.stderr), done.stderr
    assert "looked up" not in done.stdout
