"""Settings: their defaults are a contract, and every wrong one is told at once without its value."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from worker.errors import ConfigurationError
from worker.outside.texts import redacted
from worker.settings import (
    SECRET_SETTINGS,
    Settings,
    check_base_url,
    environment,
    load_settings,
    secret_files,
)


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this shell's settings nor a `.env` of the checkout count."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()

    assert settings.amqp_url.get_secret_value() == "amqp://guest:guest@localhost:5672/"
    assert (settings.prefetch, settings.kit_concurrency, settings.kit_timeout) == (500, 32, 15)
    assert (settings.kit_rate_limit, settings.shutdown_grace) == (0, 25)
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.worker_id == socket.gethostname()


def test_every_wrong_setting_is_told_at_once_and_no_value_is(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        "AMQP_URL": "secret-1",
        "KIT_BASE_URL": "http://secret-2.example",
        "PREFETCH": "secret-3",
        "LEDGER_URL": "secret-4",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert {problem.where for problem in caught.value.problems} == set(wrong)
    assert "secret" not in str(caught.value)


def test_an_empty_setting_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER_ID", "")
    monkeypatch.setenv("KIT_RATE_LIMIT", "")

    assert load_settings().kit_rate_limit == 0


def test_the_process_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KIT_ONE=file\nKIT_TWO=file\nPREFETCH=7\n")
    monkeypatch.setenv("KIT_TWO", "process")

    assert {name: environment()[name] for name in ("KIT_ONE", "KIT_TWO")} == {
        "KIT_ONE": "file",
        "KIT_TWO": "process",
    }
    assert load_settings().prefetch == 7


@pytest.mark.parametrize(
    ("url", "allow_http"),
    [
        ("https://api.kit.com", False),
        ("https://api.kit.com:8443/base", False),
        ("http://127.0.0.1:8025", False),
        ("http://localhost", False),
        ("http://[::1]:8025", False),
        ("http://sandbox:8025", True),
    ],
)
def test_the_key_goes_over_https_or_not_over_a_network_at_all(url: str, *, allow_http: bool) -> None:
    check_base_url(url, allow_http=allow_http)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://api.kit.com", "KIT_ALLOW_HTTP=1"),
        ("http://127.0.0.1.example.com", "KIT_ALLOW_HTTP=1"),
        ("http://localhost@evil.example", "must be an address such as"),
        ("https://key@api.kit.com", "must be an address such as"),
        ("https://api.kit.com?key=x", "must be an address such as"),
        ("http://evil.example\\@localhost", "percent-encoding"),
        ("ftp://api.kit.com", "must be an address such as"),
        ("api.kit.com", "must be an address such as"),
        ("https://", "must be an address such as"),
        ("", "must be an address such as"),
    ],
)
def test_any_other_address_is_refused_with_the_remedy(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_base_url(url, allow_http=False)


def test_an_address_that_is_none_stays_refused_where_http_is_allowed() -> None:
    with pytest.raises(ValueError, match="must be an address"):
        check_base_url("sandbox:8025", allow_http=True)


# -- .env ----------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_hides_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a file that Windows' Notepad saved, then its first line counts like the others."""
    monkeypatch.delenv("PREFETCH", raising=False)
    Path(".env").write_text("\ufeffPREFETCH=7\n", encoding="utf-8")

    assert environment()["PREFETCH"] == "7"
    assert load_settings().prefetch == 7


def is_not_utf8() -> None:
    Path(".env").write_bytes(b"KIT_ONE=1\nKIT_TWO=caf\xe9\n")


def is_a_folder() -> None:
    Path(".env").mkdir()


def is_huge() -> None:
    Path(".env").write_text("#" * (1024 * 1024 + 1), encoding="utf-8")


@pytest.mark.parametrize(
    ("become", "said"),
    [
        (is_not_utf8, ".env:2:12: this is not UTF-8 text; save the file with the encoding UTF-8"),
        (is_a_folder, ".env:1:1: cannot be read (it is not a file); put a file in its place"),
        (is_huge, ".env:1:1: is larger than 1 MiB; a list of settings is far smaller"),
    ],
)
@pytest.mark.parametrize("read", [environment, load_settings])
def test_a_file_that_cannot_be_read_is_a_problem_with_its_place(
    become: Callable[[], None], said: str, read: Callable[[], object]
) -> None:
    become()

    with pytest.raises(ConfigurationError) as caught:
        read()

    assert str(caught.value) == said


# -- secrets in files ----------------------------------------------------------------------------------------

SECRETS_OF_EACH = {
    "amqp_url": "amqp://kit:in-a-file@rabbitmq/",
    "amqp_management_url": "http://kit:in-a-file@rabbitmq:15672/",
    "ledger_url": "postgresql+asyncpg://kit:in-a-file@localhost/kit",
    "ledger_key": "8dXbVw3Q0hLh7m4u0VJ3cT1yq2kS5oP6nR9xZaBcDeE=",
    "page_secret": "a-secret-of-the-page-that-is-in-a-file",
    "page_token": "a-token-of-the-page-that-is-in-a-file",
    "page_read_token": "a-token-to-look-that-is-in-a-file",
}


@pytest.mark.parametrize("name", SECRETS_OF_EACH)
def test_a_blank_in_place_of_a_file_counts_as_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = getattr(load_settings(), name)
    monkeypatch.setenv(f"{name.upper()}_FILE", " ")

    assert getattr(load_settings(), name) == before
    assert secret_files() == [Path(".env")]


def test_there_is_a_sample_for_each_secret() -> None:
    assert set(SECRET_SETTINGS) == set(SECRETS_OF_EACH)


@pytest.mark.parametrize("name", SECRETS_OF_EACH)
def test_each_secret_may_be_in_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text(f"{SECRETS_OF_EACH[name]}\n", encoding="utf-8")
    monkeypatch.setenv(f"{name.upper()}_FILE", "secret")

    value = getattr(load_settings(), name)

    assert value.get_secret_value() == SECRETS_OF_EACH[name]
    assert "in-a-file" not in repr(value)
    assert secret_files() == [Path(".env"), Path("secret")]


def test_the_file_may_be_named_in_env_and_what_it_holds_is_kept_out_of_texts() -> None:
    Path("secret").write_text("amqp://kit:in-a-file@rabbitmq/", encoding="utf-8")
    Path(".env").write_text("AMQP_URL_FILE=secret\nAMQP_URL=\n", encoding="utf-8")

    load_settings()

    assert "in-a-file" not in redacted("RabbitMQ says: in-a-file is wrong")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "AMQP_URL_FILE: the file secret does not exist; write the value of AMQP_URL into it"),
        ("", "AMQP_URL_FILE: the file secret is empty; write the value of AMQP_URL into it"),
        ("hunter2", "AMQP_URL_FILE: must look like"),
    ],
)
def test_a_wrong_file_is_told_with_every_other_problem_and_nothing_of_what_it_holds(
    content: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AMQP_URL_FILE", "secret")
    monkeypatch.setenv("PREFETCH", "0")
    if content is not None:
        Path("secret").write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert {problem.where for problem in caught.value.problems} == {"AMQP_URL_FILE", "PREFETCH"}
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_both_are_refused_also_where_one_stands_in_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two answers, none is taken in silence."""
    Path("secret").write_text(SECRETS_OF_EACH["ledger_key"], encoding="utf-8")
    Path(".env").write_text(f"LEDGER_KEY={SECRETS_OF_EACH['ledger_key']}\n", encoding="utf-8")
    monkeypatch.setenv("LEDGER_KEY_FILE", "secret")

    with pytest.raises(ConfigurationError, match="LEDGER_KEY and LEDGER_KEY_FILE are both set"):
        load_settings()
