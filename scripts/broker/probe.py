"""Does RabbitMQ answer at an address?"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from scripts.services.waiting import accepts, wait_until

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


def url_answers(url: str, seconds: float = 5.0) -> bool:
    """Tell whether the broker of an AMQP URL answers within `seconds`.

    Behind TLS only the port is tried: the certificate is the worker's to judge.
    """
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme == "amqps":
        return wait_until(lambda: accepts(host, parts.port or 5671), seconds, interval=0.5)
    return wait_until(lambda: greets(host, parts.port or 5672), seconds, interval=0.5)
