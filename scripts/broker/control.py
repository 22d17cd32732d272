"""`scripts/broker-ctl`: faults on purpose, on the node that scripts/with-broker runs for us alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.broker.probe import greets
from scripts.services.waiting import accepts, wait_until

STATE_VARIABLE = "BROKER_STATE"
KILL, START = signal.SIGUSR1, signal.SIGUSR2  # what the supervisor does on them
SECONDS = 120.0
# RabbitMQ notes a new queue on disk up to half a second after it has confirmed it. Killed before that, 3.10
# comes back with a queue that has no leader and never answers: a fault that no test here is about.
SECONDS_TO_NOTE_A_QUEUE = 1.0
# After a start each replicated queue elects a leader, which takes a few seconds; only then does it answer.
QUEUES_WITHOUT_LEADER = "[Queue || Queue <- ets:tab2list(ra_state), element(2, Queue) =/= leader]."

USAGE = """\
Usage: scripts/broker-ctl COMMAND, within a command that scripts/with-broker runs.

  kill                  kill the node as a power cut would
  start                 start it again, and wait until connections and queues work
  stop_app              stop RabbitMQ in good order, within the running node
  start_app             start it again, and wait likewise
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
    return _carry_out(list(arguments), State.load(Path(path)))


def _carry_out(arguments: list[str], state: State) -> int:
    match arguments:
        case ["kill"]:
            code = _kill(state)
        case ["start"]:
            os.kill(state.supervisor, START)
            code = _wait_until_it_works(state)
        case ["stop_app"]:
            code = _rabbitmqctl(state, ["--silent", "stop_app"])
        case ["start_app"]:
            code = _rabbitmqctl(state, ["--silent", "start_app"]) or _wait_until_it_works(state)
        case ["rabbitmqctl", *rest]:
            code = _rabbitmqctl(state, rest)
        case _:
            print(USAGE, file=sys.stderr, end="")
            code = 2
    return code


def _kill(state: State) -> int:
    time.sleep(SECONDS_TO_NOTE_A_QUEUE)
    os.kill(state.supervisor, KILL)
    ended = wait_until(lambda: not accepts("127.0.0.1", state.port), SECONDS)
    return _said(ended, "stop")


def _wait_until_it_works(state: State) -> int:
    return _said(wait_until(lambda: _works(state), SECONDS), "start")


def _rabbitmqctl(state: State, arguments: Sequence[str]) -> int:
    return subprocess.run([*state.rabbitmqctl, *arguments], env=state.environment, check=False).returncode


def _works(state: State) -> bool:
    if not greets("127.0.0.1", state.port):
        return False
    ask = [*state.rabbitmqctl, "--silent", "eval", QUEUES_WITHOUT_LEADER]
    answer = subprocess.run(ask, env=state.environment, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == "[]"


def _said(done: bool, verb: str) -> int:
    if not done:
        print(f"broker-ctl: the node did not {verb} within {SECONDS:.0f} s.", file=sys.stderr)
    return 0 if done else 1
