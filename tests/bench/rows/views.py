"""How fast the page answers over a ledger of a large platform's size, on SQLite and on PostgreSQL.

The page runs in this process; no worker runs beside it, and Kit and RabbitMQ are not there.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.bench import Bench
from tests.bench.consumers import WORKER
from tests.bench.databases import own_database
from tests.bench.figures import Line, spread
from tests.unit.page.filled import ACCOUNTS, LETTERS, fill_large_ledger, looks, page_over, times, url_in

NAME: Final = "views"
LINES: Final = 1_000_000
MAX_MS: Final = 100.0
LOOKS: Final = 9
SLOWEST: Final = 3
"""So many views have a line of their own."""

Times = Mapping[str, Sequence[float]]


async def measure(bench: Bench, rounds: int) -> list[Line]:  # noqa: ARG001  # each view is looked at often
    """Look at each view on each database that there is; they are filled at once, and looked at in turn."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kit-worker-views-")))
        urls = {"SQLite": url_in(folder)}
        if bench.place.postgres_url is not None:
            urls["PostgreSQL"] = await stack.enter_async_context(own_database(bench.place.postgres_url))
        async with asyncio.TaskGroup() as filling:
            for url in urls.values():
                filling.create_task(fill_large_ledger(url, LINES))
        return lines({database: await _times(folder / database, url) for database, url in urls.items()})


def lines(found: Mapping[str, Times]) -> list[Line]:
    """Judge the milliseconds that views took, by database and view."""
    return [
        _line(database, path, taken)
        for database, views in found.items()
        for path, taken in sorted(views.items(), key=lambda each: -median(each[1]))[:SLOWEST]
    ]


def _line(database: str, path: str, taken: Sequence[float]) -> Line:
    size = f"{ACCOUNTS:,} accounts, {LINES:,} lines of history, {LETTERS:,} dead letters"
    what = f"{size}, {database}: {path.partition('?')[0]}, ms"
    met = median(taken) < MAX_MS
    return Line(
        NAME, what, {WORKER: spread(taken)}, f"under {MAX_MS:.0f}", met, digits=0, over=f"{len(taken)} looks"
    )


async def _times(folder: Path, url: str) -> Times:
    folder.mkdir()
    async with page_over(folder, url) as client:
        return {path: await times(look, LOOKS) for path, look in (await looks(client)).items()}
