"""The whole worker: all accounts, started, reloaded and stopped."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import structlog

from worker.accounts.account import Account
from worker.accounts.load import Loaded, load_accounts
from worker.accounts.watch import ConfigWatch
from worker.broker.link import Broker
from worker.broker.topology import Topology
from worker.clock import Clock, awake_or_not, utc_now
from worker.consumer.shared import Tools
from worker.consumer.supervisor import AccountWorker
from worker.errors import ConfigurationError
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.metrics import Metrics
from worker.ops.http import Probes, serving
from worker.ops.presence import Presence
from worker.ops.readiness import StatusReport
from worker.settings import Settings, environment

log = structlog.get_logger()

TICK: Final = 0.5
RESTART_AFTER: Final = 5.0
"""Seconds after which an account is started again that a bug ended."""
CLOSING: Final = 3.0
"""Seconds of the grace that are kept for handing back and closing connections."""


class App:
    """One worker process.

    Args:
        settings: From the environment.
        loaded: The accounts to start with.

    Attributes:
        http_port: Where health and metrics are served; 0 before and without.
    """

    def __init__(self, settings: Settings, loaded: Loaded) -> None:
        self.http_port = 0
        self._settings = settings
        self._loaded = loaded
        self._metrics = Metrics()
        self._broker = Broker(
            settings.amqp_url.get_secret_value(),
            settings.worker_id,
            clock=awake_or_not,
            random=random.random,
        )
        self._topology = Topology(self._broker.consuming, settings.events_exchange)
        self._ledger = Ledger(
            Database(settings.ledger_url.get_secret_value()), worker=settings.worker_id, clock=Clock()
        )
        registry = Registry(self._ledger, settings.worker_id)
        self._tools = Tools(
            broker=self._broker,
            topology=self._topology,
            ledger=self._ledger,
            registry=registry,
            metrics=self._metrics,
            kit=KitAccess(settings, self._ledger, self._metrics),
            worker_id=settings.worker_id,
            concurrency=settings.kit_concurrency,
            known_ttl=settings.known_state_ttl,
            clock=awake_or_not,
            now=utc_now,
            wall=time.time,
            random=random.random,
        )
        self._workers: dict[str, AccountWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()
        self._grace_ends: float | None = None
        self._tasks_of_process: list[asyncio.Task[None]] = []
        self._report = StatusReport(
            broker=self._broker,
            topology=self._topology,
            metrics=self._metrics,
            workers=lambda: self._workers,
            loaded=lambda: self._loaded,
            stopping=self._stopping.is_set,
        )
        self._presence = Presence(
            registry,
            connected=TokenStore(self._ledger, None).connected,
            workers=lambda: self._workers,
            state=self._report.accounts,
            history_days=settings.history_days,
        )

    def stop(self) -> None:
        """Ask the worker to stop; asked again, it hurries."""
        now = awake_or_not()
        grace = max(0.0, self._settings.shutdown_grace - CLOSING)
        if self._stopping.is_set():
            grace = 0.0
            self._hurrying.set()
        log.info("stopping", grace_s=grace, accounts=len(self._workers))
        self._grace_ends = now + grace
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`, or SIGTERM or SIGINT, and then hand everything back."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_number, self.stop)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._ledger)
            if self._settings.http_port:
                probes = Probes(self._is_healthy, self._report.readiness, self._report.metrics_text)
                serve = serving(self._settings.http_host, self._settings.http_port, probes)
                self.http_port = await stack.enter_async_context(serve)
            self._tasks_of_process = [asyncio.create_task(coroutine) for coroutine in self._standing_work()]
            log.info("started", worker=self._settings.worker_id, accounts=sorted(self._loaded.accounts))
            await self._apply(self._loaded)
            try:
                await self._until_stopped()
            finally:
                await self._stop_all()
                for task in self._tasks_of_process:
                    task.cancel()
                await asyncio.gather(*self._tasks_of_process, return_exceptions=True)
                await self._presence.leave()
        log.info("stopped")

    def _standing_work(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what runs as long as the process does."""
        return self._broker.run(), self._watch_config(), self._tick(), self._presence.run()

    async def _until_stopped(self) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait({stopping, *self._tasks_of_process}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done - {stopping}:
            task.result()  # none of them ends by itself, except by a bug, which should end the process

    def _grace(self) -> float:
        """Return the seconds that a session's changes may still take when it ends."""
        if self._grace_ends is None:
            return self._settings.kit_timeout + 1.0
        return max(0.0, self._grace_ends - awake_or_not())

    async def _stop_all(self) -> None:
        self._grace_ends = self._grace_ends or awake_or_not()
        for worker in self._workers.values():
            worker.stop()
        if self._tasks:
            hurrying = asyncio.create_task(self._hurrying.wait())
            ended = asyncio.create_task(asyncio.wait(self._tasks.values()))
            both: set[asyncio.Task[Any]] = {hurrying, ended}
            await asyncio.wait(both, timeout=self._grace() + CLOSING, return_when=asyncio.FIRST_COMPLETED)
            hurrying.cancel()
            ended.cancel()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    # -- configuration --------------------------------------------------------------------------------

    async def _watch_config(self) -> None:
        watch = ConfigWatch(self._settings.config_dir, self._key_files)
        while True:
            await watch.changed()
            # In a thread, since a large folder takes longer than heartbeats and other accounts can wait.
            loaded = await asyncio.to_thread(load_accounts, self._settings.config_dir, environment())
            loaded = loaded.beside({name: worker.account for name, worker in self._workers.items()})
            result = "invalid" if loaded.problems else "ok"
            self._metrics.config_reloads.labels(result).inc()
            for problem in loaded.problems:
                log.error("config_invalid", where=problem.where, problem=problem.text)
            await self._apply(loaded)
            log.info("config_reloaded", result=result, accounts=sorted(self._workers))

    def _key_files(self) -> set[Path]:
        return {account.key_file for account in self._loaded.accounts.values() if account.key_file}

    async def _apply(self, loaded: Loaded) -> None:
        """Bring the running accounts in line with the files; an invalid file leaves its account as it is."""
        self._loaded = loaded
        for name in [name for name in self._workers if name not in loaded.accounts]:
            if not loaded.problems_of(name):
                await self._remove(name)
        for name, account in loaded.accounts.items():
            worker = self._workers.get(name)
            if worker is None:
                self._start(account)
            elif worker.account.version != account.version or worker.account.credential != account.credential:
                await self._replace(worker, account)
            else:
                worker.try_again()

    def _start(self, account: Account) -> None:
        settings = self._settings
        worker = AccountWorker(account, self._tools, prefetch=settings.prefetch, grace=self._grace)
        self._workers[account.name] = worker
        task = asyncio.create_task(worker.run(), name=f"account {account.name}")
        task.add_done_callback(lambda done: self._account_ended(account.name, done))
        self._tasks[account.name] = task

    def _account_ended(self, name: str, task: asyncio.Task[None]) -> None:
        """Start an account again that a bug ended; it must not stay down in silence."""
        if task.cancelled() or task.exception() is None:
            return
        log.error("account_crashed", account=name, exc_info=task.exception())
        if not self._stopping.is_set() and self._tasks.get(name) is task:
            asyncio.get_running_loop().call_later(RESTART_AFTER, self._start_again, self._workers[name])

    def _start_again(self, worker: AccountWorker) -> None:
        """Start an account with its present mapping, unless a new file or key has done so meanwhile."""
        name = worker.account.name
        if not self._stopping.is_set() and self._workers.get(name) is worker:
            self._start(worker.account)

    async def _replace(self, worker: AccountWorker, account: Account) -> None:
        if worker.account.credential == account.credential and worker.account.apps == account.apps:
            await worker.reload(account)
            return
        await self._end(account.name)
        self._start(account)

    async def _remove(self, name: str) -> None:
        log.warning(
            "account_removed",
            account=name,
            hint=f"its queue stays bound and keeps its events; kit-worker remove {name} deletes it",
        )
        await self._end(name)

    async def _end(self, name: str) -> None:
        worker, task = self._workers.pop(name), self._tasks.pop(name)
        worker.stop()
        await asyncio.gather(task, return_exceptions=True)

    # -- looking in from outside ----------------------------------------------------------------------

    async def _tick(self) -> None:
        """Measure how late the event loop is, and refresh what is only looked at."""
        while True:
            before = awake_or_not()
            await asyncio.sleep(TICK)
            lag = awake_or_not() - before - TICK
            self._metrics.loop_lag.set(max(0.0, lag))
            if lag > 1.0:
                log.warning("loop_blocked", seconds=round(lag, 1))

    def _is_healthy(self) -> bool:
        return not any(task.done() for task in self._tasks_of_process)


async def run_worker(settings: Settings, environ: Mapping[str, str]) -> None:
    """Run the worker until it is told to stop.

    Raises:
        ConfigurationError: No account can be started.
    """
    loaded = load_accounts(settings.config_dir, environ)
    if not loaded.accounts:
        raise ConfigurationError(list(loaded.problems))
    for problem in loaded.problems:
        log.error("config_invalid", where=problem.where, problem=problem.text)
    await App(settings, loaded).run()
