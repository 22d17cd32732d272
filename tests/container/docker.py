"""Docker's command line."""

from __future__ import annotations

import subprocess
import time


class TrialFailed(Exception):
    """Something is not as it should be; the text says what."""


def timed(*command: str) -> float:
    """Run a command, and return the seconds that it took."""
    started = time.monotonic()
    run(*command)
    return time.monotonic() - started


def run(*command: str, stderr: int = subprocess.PIPE) -> str:
    """Return what a command says.

    Raises:
        TrialFailed: It ended with another code than 0.
    """
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=stderr, text=True, check=False)  # noqa: S603  # our own commands
    except FileNotFoundError as error:
        raise TrialFailed("there is no docker command: install Docker with its compose plugin") from error
    if done.returncode:
        raise TrialFailed(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout
