"""Usage: scripts/broker-ctl COMMAND, within a command that scripts/with-broker runs, or
scripts/postgres-ctl COMMAND, within one that scripts/with-postgres runs: faults on purpose.

  kill                kill the service as a power cut would
  start               start it again, and wait until it works
  stop                (postgres-ctl) stop it in good order, without waiting for its clients
  rabbitmqctl ARGS…   (broker-ctl) any rabbitmqctl command, on that node
"""  # noqa: D205  it is what the programs print

# The service belongs to the process that started it, so that process carries the commands out. The control
# programs ask it to, at a socket in the service's folder, where only its owner may look.

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import NamedTuple


class Answer(NamedTuple):
    """What came of a command: an exit code, and what to print."""

    code: int = 0
    out: str = ""
    err: str = ""


def serve(path: str, carry_out: Callable[[Sequence[str]], Answer]) -> Listener:
    """Carry out the commands that arrive at a socket, one after the other, until it is closed.

    One thread does it all: what a thread starts is bound to its life.
    """
    listener = Listener(path)

    def answer() -> None:
        while True:
            try:
                connection = listener.accept()
            except OSError:  # closed
                return
            with connection, contextlib.suppress(OSError, EOFError):  # whoever asked may have gone
                connection.send(carry_out(connection.recv()))

    Thread(target=answer, daemon=True).start()
    return listener


def main(name: str, url: str, arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> int:
    """Have the service of this name carry out a command and return its exit code; 4 where none is private."""
    path = environment.get(f"{name.upper()}_CONTROL")
    if not path:
        print(
            f"{name}-ctl: there is nothing to control: it works within 'scripts/with-{name} COMMAND', and "
            f"only where {url} was not set before, so that what it stops is private.",
            file=sys.stderr,
        )
        return 4
    with Client(path) as connection:
        connection.send(list(arguments))
        answer = Answer(*connection.recv())
    print(answer.out, end="")
    print(answer.err, end="", file=sys.stderr)
    return answer.code
