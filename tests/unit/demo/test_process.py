"""Waiting for the demo's worker: what is found, and what people read where nothing comes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from worker.demo.process import DemoFailedError, WorkerProcess


def worker(
    folder: Path, returncode: int | None = None, log: str = "", patience: float = 30.0
) -> WorkerProcess:
    """A worker that runs, or has ended with a code, with what it has logged."""
    (folder / "worker.log").write_text(log, encoding="utf-8")
    return WorkerProcess(cast("Any", SimpleNamespace(returncode=returncode)), folder / "worker.log", patience)


async def test_it_looks_until_there_is_something(tmp_path: Path) -> None:
    found = iter([None, None, "ready"])

    async def look() -> str | None:
        return next(found)

    assert await worker(tmp_path).until(look, "nothing") == "ready"


async def nothing() -> None:
    return None


async def test_a_worker_that_has_ended_is_not_waited_for_and_its_last_lines_are_shown(tmp_path: Path) -> None:
    """Given a worker that could not start, then the person sees why, and not only that it took long."""
    ended = worker(tmp_path, 2, "".join(f"line {number}\n" for number in range(1, 8)))

    with pytest.raises(DemoFailedError) as caught:
        await ended.until(nothing, "the worker did not subscribe")

    assert str(caught.value) == (
        "the worker ended by itself (exit code 2); its log ends with:\nline 3\nline 4\nline 5\nline 6\nline 7"
    )


async def test_what_does_not_come_in_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(DemoFailedError, match=r"^nothing became of e-1 within 0 s$"):
        await worker(tmp_path, patience=0.01).until(nothing, "nothing became of e-1")
