"""A log that cannot be written fails nobody."""

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

from worker import logs


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
