"""`scripts/postgres-ctl`: faults on purpose, on the server that scripts/with-postgres runs for us alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scripts.services.waiting import accepts, wait_until

STATE_VARIABLE = "POSTGRES_STATE"
# What the supervisor does on them.
KILL, START, STOP = signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM
SECONDS = 60.0

USAGE = """\
Usage: scripts/postgres-ctl COMMAND, within a command that scripts/with-postgres runs.

  kill     kill the whole server as a power cut would
  stop     stop it in good order, without waiting for its clients
  start    start it again, and wait until it takes connections
"""


@dataclass(frozen=True, slots=True)
class State:
    """What postgres-ctl must know of the server."""

    supervisor: int
    port: int
    pid_file: str
    asks_whether_ready: list[str]

    def save(self, path: Path) -> None:
        """Write it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> State:
        """Read what `save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def main(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Carry out one command and return its exit code; 2 for one that is not known, 4 without a server."""
    path = environment.get(STATE_VARIABLE)
    if not path:
        print(
            "postgres-ctl: no server to control: it works within 'scripts/with-postgres COMMAND', and only "
            "where POSTGRES_URL was not set before, so that the server is a private one.",
            file=sys.stderr,
        )
        return 4
    state = State.load(Path(path))
    match list(arguments):
        case ["kill"]:
            return _ask(state, KILL, "stop", lambda: not accepts("127.0.0.1", state.port))
        case ["stop"]:
            return _ask(state, STOP, "stop", lambda: not _is_running(state))
        case ["start"]:
            return _ask(state, START, "start", lambda: _is_ready(state))
        case _:
            print(USAGE, file=sys.stderr, end="")
            return 2


def _ask(state: State, number: signal.Signals, verb: str, done: Callable[[], bool]) -> int:
    os.kill(state.supervisor, number)
    if wait_until(done, SECONDS):
        return 0
    print(f"postgres-ctl: the server did not {verb} within {SECONDS:.0f} s.", file=sys.stderr)
    return 1


def _is_running(state: State) -> bool:
    try:
        with Path(state.pid_file).open(encoding="ascii") as file:
            os.kill(int(file.readline()), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return True


def _is_ready(state: State) -> bool:
    return subprocess.run(state.asks_whether_ready, check=False).returncode == 0
