"""Findings of lint as SARIF 2.1.0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from tests.unit.commands.conftest import Command
from worker.accounts.file.syntax_errors import Spot
from worker.accounts.lint.finding import LintFinding
from worker.accounts.lint.lint import RULES
from worker.commands.lint_sarif import sarif

TEXT: Final = {
    "type": "object",
    "required": ["text"],
    "properties": {"text": {"type": "string", "minLength": 1}},
}
ONE: Final = {"type": "integer", "minimum": 1}


def record(**parts: Any) -> dict[str, Any]:  # noqa: ANN401  # a JSON Schema
    return {"type": "object", "required": list(parts), "additionalProperties": False, "properties": parts}


def many(part: dict[str, Any], **more: int) -> dict[str, Any]:
    return {"type": "array", "items": part, **more}


SHAPE: Final = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": many(
            record(
                tool=record(
                    driver=record(
                        name={"const": "kit-worker"},
                        version={"type": "string"},
                        rules=many(
                            record(
                                id={"enum": list(RULES)},
                                shortDescription=TEXT,
                                help=TEXT,
                                defaultConfiguration=record(level={"const": "warning"}),
                            ),
                            minItems=30,
                        ),
                    )
                ),
                columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                invocations=many(
                    record(
                        executionSuccessful={"type": "boolean"},
                        toolConfigurationNotifications=many(record(level={"const": "error"}, message=TEXT)),
                    )
                ),
                results=many(
                    record(
                        ruleId={"enum": list(RULES)},
                        ruleIndex={"type": "integer", "minimum": 0},
                        level={"enum": ["none", "note", "warning", "error"]},
                        message=TEXT,
                        locations=many(
                            record(
                                physicalLocation=record(
                                    artifactLocation=record(uri={"type": "string"}),
                                    region=record(startLine=ONE, startColumn=ONE),
                                )
                            ),
                            minItems=1,
                        ),
                    )
                ),
            ),
            minItems=1,
        ),
    },
}
"""What code scanning needs of it, and that nothing else is there: the standard has no other names here."""


def finding(path: Path) -> LintFinding:
    return LintFinding("rules-fight", "moon", path, Spot(4, 7), "they do", "end it")


def test_it_has_the_shape_of_the_standard(kit_worker: Command, config_dir: Path) -> None:
    text = "kit: {api_key_env: KIT_API_KEY_MOON}\napp: moon\nevents: {user.updated: {add_tags: [New]}}\n"
    (config_dir / "accounts/moon.yaml").write_text(text, encoding="utf-8")

    ended = kit_worker("lint", "moon", "--format", "sarif")

    document = json.loads(ended.out)
    assert ended.code == 1
    Draft202012Validator(SHAPE).validate(document)
    (result,) = document["runs"][0]["results"]
    assert RULES[result["ruleId"]] == list(RULES.values())[result["ruleIndex"]]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "accounts/moon.yaml"},
        "region": {"startLine": 3, "startColumn": 36},
    }


def test_a_file_that_cannot_be_read_makes_the_run_one_that_failed() -> None:
    document = sarif([], ["a.yaml:1:1: is empty"])

    (invocation,) = document["runs"][0]["invocations"]
    Draft202012Validator(SHAPE).validate(document)
    assert invocation["executionSuccessful"] is False
    assert invocation["toolConfigurationNotifications"][0]["message"]["text"] == "a.yaml:1:1: is empty"


@pytest.mark.parametrize(
    ("path", "uri"),
    [("config/a b.yaml", "config/a%20b.yaml"), ("/elsewhere/a.yaml", "file:///elsewhere/a.yaml")],
)
def test_a_file_is_named_from_the_folder_of_the_command(path: str, uri: str) -> None:
    (result,) = sarif([finding(Path(path))], [])["runs"][0]["results"]

    assert result["message"]["text"] == "they do. End it."
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri
