"""`python -m tests.bench`: measures both consumers in turn and prints a table."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console

from tests.bench.consumers import kit_worker, plain
from tests.bench.processes import ProgramEnded, stand_in_process
from tests.bench.queues import platform
from tests.bench.report import Report
from tests.bench.runs import BacklogRun, Bench, MeasurementFailed, MemoryRun
from tests.bench.stand_in import StandIn

BACKLOGS_FOR_MEMORY: Final = (1_000, 100_000)
MISSED: Final = 1
NO_BROKER: Final = 4  # as kit-worker's own exit code
NOT_MEASURED: Final = 5

progress = Console(stderr=True)


def main() -> int:
    """Measure and print; 1 where an aim that does not depend on the machine was missed."""
    options = _options()
    url = os.environ.get("AMQP_URL")
    if not url:
        progress.print("AMQP_URL is not set: use 'make bench', or 'scripts/with-broker' before the command.")
        return NO_BROKER
    began, load = time.monotonic(), os.getloadavg()[0]
    try:
        runs, memory = asyncio.run(_measure(url, options.rounds, quick=options.quick))
    except (MeasurementFailed, ProgramEnded) as error:
        progress.print(str(error), markup=False)
        return NOT_MEASURED
    seconds = time.monotonic() - began
    report = Report(runs, memory, options.rounds, os.cpu_count() or 1, load, seconds)
    if options.json:
        sys.stdout.write(f"{report.json()}\n")
    else:
        console = Console()
        console.print(report.table(), *report.conclusion(), sep="\n")
    return MISSED if report.failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure kit-worker against a plain consumer."
    )
    parser.add_argument("--rounds", type=_at_least_one, help="how often each is measured (3; with --quick 1)")
    parser.add_argument("--quick", action="store_true", help="the backlog only: no idle events, no memory")
    parser.add_argument("--json", action="store_true", help="figures and runs as JSON")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    return options


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


async def _measure(url: str, rounds: int, *, quick: bool) -> tuple[list[BacklogRun], list[MemoryRun]]:
    exchange = f"bench.events.{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix="kit-worker-bench-") as name:
        folder = Path(name)
        async with (
            stand_in_process() as (kit_url, kit_pid),
            aiohttp.ClientSession() as session,
            platform(url, exchange) as events,
        ):
            bench = Bench(events, StandIn(session, kit_url), kit_pid, folder)
            runs: list[BacklogRun] = []
            for number in range(1, rounds + 1):
                for consumer in (plain(url, kit_url), kit_worker(url, kit_url, exchange, folder)):
                    progress.print(f"[dim]round {number} of {rounds}: {consumer.name}[/]")
                    runs.append(await bench.backlog(consumer, idle=not quick))
            memory: list[MemoryRun] = []
            for messages in () if quick else BACKLOGS_FOR_MEMORY:
                progress.print(f"[dim]memory over {messages:,} messages[/]")
                worker = kit_worker(url, kit_url, exchange, folder, rate_limit=0)
                memory.append(await bench.memory(worker, messages))
            return runs, memory


if __name__ == "__main__":
    sys.exit(main())
