"""Free ports."""

import socket
from pathlib import Path

from scripts.machine import HIGHEST, free_ports


def test_free_ports_differ_can_be_listened_on_and_are_never_an_outgoing_connections() -> None:
    """Given the range that this system takes local ports from, ours lie below it."""
    chosen = free_ports(5)
    assert len(set(chosen)) == 5
    for port in chosen:
        socket.create_server(("127.0.0.1", port)).close()
    assert int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]) > HIGHEST
