"""Logs: one line each, in the form and of the level that is set; libraries are heard from warnings on."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from tests.unit.logs.lines import URL, lines
from worker import logs


def test_a_line_of_json_has_the_stable_event_name_the_level_and_the_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("INFO", "json")

    structlog.get_logger().bind(account="default").info("event_applied", event_id="e-1", tags=["ü"], n=1)

    (line,) = lines(capsys)
    facts = json.loads(line)
    assert facts.pop("timestamp").endswith("Z")
    assert facts == {
        "event": "event_applied", "level": "info", "account": "default", "event_id": "e-1", "tags": ["ü"],
        "n": 1,
    }  # fmt: skip


def test_a_terminal_or_the_setting_gives_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "console")

    structlog.get_logger().info("event_applied", account="default")

    (line,) = lines(capsys)
    assert "event_applied" in line
    assert "account=default" in line


def test_what_is_no_terminal_gets_json(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "")

    structlog.get_logger().info("event_applied")

    assert json.loads(lines(capsys)[0])["event"] == "event_applied"


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 4), ("INFO", 3), ("WARNING", 2), ("ERROR", 1)])
def test_less_than_the_level_is_not_logged(
    level: str, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level, "json")
    log = structlog.get_logger()

    for method in (log.debug, log.info, log.warning, log.error):
        method("something")

    assert len(lines(capsys)) == shown


@pytest.mark.parametrize("name", logs._NOISY)
def test_libraries_that_log_whole_urls_are_silent(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")

    logging.getLogger(name).error("Connection to %s lost", URL)

    assert lines(capsys) == []


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")

    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")

    assert [json.loads(line)["event"] for line in lines(capsys)] == ["trouble"]


def test_configuring_twice_logs_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "console")
    logs.configure("INFO", "json")

    structlog.get_logger().info("ours")
    logging.getLogger("some.library").warning("theirs")

    assert [json.loads(line)["event"] for line in lines(capsys)] == ["ours", "theirs"]
