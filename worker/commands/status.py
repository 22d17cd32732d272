"""`kit-worker status`: all workers and accounts of one ledger, from anywhere."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from worker.accounts.load import Loaded
from worker.commands.common import begin, opened_ledger, read_accounts, run_async
from worker.commands.output import AsJson, moment_text, say, show, show_json, table
from worker.ledger.drift import DriftRun, DriftRuns
from worker.ledger.held import held_counts
from worker.ledger.pauses import Pause
from worker.ledger.registry import Overview, Registry, WorkerView
from worker.ledger.timers import Timers, Waiting
from worker.metrics import VERSION
from worker.ops.archives import Archives, look_into_archives
from worker.settings import Settings

_ORDER = ("running", "held", "credential_refused", "queue_missing", "invalid_config", "waiting")


def status(*, as_json: AsJson = False) -> None:
    """Show all accounts and workers: who has what, what waits, is dead or put aside, what files are wrong."""
    settings = begin()
    loaded = read_accounts(settings)
    seen = run_async(_look(settings, loaded.names))
    if as_json:
        _show_json(seen, loaded)
        return
    _show_workers(seen.overview)
    _show_accounts(seen)
    if seen.archives.problem:
        say(f"What is in the archives is not known: {seen.archives.problem}.")
    say(*(f"WRONG  {problem}" for problem in loaded.problems))


class _Seen(NamedTuple):
    """What the ledger and RabbitMQ say.

    Attributes:
        accounts: The names of all that there are, by their files or by what is known of them.
        due: What takes effect later, by account.
        held: How many new taggings are held, by account.
        drift: The last comparison with Kit, by account.
    """

    accounts: Collection[str]
    overview: Overview
    due: Mapping[str, Waiting]
    held: Mapping[str, int]
    drift: Mapping[str, DriftRun]
    archives: Archives


async def _look(settings: Settings, files: Iterable[str]) -> _Seen:
    async with opened_ledger(settings) as ledger:
        _, due = await Timers(ledger).waiting()
        held = await held_counts(ledger)
        drift = await DriftRuns(ledger).all()
        overview = await Registry(ledger, "kit-worker").overview()
    at_work = (name for worker in overview.workers if worker.live for name in worker.accounts)
    names = {*files, *overview.paused, *due, *held, *at_work}
    archives = await look_into_archives(settings.amqp_url.get_secret_value(), names)
    return _Seen(names, overview, due, held, drift, archives)


def _show_json(seen: _Seen, loaded: Loaded) -> None:
    overview, due, archives = seen.overview, seen.due, seen.archives
    show_json({
        "version": VERSION,
        "workers": [
            {**asdict(each), "seen_at": moment_text(each.seen_at), "accounts": dict(each.accounts)}
            for each in overview.workers
        ],
        "holders": dict(overview.holders),
        "paused": {name: _pause_as_json(each) for name, each in overview.paused.items()},
        "due": {name: _due_as_json(each) for name, each in sorted(due.items())},
        "held": dict(sorted(seen.held.items())),
        "drift": {name: _drift_as_json(each) for name, each in sorted(seen.drift.items())},
        **({} if archives.problem else {"archived": dict(archives.counts)}),
        "problems": [str(problem) for problem in loaded.problems],
    })  # fmt: skip


def _pause_as_json(pause: Pause) -> dict[str, str]:
    return {
        "since": moment_text(pause.since),
        **({} if pause.until is None else {"until": moment_text(pause.until)}),
        **({"reason": pause.why} if pause.why else {}),
    }


def _due_as_json(due: Waiting) -> dict[str, Any]:
    return {"count": due.count, **({} if due.next_at is None else {"next_at": moment_text(due.next_at)})}


def _drift_as_json(run: DriftRun) -> dict[str, Any]:
    ended = {} if run.ended_at is None else {"ended_at": moment_text(run.ended_at), "found": dict(run.counts)}
    return {"state": run.state, "asked_at": moment_text(run.asked_at), **ended}


# -- for people -------------------------------------------------------------------------------------------


def _show_workers(overview: Overview) -> None:
    if not overview.workers:
        say("No worker is known to this ledger: none has run in the last 24 hours.", "")
        return
    rows = [
        (
            each.worker, each.version or "unknown", "at work" if each.live else "SILENT",
            f"{max(0.0, overview.now - each.seen_at):.0f} s ago",
        )
        for each in overview.workers
    ]  # fmt: skip
    show(table(("Worker", "Version", "", "Last sign"), rows, whole=1))


def _show_accounts(seen: _Seen) -> None:
    live = [worker for worker in seen.overview.workers if worker.live]
    rows = [row for name in sorted(seen.accounts) for row in _account_rows(name, live, seen)]
    headings = ("Account", "Worker", "State", "In hand", "Waiting", "Dead letters", "Remarks")
    show(table(headings, rows, whole=1))


def _account_rows(name: str, live: list[WorkerView], seen: _Seen) -> Iterator[tuple[str, ...]]:
    """Yield a line for each worker of an account, the one at work first; `waiting` are those standing by."""
    overview, since = seen.overview, list(_of_account(name, seen))
    having = [worker for worker in live if name in worker.accounts]
    for worker in sorted(having, key=lambda worker: _rank(worker, name, overview)):
        report = worker.accounts[name]
        has_it = ["has it"] if overview.holders.get(name) == worker.worker else []
        counts = (str(report.get(key, "")) for key in _COUNTS)
        remarks = "; ".join([*has_it, *since, *_problems(report)])
        yield name, worker.worker, report["state"], *counts, remarks
    if not having:
        yield name, "none", "", "", "", "", "; ".join([*since, "no worker at work has this account"])


def _of_account(name: str, seen: _Seen) -> Iterator[str]:
    """Yield what is so of an account whichever worker has it."""
    if (paused := seen.overview.paused.get(name)) is not None:
        yield _pause(paused)
    if (due := seen.due.get(name)) is not None:
        yield _due(due)
    if (held := seen.held.get(name)) is not None:
        yield f"{held} new tagging{'' if held == 1 else 's'} held (kit-worker allow {name})"
    if (run := seen.drift.get(name)) is not None and run.ended_at is not None and run.counts:
        found, at = sum(run.counts.values()), moment_text(run.ended_at)
        yield f"{found:,} difference{'' if found == 1 else 's'} in Kit at {at} (kit-worker drift {name})"
    if (archived := seen.archives.counts.get(name)) is not None:
        yield f"{archived} dead letter{'' if archived == 1 else 's'} in its archive"


def _pause(pause: Pause) -> str:
    ends = "" if pause.until is None else f" until {moment_text(pause.until)}"
    why = f" ({pause.why})" if pause.why else ""
    return f"paused since {moment_text(pause.since)}{ends}{why}"


def _due(due: Waiting) -> str:
    effects = f"{due.count} effect{'s' if due.count > 1 else ''} to come"
    return effects if due.next_at is None else f"{effects}, the next at {moment_text(due.next_at)}"


_COUNTS = ("pending_subscribers", "queue_depth", "dead_letter_depth")


def _rank(worker: WorkerView, account: str, overview: Overview) -> tuple[int, bool]:
    """Return where a worker stands in the list of those of an account."""
    state = worker.accounts[account]["state"]
    return _ORDER.index(state), overview.holders.get(account) != worker.worker


def _problems(report: Mapping[str, Any]) -> Iterator[str]:
    if report["last_error"]:
        yield report["last_error"]
    if report["config_errors"] and report["state"] != "invalid_config":
        yield f"its file is wrong, and an older version in force: {report['config_errors'][0]}"
