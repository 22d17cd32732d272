"""`scripts/broker-ctl`: faults on purpose, on the node that scripts/with-broker runs for us alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.broker.probe import accepts, greets, wait_until

STATE_VARIABLE = "BROKER_STATE"
KILL, START = signal.SIGUSR1, signal.SIGUSR2  # what the supervisor does on them
SECONDS = 120.0

USAGE = """\
Usage: scripts/broker-ctl COMMAND, within a command that scripts/with-broker runs.

  kill                  kill the node as a power cut would
  start                 start it again, and wait until it takes connections
  stop_app, start_app   stop and start RabbitMQ within the running node
  rabbitmqctl ARGS…     any rabbitmqctl command, on this node
"""


@dataclass(frozen=True, slots=True)
class State:
    """What broker-ctl must know of the node."""

    supervisor: int
    port: int
    rabbitmqctl: list[str]
    environment: dict[str, str]

    def save(self, path: Path) -> None:
        """Write it where only we can read it: it leads to the node's cookie."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> State:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Carry out one command and return its exit code; 2 for a command that is not known, 4 without a node."""
    path = environment.get(STATE_VARIABLE)
    if not path:
        print(
            "broker-ctl: no node to control: it works within 'scripts/with-broker COMMAND', and only where "
            "AMQP_URL was not set before, so that the broker is a private one.",
            file=sys.stderr,
        )
        return 4
    state = State.load(Path(path))
    match list(arguments):
        case ["kill"]:
            os.kill(state.supervisor, KILL)
            return _waited(wait_until(lambda: not accepts("127.0.0.1", state.port), SECONDS), "stop")
        case ["start"]:
            os.kill(state.supervisor, START)
            return _waited(wait_until(lambda: greets("127.0.0.1", state.port), SECONDS), "start")
        case ["stop_app" | "start_app" as command]:
            return _rabbitmqctl(state, ["--silent", command])
        case ["rabbitmqctl", *rest]:
            return _rabbitmqctl(state, rest)
        case _:
            print(USAGE, file=sys.stderr, end="")
            return 2


def _rabbitmqctl(state: State, arguments: Sequence[str]) -> int:
    return subprocess.run([*state.rabbitmqctl, *arguments], env=state.environment, check=False).returncode


def _waited(done: bool, verb: str) -> int:
    if not done:
        print(f"broker-ctl: the node did not {verb} within {SECONDS:.0f} s.", file=sys.stderr)
    return 0 if done else 1
