"""Findings of lint as SARIF 2.1.0, which code scanning takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.lint import RULES
from worker.metrics import VERSION

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(findings: Iterable[LintFinding], problems: Iterable[str]) -> dict[str, Any]:
    """Return the findings of all accounts as one run of a tool.

    Args:
        findings: What was found.
        problems: What keeps files from being read, or Kit from being asked; they stand beside the results.
    """
    notes = [{"level": "error", "message": {"text": problem}} for problem in problems]
    run = {
        "tool": {"driver": {"name": "kit-worker", "version": VERSION, "rules": list(map(_rule, RULES))}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not notes, "toolConfigurationNotifications": notes}],
        "results": [_result(each) for each in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> dict[str, Any]:
    what = RULES[name].what
    return {
        "id": name,
        "shortDescription": {"text": f"{what[:1].upper()}{what[1:]}"},
        "help": {"text": f"docs/lint.md says why, shows an example and a remedy, under {name}."},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(finding: LintFinding) -> dict[str, Any]:
    region = {"startLine": finding.spot.line, "startColumn": finding.spot.column}
    place = {"artifactLocation": {"uri": _uri(finding.path)}, "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": list(RULES).index(finding.rule),
        "level": "warning",
        "message": {"text": finding.sentence},
        "locations": [{"physicalLocation": place}],
    }


def _uri(path: Path) -> str:
    """Return the address of a file, relative to the folder where the command runs if it is below that."""
    whole, here = path.absolute(), Path.cwd()
    return quote(whole.relative_to(here).as_posix()) if whole.is_relative_to(here) else whole.as_uri()
