"""Asking until something is so."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable


def accepts(host: str, port: int, timeout: float = 2.0) -> bool:
    """Tell whether anything listens there."""
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError:
        return False
    return True


def _never() -> bool:
    return False


def wait_until(
    condition: Callable[[], bool],
    seconds: float,
    *,
    interval: float = 0.05,
    give_up: Callable[[], bool] = _never,
) -> bool:
    """Ask again and again until the condition holds; False after `seconds`, or once `give_up` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline or give_up():
            return False
        time.sleep(interval)
    return True
