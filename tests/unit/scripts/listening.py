"""Something that listens, and is asked whether it is a RabbitMQ or a PostgreSQL."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

HTTP_REFUSAL = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """A server that takes one connection and gives the same answer to anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(8)
                connection.sendall(answer)

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
