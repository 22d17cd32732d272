"""Structured logs on standard error: one stable `event` name a line, no secrets, no whole addresses."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from worker.errors import Reason
from worker.subscribers.identity import mask_email

_EMAIL: Final = re.compile(r"[^\s@<>\"'(),:;=/*\[\]{}]+@[\w-]+(?:\.[\w-]+)*")
_URL_LOGIN: Final = re.compile(r"://[^\s\"]*@")
_OWN_WORDS: Final = "|".join(reason.removeprefix("kit_") for reason in Reason if reason.startswith("kit_"))
_KEY: Final = re.compile(rf"\bkit_(?!(?:{_OWN_WORDS})\b)[A-Za-z0-9]{{8,}}\b")
"""What Kit's v4 API keys look like, and the reasons of dead letters do, too."""

_PRIVATE: Final = frozenset({"_record", "_from_structlog"})
"""structlog's own, taken off before anything is rendered."""

_NOISY: Final = ("aio_pika", "aiormq", "aiormq.connection", "aiormq.channel", "asyncio", "aiohttp.access")
"""Libraries that log, with free text and whole URLs, what the worker reports under names of its own."""


def redact(text: str, *, addresses: bool = True) -> str:
    """Return text without logins in URLs and API keys, and, unless told otherwise, without addresses."""
    if "kit_" in text:
        text = _KEY.sub("kit_***", text)
    if "@" not in text:
        return text  # nearly every text of every line
    text = _URL_LOGIN.sub("://***@", text)
    return _EMAIL.sub(lambda match: mask_email(match[0]), text) if addresses else text


def _redacting(*, addresses: bool) -> structlog.typing.Processor:
    """Return the last line of defence: whoever logs is to mask; this catches what slips through."""

    def clean(value: object) -> object:
        if isinstance(value, str):
            return redact(value, addresses=addresses)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {clean(key): clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [clean(item) for item in value]
        return redact(str(value), addresses=addresses)

    def process(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in fields.items():
            if not isinstance(value, bool | int | float | None) and key not in _PRIVATE:
                fields[key] = clean(value)
        return fields

    return process


def configure(level: str, log_format: str) -> None:
    """Set up logging for this process.

    Args:
        level: DEBUG, INFO, WARNING or ERROR. At DEBUG, addresses are shown whole.
        log_format: `console`, `json`, or empty to choose by whether standard error is a terminal.
    """
    console = (log_format or ("console" if sys.stderr.isatty() else "json")) == "console"
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redacting(addresses=level != "DEBUG"),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, renderer)


def _route_libraries(shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor) -> None:
    """Give warnings of libraries the same form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL)
