"""The programs that are measured, as processes of their own, and what the system says of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.machine import bound_to_us

ROOT: Final = Path(__file__).resolve().parents[2]
STOP_SECONDS: Final = 40.0
START_SECONDS: Final = 20.0
LOG_TAIL: Final = 3000


class ProgramEnded(Exception):
    """A program that should run has ended; the text holds the end of its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """A running program whose output goes into a log."""

    process: Process
    log: Path

    def check(self) -> None:
        """Make sure that it still runs.

        Raises:
            ProgramEnded: It does not.
        """
        if self.process.returncode is not None:
            raise ProgramEnded(f"It ended with exit code {self.process.returncode}.\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:]

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used, of all its threads."""
        return cpu_seconds(self.process.pid)

    def peak_megabytes(self) -> float:
        """Return the most memory that it ever had resident, in MB of 1,000,000 bytes."""
        return megabytes(self.process.pid, "VmHWM")

    def said(self, *texts: str) -> int:
        """Return how often texts are in its log, all together."""
        log = self.log.read_text(errors="replace")
        return sum(map(log.count, texts))

    async def ended(self, seconds: float) -> str:
        """Wait so long for it to end by itself; its output."""
        async with asyncio.timeout(seconds):
            await self.process.wait()
        return self.log_tail()

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()


def megabytes(pid: int, what: str = "VmRSS") -> float:
    """Return the memory that a process has resident, or with VmHWM ever had, in MB of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(f"{what}:")]
    return int(line.split()[1]) * 1024 / 1e6


def listening_on(port: int) -> int | None:
    """Return the process of this machine that listens on a port; None where that is not to be seen."""
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if (fields := line.split())[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
    }
    sockets = {f"socket:[{inode}]" for inode in inodes}
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # it is another user's, or gone
            if str(entry.readlink()) in sockets:
                return int(entry.parts[2])
    return None


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    # The name, in parentheses, may hold blanks; user and system time are the 14th and 15th of all fields.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def program(
    argv: Sequence[str], environment: Mapping[str, str], *, folder: Path, name: str
) -> AsyncIterator[Program]:
    """Run a program in a folder, where its log goes too, until the block ends; then end it with SIGTERM."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *bound_to_us(argv, "TERM"),
            env=_clean(environment),
            cwd=folder,
            stdin=DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield Program(process, log)
    finally:
        await _end(process)


@asynccontextmanager
async def stand_in_process() -> AsyncIterator[tuple[str, int]]:
    """Run the stand-in for Kit; its base URL and process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.stand_in", cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        async with asyncio.timeout(START_SECONDS):
            url = (await process.stdout.readline()).decode().strip()
        if not url:
            raise ProgramEnded("The stand-in for Kit did not start.")
        yield url, process.pid
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Return our environment without anybody's settings for a Kit or a worker, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KIT_")}
    return {**kept, "PYTHONPATH": str(ROOT), **environment}
