"""Free ports."""

import socket
from pathlib import Path

from scripts.services import ports
from scripts.services.ports import free_ports


def test_they_differ_and_can_be_listened_on() -> None:
    chosen = free_ports(5)
    assert len(set(chosen)) == 5
    for port in chosen:
        socket.create_server(("127.0.0.1", port)).close()


def test_no_outgoing_connection_is_ever_given_one() -> None:
    """Given the range that this system takes local ports from, ours lie below it."""
    lowest_local = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert lowest_local > ports.HIGHEST
