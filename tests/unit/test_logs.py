"""Logs: one line each, and nothing secret in any of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from worker import logs

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
    ("text", "shown"),
    [
        ("ada@example.com", "a…@example.com"),
        ("to <ada@example.com>, bob@mail.example.org!", "to <a…@example.com>, b…@mail.example.org!"),
        ("email=ada+x@example.com;", "email=a…@example.com;"),
        ("'ada@example.com'", "'a…@example.com'"),
        ("amqp://guest:guest@localhost:5672/", "amqp://***@localhost:5672/"),
        ("https://token@host.example/path", "https://***@host.example/path"),
        (f"key {KEY}.", "key kit_***."),
        ("kit_worker and kit.default are names", "kit_worker and kit.default are names"),
        ("kit_rejected or kit_unavailable", "kit_rejected or kit_unavailable"),
        ("https://api.kit.com/v4/tags", "https://api.kit.com/v4/tags"),
        ("ada@bücher.example", "a…@bücher.example"),
        ("ada@test", "a…@test"),
        ("amqp://u:p@ss@broker/", "amqp://***@broker/"),
        ("amqp://u:p/ss@broker/", "amqp://***@broker/"),
        ("nothing here", "nothing here"),
    ],
)
def test_redacting_keeps_what_helps(text: str, shown: str) -> None:
    assert logs.redact(text) == shown


words = st.text("abc01.,<>\"'()=: @/", max_size=10)


@given(words, words)
@settings(max_examples=60)
def test_an_address_between_any_words_is_masked(before: str, after: str) -> None:
    shown = logs.redact(f"{before} {ADDRESS} {after}")

    assert ADDRESS not in shown
    assert "…@example.com" in shown


@given(st.text(max_size=60))
@settings(max_examples=60)
def test_redacting_any_text_twice_changes_nothing_more(text: str) -> None:
    once = logs.redact(text)

    assert logs.redact(once) == once


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
