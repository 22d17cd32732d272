"""Looks for known vulnerabilities in everything that is locked, by pip-audit, which asks PyPI about each.

It ends with 0 where every package was looked up and none has one, with 1 where one has, and with 4 where not
all could be looked up: what nobody has looked at is not called safe.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

PROGRAM = Path(".venv/audit/bin/pip-audit")
# All that the image has is in dev.txt as well.
LOCKED = tuple(Path("requirements") / name for name in ("dev.txt", "build.txt", "audit.txt"))
VULNERABLE, NOT_LOOKED_UP = 1, 4
SHOWN = 5


class Verdict(NamedTuple):
    """What came of it: an exit code, and what to say."""

    code: int
    lines: list[str]


class UnansweredError(Exception):
    """pip-audit came to no end; the text is what it said last."""


def main(program: Path = PROGRAM, files: Sequence[Path] = LOCKED) -> int:
    """Print what is found, and return the exit code."""
    found = audited(program, files)
    for line in found.lines:
        print(f"audit: {line}", file=sys.stderr if found.code else sys.stdout)
    return found.code


def audited(program: Path, files: Sequence[Path]) -> Verdict:
    """Have all packages looked up, each file by itself, since pip-audit takes no package twice."""
    try:
        return verdict([package for file in files for package in _report(program, file)])
    except UnansweredError as error:
        said = f"NOTHING is known: is PyPI within reach? pip-audit said: {error}"
        return Verdict(NOT_LOOKED_UP, [said])


def _report(program: Path, file: Path) -> list[dict[str, Any]]:
    """Return what pip-audit finds out about one file, of which it remembers nothing from before."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        argv = [
            str(program), "--requirement", str(file), "--disable-pip", "--require-hashes",
            "--cache-dir", folder, "--progress-spinner", "off", "--format", "json", "--output", str(report),
        ]  # fmt: skip
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if not report.exists():
            raise UnansweredError((done.stderr.strip().splitlines() or ["nothing"])[-1][:300])
        packages: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["dependencies"]
        return packages


def verdict(packages: Sequence[dict[str, Any]]) -> Verdict:
    """Return what a report of pip-audit means."""
    skipped = sorted({package["name"] for package in packages if "skip_reason" in package})
    found = (_told(package, each) for package in packages for each in package.get("vulns", ()))
    lines = list(dict.fromkeys(found))
    code = VULNERABLE if lines else NOT_LOOKED_UP if skipped else 0
    if skipped:
        names = ", ".join(skipped[:SHOWN]) + (" …" if len(skipped) > SHOWN else "")
        lines.append(f"NOT looked up, since PyPI does not answer about them: {len(skipped)} ({names})")
    looked_up = len({package["name"] for package in packages} - {*skipped})
    return Verdict(code, [*lines, f"{looked_up} packages were looked up"])


def _told(package: Mapping[str, Any], vulnerability: Mapping[str, Any]) -> str:
    mended = " or ".join(vulnerability["fix_versions"])
    what = f"mended in {mended}" if mended else "not mended yet"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, {what}"


if __name__ == "__main__":
    sys.exit(main())
