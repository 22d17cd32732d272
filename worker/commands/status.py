"""`kit-worker status`: all workers and accounts of one ledger, from anywhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from worker.accounts.load import load_accounts
from worker.commands.common import begin, opened_ledger, run_async
from worker.commands.output import AsJson, say, show, show_json, table
from worker.events.values import time_text
from worker.ledger.registry import Overview, Registry, WorkerView
from worker.settings import Settings, environment

_ORDER = ("running", "held", "credential_refused", "queue_missing", "invalid_config", "waiting")


def status(*, as_json: AsJson = False) -> None:
    """Show all accounts and workers."""
    settings = begin()
    overview = run_async(_look(settings))
    files = load_accounts(settings.config_dir, environment()).names
    now = time.time()
    if as_json:
        show_json({
            "workers": [
                {**asdict(each), "seen_at": _when(each.seen_at), "accounts": dict(each.accounts)}
                for each in overview.workers
            ],
            "paused": {name: _when(at) for name, at in overview.paused.items()},
        })  # fmt: skip
        return
    _show_workers(overview, now)
    _show_accounts(overview, files)


async def _look(settings: Settings) -> Overview:
    async with opened_ledger(settings) as ledger:
        return await Registry(ledger, "kit-worker").overview()


def _when(seconds: float) -> str:
    return time_text(datetime.fromtimestamp(seconds, UTC).replace(microsecond=0))


def _show_workers(overview: Overview, now: float) -> None:
    if not overview.workers:
        say("No worker is known to this ledger: none has run in the last 24 hours.", "")
        return
    rows = [
        (each.worker, "at work" if each.live else "SILENT", f"{max(0.0, now - each.seen_at):.0f} s ago")
        for each in overview.workers
    ]
    show(table(("Worker", "", "Last sign"), rows, whole=1))


def _show_accounts(overview: Overview, files: Iterable[str]) -> None:
    live = [worker for worker in overview.workers if worker.live]
    names = {*files, *overview.paused, *(name for worker in live for name in worker.accounts)}
    rows = [row for name in sorted(names) for row in _account_rows(name, live, overview)]
    show(table(("Account", "Worker", "State", "In hand", "Remarks"), rows, whole=1))


def _account_rows(name: str, live: list[WorkerView], overview: Overview) -> Iterator[tuple[str, ...]]:
    """Yield a line for each worker of an account, the one at work first; `waiting` are those standing by."""
    paused = overview.paused.get(name)
    since = [f"paused since {_when(paused)}"] if paused is not None else []
    having = [worker for worker in live if name in worker.accounts]
    for worker in sorted(having, key=lambda worker: _ORDER.index(worker.accounts[name]["state"])):
        report = worker.accounts[name]
        remarks = [*since, *([report["last_error"]] if report["last_error"] else [])]
        pending = str(report["pending_subscribers"])
        yield name, worker.worker, report["state"], pending, "; ".join(remarks)
    if not having:
        yield name, "none", "", "", "; ".join([*since, "no worker at work has this account"])
