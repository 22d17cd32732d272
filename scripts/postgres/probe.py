"""Does PostgreSQL answer at an address?"""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from scripts.services.waiting import wait_until

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
YES_OR_NO = {b"S", b"N"}
PORT = 5432


def greets(host: str, port: int, timeout: float = 2.0) -> bool:
    """Tell whether PostgreSQL listens there: asked whether it would speak TLS, it says yes or no."""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.settimeout(timeout)
            connection.sendall(SSL_REQUEST)
            return connection.recv(1) in YES_OR_NO
    except OSError:
        return False


def url_answers(url: str, seconds: float = 5.0) -> bool:
    """Tell whether the server of a database URL answers within `seconds`.

    One without a host is that of a socket in the file system; it is taken as it is.
    """
    parts = urlsplit(url)
    host, port = parts.hostname, parts.port or PORT
    return host is None or wait_until(lambda: greets(host, port), seconds, interval=0.5)
