"""The alert rules, tried by Prometheus's own tool: each fires where it should, and nowhere else."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.prometheus import promtool
from scripts.service import ServiceError
from tests.container.alert_stories import STORIES, Firing, Story

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "config/prometheus/alerts.yml"
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")

pytestmark = pytest.mark.timeout(600)  # promtool may have to be installed


@pytest.fixture(scope="module")
def tool() -> str:
    """The tool; where it cannot be had, a test is skipped with the reason, but never in CI."""
    try:
        return promtool()
    except ServiceError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def expected(rule: dict[str, Any], firing: Firing) -> dict[str, Any]:
    """An alert as promtool expects it: with all labels, and its texts filled in."""
    texts = dict(rule["annotations"])
    texts["summary"] = re.sub(
        r"{{ \$labels\.(\w+) }}", lambda match: firing.labels[match[1]], texts["summary"]
    ).replace("{{ $value }}", firing.value)
    return {"exp_labels": {**rule["labels"], **firing.labels}, "exp_annotations": texts}


def as_promtool_reads_it(story: Story) -> dict[str, Any]:
    by_name = {rule["alert"]: rule for rule in rules()}
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in story.series.items()],
        "alert_rule_test": [
            {
                "eval_time": f"{look.minute}m",
                "alertname": look.alert,
                "exp_alerts": [expected(by_name[look.alert], firing) for firing in look.fires],
            }
            for look in story.looks
        ],
    }


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.title)
def test_alerts_fire_where_they_should_and_only_there(tool: str, story: Story, tmp_path: Path) -> None:
    file = tmp_path / "story.yml"
    tests = [as_promtool_reads_it(story)]
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": tests}), encoding="utf-8")

    done = subprocess.run([tool, "test", "rules", str(file)], capture_output=True, text=True, check=False)  # noqa: S603

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [rule["alert"] for rule in rules()])
def test_each_alert_is_tried_both_ways(name: str) -> None:
    tried = {bool(look.fires) for story in STORIES for look in story.looks if look.alert == name}

    assert tried == {True, False}, f"alert_stories.py: {name} has to fire once, and once not"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_each_alert_says_how_urgent_it_is_and_where_one_reads_on(rule: dict[str, Any]) -> None:
    file, _, anchor = rule["annotations"]["runbook_url"].partition("#")

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert anchor in anchors((ROOT / file).read_text(encoding="utf-8"))
    assert f"| `{rule['alert']}` |" in OPERATIONS


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings}
