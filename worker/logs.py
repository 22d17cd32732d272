"""Structured logs on standard error: one stable `event` name a line, no secrets, no whole addresses."""

from __future__ import annotations

import io
import json
import logging
import os
import select
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, TextIO, cast

import structlog
from prometheus_client import Counter

from worker.outside.texts import MAX_TRACEBACK, SECRETS, line, redacted

_PRIVATE: Final = frozenset({"_record", "_from_structlog"})
"""structlog's own, taken off before anything is rendered."""
_TRACEBACKS: Final = frozenset({"exception", "stack"})
"""What stands on several lines."""

_JSON: Final = json.JSONEncoder(ensure_ascii=False)
"""Made once: that takes longer than to write a line. What is written was cleaned, and is JSON."""
SHORT: Final = 64
"""Characters of a value that may be in many lines."""

_NOISY: Final = ("aio_pika", "aiormq", "aiormq.connection", "aiormq.channel", "asyncio", "aiohttp.access")
"""Libraries that log, with free text and whole URLs, what the worker reports under names of its own."""

LINES_LOST: Final = Counter(
    "kit_worker_log_lines_lost",
    "Log lines that could not be written: the disk is full, or nobody reads them any more",
    registry=None,
)
READER_WAIT: Final = 0.2
"""Seconds for which whoever reads the log through a pipe is waited for, once, before lines are dropped."""


class LogStream(io.TextIOBase):
    """Writes lines, and never fails or waits for long: the work goes on without its log.

    A line that cannot be written is counted in `LINES_LOST`.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._patience = READER_WAIT
        self._is_torn = False
        try:
            self._descriptor: int | None = file.fileno()
        except (OSError, ValueError):
            self._descriptor = None  # a test's
        self._poll = select.poll()
        if self._descriptor is not None:
            self._poll.register(self._descriptor, select.POLLOUT)

    def write(self, text: str) -> int:
        """Write whole lines."""
        try:
            self._write(text)
        except (OSError, ValueError):  # ValueError: it is closed
            LINES_LOST.inc()
            self._is_torn = True
        return len(text)

    def _write(self, text: str) -> None:
        if self._descriptor is None:
            self._file.write(text)
            self._file.flush()
            return
        data = (b"\n" if self._is_torn else b"") + text.encode("utf-8", "backslashreplace")
        while data:
            self._wait_for_reader()
            # So much goes into a pipe that is ready without waiting (POSIX, `write`).
            data = data[os.write(self._descriptor, data[: select.PIPE_BUF]) :]
        self._is_torn = False

    def _wait_for_reader(self) -> None:
        if not self._poll.poll(self._patience * 1000):
            self._patience = 0.0
            raise BlockingIOError("nobody reads the log")
        self._patience = READER_WAIT


def tell(text: str) -> None:
    """Write a line of plain text on standard error, for whoever typed a command."""
    LogStream(sys.stderr).write(f"{text}\n")


def _redacting(*, addresses: bool) -> structlog.typing.Processor:
    """Return the last line of defence: whoever logs is to mask; this catches what slips through."""

    def clean(value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {clean(key): clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [clean(item) for item in value]
        text = str(value)
        return shown(text, SECRETS.version) if len(text) < SHORT else line(text, addresses=addresses)

    @lru_cache(maxsize=256)  # names of events, accounts and types are in nearly every line
    def shown(text: str, _secrets: int) -> str:
        return line(text, addresses=addresses)

    def process(_logger: object, _name: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        for key, value in fields.items():
            if key in _TRACEBACKS:
                fields[key] = redacted(str(value), MAX_TRACEBACK, addresses=addresses)
            elif key not in _PRIVATE:
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
        else structlog.processors.JSONRenderer(lambda fields, **_: _JSON.encode(fields))
    )
    stream = cast("TextIO", LogStream(sys.stderr))  # as much of one as is used
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _route_libraries(shared, renderer, stream)
    sys.excepthook = _crashed


def _route_libraries(
    shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor, stream: TextIO
) -> None:
    """Give warnings of libraries the same form."""
    handler = logging.StreamHandler(stream)
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


def _crashed(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Tell of a bug that ends the process as of any other: Python's own words might hold a secret."""
    structlog.get_logger().critical("crashed", exc_info=(kind, error, traceback))
