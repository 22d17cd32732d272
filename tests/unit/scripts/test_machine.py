"""Ports: free ones, and one that is held for a program that comes and goes."""

import socket
from pathlib import Path

import pytest

from scripts.machine import HIGHEST, free_ports, hold_port


def test_free_ports_differ_can_be_listened_on_and_are_never_an_outgoing_connections() -> None:
    """Given the range that this system takes local ports from, ours lie below it."""
    chosen = free_ports(5)
    assert len(set(chosen)) == 5
    for port in chosen:
        socket.create_server(("127.0.0.1", port)).close()
    assert int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]) > HIGHEST


def test_a_held_port_is_its_programs_each_time_and_nobody_elses_in_between() -> None:
    with hold_port() as held:
        where = held.getsockname()
        for _ in range(2):
            socket.create_server(where).close()  # as a server listens, with SO_REUSEADDR
            with socket.socket() as another, pytest.raises(OSError, match="in use"):
                another.bind(where)  # as `free_ports` asks
    socket.create_server(where).close()
