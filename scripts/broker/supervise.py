"""`scripts/with-broker`: the order of choice, and an end that leaves nothing behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from scripts.broker import package
from scripts.broker.container import Container, docker_answers
from scripts.broker.control import KILL, START, STATE_VARIABLE, State
from scripts.broker.node import Node, find_scripts
from scripts.broker.probe import url_answers
from scripts.services.apt import can_install
from scripts.services.command import end_on_signals, let_nothing_interrupt, refused, run
from scripts.services.errors import ServiceError
from scripts.services.urls import without_password

ROOT = Path(__file__).resolve().parents[2]
NO_BROKER = 4  # as kit-worker's own exit code
IN_DOCKER = "--docker"

USAGE = """\
Usage: scripts/with-broker [--docker] COMMAND…

Runs COMMAND with AMQP_URL set, and exits as it does. The broker is the one of AMQP_URL where that is set
already, else a private rabbitmq-server (installed first if need be and if we are root on Debian or Ubuntu),
else a container in Docker. A private broker is gone afterwards, with all that it held.

  --docker   always a container: RabbitMQ 4, whatever this system has and AMQP_URL says
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
    in_docker = command[:1] == [IN_DOCKER]
    command = command[1:] if in_docker else command
    code = refused("with-broker", USAGE, command)
    if code is not None:
        return code
    end_on_signals()
    try:
        if in_docker:
            return _run_with_private_broker(command, _container())
        if os.environ.get("AMQP_URL"):
            return _run_with_given_broker(command, os.environ["AMQP_URL"])
        return _run_with_private_broker(command, _choose())
    except ServiceError as error:
        print(f"with-broker: {error}", file=sys.stderr)
        return NO_BROKER


def _container() -> Broker:
    if not docker_answers():
        raise ServiceError(f"no Docker engine answers, and {IN_DOCKER} needs one: see 'docker info'.")
    return Container()


def _choose() -> Broker:
    scripts = find_scripts()
    if scripts is None and can_install():
        try:
            package.install()
        except ServiceError:
            if not docker_answers():
                raise
        scripts = find_scripts()
    if scripts is not None:
        return Node(scripts, ROOT / ".broker")
    if docker_answers():
        return Container()
    raise ServiceError(NO_WAY)


def _run_with_given_broker(command: Sequence[str], url: str) -> int:
    if not url_answers(url):
        raise ServiceError(
            f"AMQP_URL is set to {without_password(url)}, but no RabbitMQ answers there. Start that broker, "
            "or unset AMQP_URL to use a private one."
        )
    return run(command, os.environ, {})


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
        return run(command, environment, {KILL: broker.kill, START: broker.launch})
    finally:
        let_nothing_interrupt()
        broker.close()
