"""Telling a RabbitMQ from anything else that listens."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from scripts.broker.probe import AMQP_HEADER, greets, url_answers
from scripts.services.ports import free_ports

CONNECTION_START = b"\x01\x00\x00\x00\x00\x01\xf0\x00\x0a\x00\x0a"
HTTP_REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A server that takes one connection, reads the protocol header and gives the same answer to anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(len(AMQP_HEADER))
                connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "is_a_broker"), [(CONNECTION_START, True), (HTTP_REFUSAL, False), (b"", False)]
)
def test_only_a_server_that_begins_an_amqp_connection_is_a_broker(answer: bytes, is_a_broker: bool) -> None:
    with listening(answer) as port:
        assert greets("127.0.0.1", port) is is_a_broker


def test_nothing_answers_at_a_port_where_nothing_listens() -> None:
    (port,) = free_ports(1)
    assert not greets("127.0.0.1", port)
    assert not url_answers(f"amqp://127.0.0.1:{port}/", seconds=0)


def test_behind_tls_a_listening_port_is_enough() -> None:
    """Given amqps, the probe leaves the handshake, and so the certificate, to the worker."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert url_answers(f"amqps://127.0.0.1:{server.getsockname()[1]}/", seconds=0)
