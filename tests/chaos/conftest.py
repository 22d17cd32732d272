"""The arena, the two forms of the suite, and the table of figures at its end."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.chaos.harness import Arena, ledger_url
from tests.integration.conftest import BrokerControl, broker_ctl
from tests.integration.harness import World
from worker.sandbox import Sandbox

__all__ = ["broker_ctl"]  # a fixture

FIGURES: Final = "figures of a chaos row"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the full form, and all rows with bulk calls."""
    parser.addoption("--full", action="store_true", help="chaos in full; also CHAOS=full")
    parser.addoption(
        "--bulk",
        action="store_true",
        help="chaos with OAuth tokens, so with bulk calls; CHAOS_LOGIN=oauth",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of rows that run in the full form only."""
    config.addinivalue_line("markers", "full: takes more than a minute; runs in the full form of chaos only")


def _is_full(config: pytest.Config) -> bool:
    return bool(config.getoption("--full", default=False)) or os.environ.get("CHAOS") == "full"


def _is_bulk(config: pytest.Config) -> bool:
    return bool(config.getoption("--bulk", default=False)) or os.environ.get("CHAOS_LOGIN") == "oauth"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long rows out of the short form; pytest says how many those are."""
    if _is_full(config):
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a line of figures for each row, from whichever process it ran in."""
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    lines = {
        str(value)
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, value in report.user_properties
        if name == FIGURES
    }
    if lines:
        terminalreporter.section("chaos")
    for line in sorted(lines):
        terminalreporter.write_line(line)


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this is the full form."""
    return _is_full(request.config)


@pytest.fixture
async def arena(
    request: pytest.FixtureRequest, amqp_url: str, broker_ctl: BrokerControl, tmp_path: Path
) -> AsyncIterator[Arena]:
    """Two accounts, a Kit without a limit whose answers take a little, and no worker yet."""
    exchange = f"platform.events.{secrets.token_hex(4)}"
    async with Sandbox(limit=False, latency=0.01).running() as sandbox:
        world = World(amqp_url, exchange, "unused", tmp_path / "config", sandbox.url)
        if (ledger := ledger_url()) is not None:
            world.environ["LEDGER_URL"] = ledger
        arena = Arena(
            request.node.name, world, amqp_url, sandbox, broker_ctl, tmp_path, _is_bulk(request.config)
        )
        try:
            yield arena
        finally:
            if arena.row is not None:
                request.node.user_properties.append((FIGURES, str(arena.row)))
            for worker in arena.workers:
                worker.close()
            await broker_ctl.mend()
            await arena.delete_queues()
