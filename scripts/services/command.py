"""The command that a private service is for: its life, its signals, its exit code."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from scripts.services.processes import bound_to_us

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Actions = Mapping[signal.Signals, Callable[[], None]]


def refused(program: str, usage: str, command: Sequence[str]) -> int | None:
    """Return the exit code for a command that cannot be run, having said why; None where it can be."""
    if not command or command[0] in {"-h", "--help"}:
        print(usage, file=sys.stderr, end="")
        return 2
    if shutil.which(command[0]) is None:
        print(f"{program}: there is no command '{command[0]}' here.", file=sys.stderr)
        return 127
    return None


def end_on_signals() -> None:
    """Let a signal that ends us run what tidies up, for as long as no command runs."""

    def end(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    for ending in ENDING:
        signal.signal(ending, end)


def let_nothing_interrupt() -> None:
    """Ignore what would end us: an impatient second Ctrl-C must leave nothing behind."""
    for ending in ENDING:
        signal.signal(ending, signal.SIG_IGN)


def run(command: Sequence[str], environment: Mapping[str, str], actions: Actions) -> int:
    """Run the command and return its exit code, 128 more than the signal if one ended it.

    Signals that ask for an end go to the command, which decides. Those of `actions` are carried out here, one
    after the other: a start that is asked for while a kill is under way comes after it.
    """
    with _arriving({*ENDING, signal.SIGCHLD, *actions}) as signals:
        process = subprocess.Popen(bound_to_us(command, "TERM"), env=dict(environment))
        while process.poll() is None:
            for number in signals.recv(64):
                if number in actions:
                    actions[signal.Signals(number)]()
                elif number in ENDING and not (number == signal.SIGINT and _terminal_is_ours()):
                    process.send_signal(number)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


@contextmanager
def _arriving(numbers: set[signal.Signals]) -> Iterator[socket.socket]:
    """Give a socket from which each of these signals can be read, as a byte."""
    receiver, sender = socket.socketpair()
    with receiver, sender:
        sender.settimeout(0)
        signal.set_wakeup_fd(sender.fileno())
        for number in numbers:
            signal.signal(number, lambda *_: None)  # the byte in the socket is all that it does
        try:
            yield receiver
        finally:
            signal.set_wakeup_fd(-1)


def _terminal_is_ours() -> bool:
    """Tell whether the terminal's Ctrl-C reaches the command too: it shares our foreground group."""
    try:
        with Path("/dev/tty").open(encoding="utf-8") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False
