"""Why RabbitMQ lets nobody in: a sentence with the cause, and the setting or command that mends it."""

from __future__ import annotations

from typing import Final

from aio_pika import exceptions
from aiormq.exceptions import IncompatibleProtocolError, ProtocolSyntaxError

from worker.outside.network import why

_LOGIN: Final = "refuses this user name and password: correct them in AMQP_URL"
_NOT_AMQP: Final = (
    "what answers there does not speak AMQP: correct host and port in AMQP_URL (5672; RabbitMQ's pages have "
    "another one), or write amqps:// where it wants TLS"
)
_WITHOUT_A_WORD: Final = (
    "ends the connection without a word: RabbitMQ is not up behind it (wait, or start it), or it wants TLS "
    "(write amqps://), or it is something else (correct host and port in AMQP_URL)"
)
"""A proxy, such as Docker's for published ports, takes connections also while nobody is there."""


def refusal(error: BaseException, vhost: str) -> str:
    """Return why a connection could not be opened.

    Args:
        error: Of the library.
        vhost: The virtual host that was asked for.
    """
    if isinstance(error, exceptions.AuthenticationError | exceptions.ProbableAuthenticationError):
        return _LOGIN
    if isinstance(error, exceptions.ConnectionClosed):
        return _closed(str(error), vhost)
    if isinstance(error, ProtocolSyntaxError | IncompatibleProtocolError):
        return _NOT_AMQP
    if "unexpectedly closed" in str(error):  # aiormq's text, where what came is shorter than any frame
        return _WITHOUT_A_WORD if "Read 0 bytes but 1 " in str(error) else _NOT_AMQP
    return f"cannot be reached: {why(error)}; correct AMQP_URL, or start RabbitMQ"


def _closed(said: str, vhost: str) -> str:
    """Return what RabbitMQ means by the words with which it closes (`rabbit_reader.erl`, 530 and 541)."""
    if "limit" in said:
        return f"takes no more connections: {said}; close others, or raise the limit in RabbitMQ"
    if "not found" in said:
        return (
            f"has no virtual host {vhost}: correct the end of AMQP_URL (%2F is /), or make it: rabbitmqctl "
            f"add_vhost {vhost}"
        )
    if "refused for user" in said:
        return (
            f"gives this user no right on the virtual host {vhost}: rabbitmqctl set_permissions -p {vhost} "
            "USER …, or correct the end of AMQP_URL"
        )
    return f"refuses the connection: {said}"
