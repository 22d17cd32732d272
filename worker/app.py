"""The whole worker: one process, its connections, and the accounts at work in it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from typing import Any, Final

import structlog

from worker.accounts.file.secrets import exposed
from worker.accounts.load import Loaded
from worker.accounts.reading import AccountFiles
from worker.accounts.watch import ConfigWatch
from worker.broker.broker import Broker
from worker.broker.few_channels import FewChannels
from worker.broker.looking import Looking
from worker.broker.management import management_at
from worker.broker.topology import Topology
from worker.clock import Clock
from worker.consumer.due import DueEffects
from worker.consumer.shared import Shared
from worker.consumer.supervisors import CLOSING, Supervisors
from worker.errors import ConfigurationError, Problem
from worker.kit.access import KitAccess
from worker.ledger.bindings import Bindings
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.metrics import VERSION, Metrics
from worker.ops.claims import Claims
from worker.ops.depths import FIRST_PAUSE, Depths
from worker.ops.drift.runner import DriftRunner
from worker.ops.held_watch import HeldWatch
from worker.ops.http import serving
from worker.ops.presence import Presence
from worker.ops.readiness import StatusReport
from worker.settings import ENV_FILE, Settings, environment, secret_files

log = structlog.get_logger()

TICK: Final = 0.5


class App:
    """One worker process.

    Args:
        settings: From the environment.
        files: The accounts' files.
        loaded: What was read of them.
    """

    def __init__(self, settings: Settings, files: AccountFiles, loaded: Loaded) -> None:
        self._settings = settings
        self._files = files
        self._loaded = loaded
        self._clock = clock = Clock()
        self._metrics = Metrics()
        self._broker = Broker(settings.amqp_url.get_secret_value(), settings.worker_id, clock)
        self._ledger = Ledger(
            Database(settings.ledger_url.get_secret_value()), worker=settings.worker_id, clock=clock
        )
        registry = Registry(self._ledger, settings.worker_id)
        self._claims = Claims(files, registry)
        shared = Shared(
            broker=self._broker,
            topology=Topology(FewChannels(self._broker.asking), settings.events_exchange),
            ledger=self._ledger,
            registry=registry,
            kit=KitAccess(settings, self._ledger, self._metrics),
            metrics=self._metrics,
            clock=clock,
            worker_id=settings.worker_id,
            known_ttl=settings.known_state_ttl,
            bindings=Bindings(self._ledger),
            management=management_at(settings.amqp_management_url, settings.amqp_url),
        )
        # A call that is under way may take its time-out, and a moment for what it changes.
        self._supervisors = Supervisors(shared, settings.prefetch, settings.kit_timeout + 1.0)
        self._stopping = asyncio.Event()
        self._hurrying = asyncio.Event()
        self._standing: list[asyncio.Task[None]] = []
        looking = Looking(self._broker.asking)
        self._depths = Depths(looking, lambda: self._supervisors.declared, first_pause=FIRST_PAUSE)
        self._due = DueEffects(shared, lambda: self._supervisors.running)
        self._report = StatusReport(shared, self._supervisors, self._depths)
        self._held = HeldWatch(self._ledger, self._metrics, lambda: self._supervisors.running)
        self._report.held = self._held
        self._drift = DriftRunner(shared, self._supervisors, settings.kit_rate_limit)
        self._presence = Presence(
            registry, TokenStore(self._ledger, None), self._report, self._supervisors, settings.history_days
        )

    def stop(self) -> None:
        """Ask the worker to stop; asked again, it hurries."""
        grace = max(0.0, self._settings.shutdown_grace - CLOSING)
        if self._stopping.is_set():
            grace = 0.0
            self._hurrying.set()
        self._supervisors.begin_stop(grace)
        self._stopping.set()
        log.info("stopping", grace_s=grace, accounts=len(self._supervisors.running))

    async def run(self) -> None:
        """Work until `stop`, or SIGTERM or SIGINT, and then hand everything back."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signal_number, self.stop)
        settings = self._settings
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._ledger)
            if settings.http_port:
                serve = serving(settings.http_host, settings.http_port, self._report)
                await stack.enter_async_context(serve)
            self._standing = [asyncio.create_task(coroutine) for coroutine in self._standing_work()]
            self._report.standing = self._standing
            accounts = sorted(self._loaded.accounts)
            log.info("started", version=VERSION, worker=settings.worker_id, accounts=accounts)
            try:
                await self._until_stopped()
            finally:
                await self._supervisors.stop(self._hurrying)
                for task in self._standing:
                    task.cancel()
                await asyncio.gather(*self._standing, return_exceptions=True)
                await self._presence.leave()
        log.info("stopped")

    def _standing_work(self) -> Iterable[Coroutine[Any, Any, None]]:
        """Return what runs as long as the process does."""
        yield from (self._broker.run(), self._depths.run(), self._supervisors.keep_declared())
        yield from (self._watch_config(), self._tick(), self._presence.run(), self._due.run())
        yield from (self._held.run(), self._drift.run())

    async def _until_stopped(self) -> None:
        stopping = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait({stopping, *self._standing}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        for task in done - {stopping}:
            task.result()  # none of them ends by itself, except by a bug, which should end the process

    async def _watch_config(self) -> None:
        watch = self._files.watch()
        await self._start_accounts()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._claims.keep())
            group.create_task(self._reload(watch))

    async def _start_accounts(self) -> None:
        """Start what the files say; where one is wrong, what is whose depends on who had it before."""
        if self._loaded.problems:
            held = await self._claims.recall()
            self._loaded = await asyncio.to_thread(self._files.read_again, held)
        _tell_problems(self._loaded, self._files)
        await self._supervisors.apply(self._loaded)

    async def _reload(self, watch: ConfigWatch) -> None:
        while True:
            await watch.changed()
            # In a thread, since a large folder takes longer than heartbeats and other accounts can wait.
            loaded = await asyncio.to_thread(self._files.read)
            result = "invalid" if loaded.problems else "ok"
            self._metrics.config_reloads.labels(result).inc()
            _tell_problems(loaded, self._files)
            await self._supervisors.apply(loaded)
            log.info("config_reloaded", result=result, accounts=sorted(self._supervisors.running))

    async def _tick(self) -> None:
        """Measure how late the event loop is."""
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(TICK)
            lag = self._clock.monotonic() - before - TICK
            self._metrics.loop_lag.set(max(0.0, lag))
            if lag > 1.0:
                log.warning("loop_blocked", seconds=round(lag, 1))


async def run_worker(settings: Settings) -> None:
    """Run the worker until it is told to stop.

    Raises:
        ConfigurationError: No account can be started.
    """
    files = AccountFiles(settings.config_dir, environment, ENV_FILE)
    loaded = files.read()
    _tell_exposed(each for each in exposed(secret_files()) if each.where != str(ENV_FILE))
    if not loaded.accounts:
        raise ConfigurationError(list(loaded.problems))
    await App(settings, files, loaded).run()


def _tell_problems(loaded: Loaded, files: AccountFiles) -> None:
    for problem in loaded.problems:
        log.error("config_invalid", where=problem.where, problem=problem.text)
    _tell_exposed(files.newly_exposed())


def _tell_exposed(problems: Iterable[Problem]) -> None:
    for problem in problems:
        log.warning("secret_exposed", where=problem.where, problem=problem.text)
