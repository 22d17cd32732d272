"""The environment, and `.env`, as checked settings. Every name and default is part of the contract."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.broker.address import check_amqp_url, check_management_url
from worker.errors import ConfigurationError, Problem
from worker.files import NoSecretError, file_named, read_text, secret_named
from worker.ledger.address import check_ledger_url, check_way_to_ledger
from worker.ledger.sealing import check_key
from worker.outside.texts import SECRETS
from worker.outside.urls import LOOPBACK, check_url, passwords

ENV_FILE: Final = Path(".env")
SHORTEST_TOKEN: Final = 24
"""Characters of what lets people into the page."""


class Settings(BaseSettings):
    """All settings; durations are in seconds."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True
    )

    amqp_url: SecretStr = SecretStr("amqp://guest:guest@localhost:5672/")
    amqp_management_url: SecretStr | None = None
    events_exchange: Annotated[str, Field(min_length=1, max_length=127)] = "platform.events"
    kit_allow_http: bool = False
    kit_base_url: str = "https://api.kit.com"
    config_dir: Path = Path("config")
    ledger_allow_plain: str = "0"
    ledger_url: SecretStr = SecretStr("sqlite+aiosqlite:///data/ledger.db")
    ledger_key: SecretStr | None = None
    known_state_ttl: Annotated[float, Field(ge=0)] = 3600.0
    history_days: Annotated[int, Field(ge=0)] = 30
    prefetch: Annotated[int, Field(ge=1, le=5000)] = 500
    kit_rate_limit: Annotated[int, Field(ge=0)] = 0
    kit_concurrency: Annotated[int, Field(ge=1, le=500)] = 32
    kit_timeout: Annotated[float, Field(gt=0, le=120)] = 15.0
    http_host: str = "127.0.0.1"
    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    page_host: str = "127.0.0.1"
    page_port: Annotated[int, Field(ge=0, le=65535)] = 8090
    page_secret: SecretStr | None = None
    page_token: SecretStr | None = None
    page_read_token: SecretStr | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["console", "json", ""] = ""
    shutdown_grace: Annotated[float, Field(ge=0)] = 25.0
    worker_id: Annotated[str, Field(min_length=1, max_length=200)] = Field(default_factory=socket.gethostname)

    @field_validator("amqp_url")
    @classmethod
    def _is_amqp_url(cls, value: SecretStr) -> SecretStr:
        check_amqp_url(value.get_secret_value())
        return value

    @field_validator("amqp_management_url")
    @classmethod
    def _is_management_url(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None:
            amqp_url: SecretStr | None = info.data.get("amqp_url")
            check_management_url(value.get_secret_value(), amqp_url.get_secret_value() if amqp_url else "")
        return value

    @field_validator("ledger_url")
    @classmethod
    def _is_ledger_url(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        check_ledger_url(value.get_secret_value())
        check_way_to_ledger(value.get_secret_value(), str(info.data.get("ledger_allow_plain", "0")))
        return value

    @field_validator("ledger_key")
    @classmethod
    def _is_ledger_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_key(value.get_secret_value())
        return value

    @field_validator("page_secret", "page_token", "page_read_token")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(
                f"must have at least {SHORTEST_TOKEN} characters, so that nobody guesses it; "
                "openssl rand -hex 24 makes one"
            )
        return value

    @field_validator("kit_base_url")
    @classmethod
    def _is_safe_url(cls, value: str, info: ValidationInfo) -> str:
        check_base_url(value, allow_http=bool(info.data.get("kit_allow_http")))
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


def check_base_url(url: str, *, allow_http: bool) -> None:
    """Refuse an address that would send the credential in clear text over a network.

    Raises:
        ValueError: Neither https, nor a loopback address, nor allowed by `KIT_ALLOW_HTTP=1`.
    """
    check_url(url)
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.query
    ):
        raise ValueError("must be an address such as https://api.kit.com")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allow_http:
        raise ValueError(
            "must begin with https://: the key would travel in clear (KIT_ALLOW_HTTP=1 allows it)"
        )


SECRET_SETTINGS: Final = tuple(
    name
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)
"""Each may also be in a file, which NAME_FILE names."""


def load_settings() -> Settings:
    """Return the settings of this process.

    Raises:
        ConfigurationError: With every wrong setting, by its name; no values are repeated, since they may be
            secrets. Or `.env` cannot be read.
    """
    # Read here: pydantic takes what is no file for an empty one, and lets other errors through.
    environ = {name.upper(): value for name, value in environment().items()}
    problems: list[Problem] = []
    in_files: dict[str, Any] = dict(_in_files(environ, problems))
    try:
        settings = Settings(**in_files)
    except ValidationError as error:
        problems += [_wrong(str(item["loc"][0]), item["msg"], in_files) for item in error.errors()]
    if problems:
        raise ConfigurationError(problems) from None
    SECRETS.add(*_secrets(settings))
    return settings


def secret_files() -> list[Path]:
    """Return the files in which the settings' secrets are, `.env` among them."""
    environ = environment()
    named = (file_named(name.upper(), environ) for name in SECRET_SETTINGS)
    return [ENV_FILE, *(file for file in named if file is not None)]


def _in_files(environ: Mapping[str, str], problems: list[Problem]) -> Iterator[tuple[str, SecretStr]]:
    """Yield the secrets that are in files, and add what is wrong with such a file to the problems."""
    for name in SECRET_SETTINGS:
        try:
            secret = secret_named(name.upper(), environ, f"value of {name.upper()}")
        except NoSecretError as error:
            problems.append(Problem(_file_of(name), str(error)))
        else:
            if file_named(name.upper(), environ) is not None:
                yield name, SecretStr(secret)


def _file_of(name: str) -> str:
    return f"{name}_FILE".upper()


def _wrong(name: str, text: str, in_files: Mapping[str, object]) -> Problem:
    return Problem(_file_of(name) if name in in_files else name.upper(), text.removeprefix("Value error, "))


def _secrets(settings: Settings) -> Iterator[str]:
    """Yield what no text may repeat."""
    yield from passwords(settings.amqp_url.get_secret_value())
    yield from passwords(settings.ledger_url.get_secret_value())
    for secret in (settings.page_secret, settings.page_token, settings.page_read_token):
        if secret is not None:
            yield secret.get_secret_value()
    if settings.ledger_key is not None:
        yield from settings.ledger_key.get_secret_value().split(",")


def environment() -> dict[str, str]:
    """Return the environment in which account files find their secrets: `.env`, and over it the process's.

    Raises:
        ConfigurationError: `.env` is there, and cannot be read.
    """
    listed = dotenv_values(stream=StringIO(_env_text()))
    return {**{name: value for name, value in listed.items() if value}, **os.environ}


def _env_text() -> str:
    return read_text(ENV_FILE, "a list of settings", if_absent="")
