"""Nothing secret is in any line, and no text of others acts in one."""

from __future__ import annotations

import json
import logging
import sys
import time

import pytest
import structlog
from pydantic import SecretStr

from tests.unit.logs.lines import PASSWORD, URL, lines
from worker import logs
from worker.outside import texts

ADDRESS = "ada.lovelace+news@example.com"
KEY = "kit_0123456789abcdef0123456789abcdef"

SECRETS = {"address": ADDRESS, "key": KEY, "password": URL}


def secretless(text: str) -> bool:
    return not any(secret in text for secret in (ADDRESS, KEY, PASSWORD, "ada.lovelace"))


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
