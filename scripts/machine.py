"""Programs that never outlive us, ports that nobody uses, and services that answer."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Below the range from which systems take the local port of an outgoing connection. A client that knocks at a
# stopped service's port again and again would otherwise one day be given that very port, connect to itself,
# and keep the service from starting again.
LOWEST, HIGHEST = 20_000, 32_000


def bound_to_us(argv: Sequence[str], last_signal: str, user: str | None = None) -> list[str]:
    """Return the command line whose process gets `last_signal` should we be killed outright.

    With `user` (only root may give one) it runs as that user. Where the system has no setpriv (it is part of
    util-linux) the command line stays as it is: then only an orderly end of ours ends the process too.
    """
    as_user = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
    setpriv = shutil.which("setpriv")
    return [setpriv, *as_user, "--pdeathsig", last_signal, "--", *argv] if setpriv else list(argv)


def start_program(
    argv: Sequence[str], environment: Mapping[str, str], log: Path, last_signal: str = "KILL",
    user: str | None = None,
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start a background program in its log's folder and a session of its own, out of reach of Ctrl-C."""
    with log.open("ab") as output:
        return subprocess.Popen(
            bound_to_us(argv, last_signal, user), env=environment, cwd=log.parent,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def runs(process: subprocess.Popen[bytes] | None) -> bool:
    """Tell whether a program was started and has not ended."""
    return process is not None and process.poll() is None


def kill_program(process: subprocess.Popen[bytes] | None) -> None:
    """Kill a program of `start_program` with all of its session's group, and wait for its end."""
    if process is not None and runs(process):
        with contextlib.suppress(ProcessLookupError):  # it may end by itself meanwhile
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.05) -> bool:
    """Ask again and again until the condition holds; False when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(interval)
    return True


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    return free_ports(1)[0]


def hold_port() -> socket.socket:
    """Return a socket that keeps a free loopback port for a program that is started again and again.

    It does not listen, so a server with SO_REUSEADDR may (socket(7)). Until it is closed nobody else finds
    the port free, also while that program is away.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", free_port()))
    return held


def free_ports(count: int) -> list[int]:
    """Return loopback ports, all different, that were free a moment ago."""
    ports = [port for port in random.sample(range(LOWEST, HIGHEST), 200) if _is_free(port)]
    if len(ports) < count:
        raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST} on the loopback address")
    return ports[:count]


def _is_free(port: int) -> bool:
    with socket.socket() as candidate, contextlib.suppress(OSError):
        candidate.bind(("127.0.0.1", port))
        return True
    return False


def answers(host: str, port: int, greeting: bytes, expected: tuple[bytes, ...]) -> bool:
    """Tell whether a service there answers a greeting with one of the expected beginnings."""
    try:
        with socket.create_connection((host, port), timeout=2.0) as connection:
            connection.sendall(greeting)
            return connection.recv(len(expected[0])) in expected
    except OSError:
        return False
