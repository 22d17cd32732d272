"""Logs: one line each, and nothing secret in any of them."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import pytest
import structlog
from pydantic import SecretStr

from worker import logs
from worker.outside import texts

ADDRESS = "ada.lovelace+news@example.com"
KEY = "kit_0123456789abcdef0123456789abcdef"
PASSWORD = "hunter2secret"
URL = f"amqp://worker:{PASSWORD}@broker:5672/%2F"
SECRETS = {"address": ADDRESS, "key": KEY, "password": URL}

Lines = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    levels = {name: logging.getLogger(name).level for name in logs._NOISY}
    yield
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""  # results go there, logs do not
    return captured.err.splitlines()


def secretless(text: str) -> bool:
    return not any(secret in text for secret in (ADDRESS, KEY, PASSWORD, "ada.lovelace"))


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


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
class TestNothingSecret:
    """Given something secret in any part of what is logged, then it is in no line."""

    def test_in_a_value(self, log_format: str, secret: str, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("INFO", log_format)

        structlog.get_logger().bind(bound=secret).warning("something", detail=f"about {secret}, and so on")

        assert all(map(secretless, lines(capsys)))

    def test_in_the_event_itself(
        self, log_format: str, secret: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure("INFO", log_format)

        structlog.get_logger().warning(f"something about {secret}")

        assert all(map(secretless, lines(capsys)))

    def test_in_a_traceback(self, log_format: str, secret: str, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("INFO", log_format)

        try:
            self.crash(secret)
        except RuntimeError:
            structlog.get_logger().exception("change_crashed")

        logged = lines(capsys)
        assert "RuntimeError" in "".join(logged)
        assert "ValueError" in "".join(logged)
        assert all(map(secretless, logged))

    def test_in_what_a_library_says(
        self, log_format: str, secret: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure("INFO", log_format)

        logging.getLogger("some.library").warning("lost %s", secret)
        try:
            self.crash(secret)
        except RuntimeError:
            logging.getLogger("some.library").exception("crashed on %(who)s", {"who": secret})

        logged = lines(capsys)
        assert "lost" in logged[0]
        assert "RuntimeError" in "".join(logged)
        assert all(map(secretless, logged))

    @staticmethod
    def crash(secret: str) -> None:
        """Raise an error with a secret in it and in its cause."""
        try:
            raise ValueError(secret)  # noqa: TRY301  # its cause is the point
        except ValueError as error:
            raise RuntimeError(f"while working on <{secret}>") from error


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
@pytest.mark.parametrize("value", [KEY, {"k": [KEY]}, (KEY,), ValueError(KEY), KEY.encode(), URL], ids=repr)
def test_keys_and_passwords_are_masked_in_values_of_any_kind_at_any_level(
    level: str, value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level, "json")

    structlog.get_logger().info("something", value=value)

    assert all(map(secretless, lines(capsys)))


def test_a_text_that_becomes_a_secret_is_masked_from_then_on(capsys: pytest.CaptureFixture[str]) -> None:
    """Given lines with one text, and a secret that is read in between, which the text holds."""
    logs.configure("INFO", "json")
    structlog.get_logger().info("before", said="a-token-4711")
    texts.SECRETS.add("token-4711")
    structlog.get_logger().info("after", said="a-token-4711")

    before, after = [json.loads(line)["said"] for line in capsys.readouterr().err.splitlines()]
    assert (before, after) == ("a-token-4711", "a-***")


def test_addresses_are_shown_whole_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "json")

    structlog.get_logger().info("something", email=ADDRESS)

    assert ADDRESS in lines(capsys)[0]


def test_a_secret_string_shows_itself_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("DEBUG", "json")

    structlog.get_logger().info("something", key=SecretStr(KEY))

    assert all(map(secretless, lines(capsys)))


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


@pytest.mark.parametrize(
    "text", ["first line\nada@example.com", "\tada@example.com", "a\\ada@example.com", '"x"ada@example.com']
)
def test_a_line_of_json_stays_json_whatever_is_redacted(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", "json")
    structlog.get_logger().info("x", detail=text)

    shown = capsys.readouterr().err

    assert "ada@" not in json.loads(shown)["detail"]


# -- texts of others --------------------------------------------------------------------------------------

ACTING = "\x1b]0;owned\x07\x9b31m\u202e\n2026-01-01 event_applied"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_an_id_acts_on_no_terminal_and_forges_no_line(
    log_format: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO", log_format)

    structlog.get_logger().info("event_applied", event_id=ACTING, tags=[ACTING], by={ACTING: ACTING})
    logging.getLogger("some.library").warning("lost %s", ACTING)

    shown = lines(capsys)
    assert len(shown) == 2
    assert all(not set(line) & set("\x07\x9b\u202e") and "\x1b]" not in line for line in shown)


def test_a_traceback_keeps_its_lines_and_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Given an error that repeats a whole request of 250 kB, as aiohttp's about a broken chunk do."""
    logs.configure("INFO", "json")
    begun = time.monotonic()

    try:
        raise ValueError("@ " + "a" * 250_000)  # noqa: TRY301  # its traceback is the point
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling request")

    (line,) = lines(capsys)
    assert "\n" in json.loads(line)["exception"]
    assert len(line) < 20_000
    assert time.monotonic() - begun < 1


def test_a_bug_that_ends_the_process_is_told_without_its_secret(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    error = RuntimeError(f"about {KEY}")

    sys.excepthook(RuntimeError, error, None)

    (line,) = lines(capsys)
    assert json.loads(line)["event"] == "crashed"
    assert secretless(line)


# -- a log that cannot be written -------------------------------------------------------------------------


@contextmanager
def logged_into(file: TextIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], float]]:
    """Have standard error be this file; yields what tells how many lines were lost since."""
    before = logs.LINES_LOST._value.get()  # the library has no other way
    monkeypatch.setattr(sys, "stderr", file)
    logs.configure("INFO", "json")
    yield lambda: logs.LINES_LOST._value.get() - before


def pipe() -> tuple[int, TextIO]:
    """Return the reading end of a pipe, and its writing end as a file."""
    read, write = os.pipe()
    return read, os.fdopen(write, "w")


def test_a_log_that_nobody_reads_any_more_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    read, file = pipe()
    os.close(read)

    with logged_into(file, monkeypatch) as lost:
        structlog.get_logger().info("one")
        logging.getLogger("some.library").warning("two")
        logs.tell("three")
        assert lost() == 3
    file.close()


def test_a_full_disk_fails_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as file, logged_into(file, monkeypatch) as lost:
        structlog.get_logger().info("one")
        assert lost() == 1


def test_a_reader_that_sleeps_is_waited_for_once_and_the_log_goes_on_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a pipe that is full, lines are dropped without a wait; once it is read, whole lines follow."""
    read, file = pipe()
    with logged_into(file, monkeypatch) as lost:
        log = structlog.get_logger()
        begun = time.monotonic()
        for number in range(2_000):
            log.info("before", number=number, text="x" * 6_000)
        assert lost() > 1_000
        assert time.monotonic() - begun < 10

        read_all(read)
        log.info("after")
        file.close()
        *_, last = read_all(read).splitlines()
    assert json.loads(last)["event"] == "after"


def read_all(descriptor: int) -> bytes:
    """Return what lies in a pipe."""
    os.set_blocking(descriptor, False)
    found = b""
    with suppress(BlockingIOError):
        while part := os.read(descriptor, 1 << 20):
            found += part
    return found


def test_long_lines_are_written_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    read, file = pipe()
    with logged_into(file, monkeypatch) as lost:
        structlog.get_logger().info("long", texts=["x" * 1_900] * 20)
        file.close()

        (line,) = read_all(read).splitlines()
        assert json.loads(line)["texts"] == ["x" * 1_900] * 20
        assert not lost()


@pytest.fixture(autouse=True)
def _hook_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
