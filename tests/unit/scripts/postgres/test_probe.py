"""Telling a PostgreSQL from anything else that listens."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from scripts.postgres.probe import SSL_REQUEST, greets, url_answers
from scripts.services.ports import free_ports


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A server that takes one connection and gives the same answer to anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(len(SSL_REQUEST))
                connection.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "is_a_server"),
    [(b"S", True), (b"N", True), (b"HTTP/1.1 400 Bad Request", False), (b"", False)],
)
def test_only_a_server_that_answers_about_tls_is_one(answer: bytes, is_a_server: bool) -> None:
    with listening(answer) as port:
        assert greets("127.0.0.1", port) is is_a_server


def test_nothing_answers_where_nothing_listens() -> None:
    (port,) = free_ports(1)
    assert not url_answers(f"postgresql+asyncpg://kit:kit@127.0.0.1:{port}/kit", seconds=0)
