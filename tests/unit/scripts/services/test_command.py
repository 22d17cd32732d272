"""The life of the command that a service is for, as a program that runs one sees it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SUPERVISOR = """
import os, signal, sys, time
from scripts.services.command import run
def kill():
    print("kill begins", flush=True)
    os.kill(os.getpid(), signal.SIGUSR2)
    time.sleep(0.1)
    print("kill ends", flush=True)
def start():
    print("start", flush=True)
sys.exit(run(sys.argv[1:], os.environ, {signal.SIGUSR1: kill, signal.SIGUSR2: start}))
"""


@contextmanager
def supervised(script: str) -> Iterator[subprocess.Popen[str]]:
    """A supervisor that runs a shell script, which says "up" when signals may come."""
    running = subprocess.Popen(  # noqa: S603  the code above
        [sys.executable, "-c", SUPERVISOR, "sh", "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137)])
def test_it_exits_as_the_command_did(script: str, code: int) -> None:
    with supervised(script) as running:
        assert running.wait(timeout=20) == code


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_a_signal_that_asks_for_an_end_is_the_commands_to_answer(name: str) -> None:
    """Given a command that tidies up on that signal, it gets the time to, and its exit code counts."""
    with supervised(f"trap 'echo tidied; exit 3' {name}; echo up; while :; do sleep 0.05; done") as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "up\n"
        running.send_signal(signal.Signals[f"SIG{name}"])
        assert running.stdout.readline() == "tidied\n"
        assert running.wait(timeout=20) == 3


def test_one_action_comes_after_the_other() -> None:
    """Given a start that is asked for while a kill is under way, it happens once that is done."""
    with supervised("echo up; kill -USR1 $PPID; sleep 1") as running:
        said, _ = running.communicate(timeout=20)
    assert said.splitlines() == ["up", "kill begins", "kill ends", "start"]
