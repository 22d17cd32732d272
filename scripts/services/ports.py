"""Ports that nobody uses now."""

from __future__ import annotations

import random
import socket

# Below the range from which systems take the local port of an outgoing connection. A client that knocks at a
# stopped service's port again and again would otherwise one day be given that very port, connect to itself,
# and keep the service from starting again.
LOWEST, HIGHEST = 20_000, 32_000
ATTEMPTS = 200


def free_ports(count: int) -> list[int]:
    """Return loopback ports, all different, that were free a moment ago.

    Raises:
        OSError: none was found.
    """
    ports: list[int] = []
    for port in random.sample(range(LOWEST, HIGHEST), ATTEMPTS):
        if len(ports) == count:
            return ports
        if _is_free(port):
            ports.append(port)
    raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST} on the loopback address")


def _is_free(port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
