"""`scripts/with-broker`: the order of choice, the command's life, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from scripts.broker import package
from scripts.broker.container import Container, docker_answers
from scripts.broker.control import KILL, START, STATE_VARIABLE, State
from scripts.broker.errors import BrokerError
from scripts.broker.node import Node, find_scripts
from scripts.broker.probe import url_answers, without_password
from scripts.broker.processes import bound_to_us

ROOT = Path(__file__).resolve().parents[2]
NO_BROKER = 4  # as kit-worker's own exit code
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

USAGE = """\
Usage: scripts/with-broker COMMAND…

Runs COMMAND with AMQP_URL set, and exits as it does. The broker is the one of AMQP_URL where that is set
already, else a private rabbitmq-server (installed first if need be and if we are root on Debian or Ubuntu),
else a container in Docker. A private broker is gone afterwards, with all that it held.
"""
NO_WAY = (
    "no RabbitMQ was found. Set AMQP_URL to a running broker, or install rabbitmq-server (on Debian and "
    "Ubuntu: sudo apt-get install rabbitmq-server), or start Docker."
)


class Broker(Protocol):
    """A private broker: `Node` or `Container`."""

    port: int
    environment: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where it keeps what is its own."""
        ...

    @property
    def rabbitmqctl(self) -> list[str]:
        """The command line that talks to it, given `environment`."""
        ...

    def start(self) -> None:
        """Start it and return when it takes connections."""

    def launch(self) -> None:
        """Start it again after a `kill`, without waiting."""

    def kill(self) -> None:
        """Kill it as a power cut would."""

    def close(self) -> None:
        """End it and remove all that it held."""


def main(command: Sequence[str]) -> int:
    """Run the command with a broker and return its exit code; 2 for wrong use, 4 for want of a broker."""
    if not command or command[0] in {"-h", "--help"}:
        print(USAGE, file=sys.stderr, end="")
        return 2
    if shutil.which(command[0]) is None:
        print(f"with-broker: there is no command '{command[0]}' here.", file=sys.stderr)
        return 127
    _end_on_signals()
    try:
        if os.environ.get("AMQP_URL"):
            return _run_with_given_broker(command, os.environ["AMQP_URL"])
        return _run_with_private_broker(command, _choose())
    except BrokerError as error:
        print(f"with-broker: {error}", file=sys.stderr)
        return NO_BROKER


def _choose() -> Broker:
    scripts = find_scripts()
    if scripts is None and package.can_install():
        try:
            package.install()
        except BrokerError:
            if not docker_answers():
                raise
        scripts = find_scripts()
    if scripts is not None:
        return Node(scripts, ROOT / ".broker")
    if docker_answers():
        return Container()
    raise BrokerError(NO_WAY)


def _run_with_given_broker(command: Sequence[str], url: str) -> int:
    if not url_answers(url):
        raise BrokerError(
            f"AMQP_URL is set to {without_password(url)}, but no RabbitMQ answers there. Start that broker, "
            "or unset AMQP_URL to use a private one."
        )
    return _run(command, dict(os.environ), None)


def _run_with_private_broker(command: Sequence[str], broker: Broker) -> int:
    try:
        broker.start()
        state = broker.folder / "state.json"
        State(os.getpid(), broker.port, broker.rabbitmqctl, broker.environment).save(state)
        environment = os.environ | {
            "AMQP_URL": f"amqp://guest:guest@127.0.0.1:{broker.port}/",
            "BROKER_CTL": str(ROOT / "scripts" / "broker-ctl"),
            STATE_VARIABLE: str(state),
        }
        return _run(command, environment, broker)
    finally:
        for ending in ENDING:  # an impatient second Ctrl-C must not leave a node behind
            signal.signal(ending, signal.SIG_IGN)
        broker.close()


def _run(command: Sequence[str], environment: dict[str, str], broker: Broker | None) -> int:
    process = subprocess.Popen(bound_to_us(command, "TERM"), env=environment)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not (number == signal.SIGINT and _terminal_is_ours()):
            process.send_signal(number)

    for ending in ENDING:
        signal.signal(ending, pass_on)
    if broker is not None:
        signal.signal(KILL, lambda *_: broker.kill())
        signal.signal(START, lambda *_: broker.launch())
    code = process.wait()
    return code if code >= 0 else 128 - code


def _terminal_is_ours() -> bool:
    """Tell whether the terminal's Ctrl-C reaches the command too: it shares our foreground group."""
    try:
        with Path("/dev/tty").open(encoding="utf-8") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _end_on_signals() -> None:
    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for ending in ENDING:
        signal.signal(ending, end)
