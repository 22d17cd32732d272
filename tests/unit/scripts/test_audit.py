"""What is said of known vulnerabilities: found, none, or not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts.audit import Verdict, audited, main, verdict

SAFE: dict[str, Any] = {"name": "safe", "version": "1.0", "vulns": []}
MENDED: dict[str, Any] = {
    "name": "old", "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"], "aliases": []}],
}  # fmt: skip
OPEN: dict[str, Any] = {"name": "open", "version": "3", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED: dict[str, Any] = {"name": "unheard-of", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SAFE], 0, ["1 packages were looked up"]),
        ([SAFE, SAFE], 0, ["1 packages were looked up"]),
        (
            [SAFE, MENDED, OPEN],
            1,
            [
                "old 1.0: PYSEC-1, mended in 1.1 or 2.0",
                "open 3: PYSEC-2, not mended yet",
                "3 packages were looked up",
            ],
        ),
        (
            [SAFE, SKIPPED],
            4,
            [
                "NOT looked up, since PyPI does not answer about them: 1 (unheard-of)",
                "1 packages were looked up",
            ],
        ),
        (
            [MENDED, SKIPPED],
            1,
            [
                "old 1.0: PYSEC-1, mended in 1.1 or 2.0",
                "NOT looked up, since PyPI does not answer about them: 1 (unheard-of)",
                "1 packages were looked up",
            ],
        ),
    ],
)
def test_nothing_is_called_safe_that_nobody_has_looked_at(
    packages: list[dict[str, Any]], code: int, said: list[str]
) -> None:
    assert verdict(packages) == Verdict(code, said)


def program(folder: Path, script: str) -> Path:
    """A stand-in for pip-audit."""
    made = folder / "pip-audit"
    made.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    made.chmod(0o755)
    return made


def test_where_nobody_could_be_asked_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a program that ends without a report, and with 0 even, nothing counts as looked up."""
    failing = program(tmp_path, "echo first >&2; echo 'no way to the host' >&2")
    assert main(failing, [tmp_path / "dev.txt"]) == 4
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "audit: NOTHING is known: is PyPI within reach? pip-audit said: no way to the host\n",
    )


def test_each_file_is_asked_about_and_its_report_is_read(tmp_path: Path) -> None:
    """Given pip-audit, which exits with 1 where it finds something, its report of each file counts."""
    report, words = json.dumps({"dependencies": [SAFE, MENDED]}), tmp_path / "words"
    script = f"""echo "$2" >> {words}
while [ "$1" != --output ]; do shift; done
echo '{report}' > "$2"; exit 1"""
    found = audited(program(tmp_path, script), [Path("a.txt"), Path("b.txt")])
    assert (found.code, len(found.lines)) == (1, 2)  # what two files have is told once
    assert words.read_text(encoding="utf-8") == "a.txt\nb.txt\n"
