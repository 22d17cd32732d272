"""Does RabbitMQ answer at an address?"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME_ON_CHANNEL_0 = b"\x01\x00\x00"


def greets(host: str, port: int, timeout: float = 2.0) -> bool:
    """Tell whether a broker speaks AMQP 0-9-1 there: it answers the protocol header with connection.start."""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(AMQP_HEADER)
            return connection.recv(3) == METHOD_FRAME_ON_CHANNEL_0
    except OSError:
        return False


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


def url_answers(url: str, seconds: float = 5.0) -> bool:
    """Tell whether the broker of an AMQP URL answers within `seconds`.

    Behind TLS only the port is tried: the certificate is the worker's to judge.
    """
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "amqps":
        return wait_until(lambda: accepts(host, parts.port or 5671), seconds, interval=0.5)
    return wait_until(lambda: greets(host, parts.port or 5672), seconds, interval=0.5)


def without_password(url: str) -> str:
    """Return the URL as it may be shown."""
    parts = urlsplit(url)
    login, at, address = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}:***{at}{address}" if at else address, query="").geturl()
