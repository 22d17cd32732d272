"""One connection to RabbitMQ: its address, how it is opened, and how it fails.

The connections are aiormq's, the layer under aio-pika: its robust connections hide a lost consumer, and its
messages raise on odd properties, where we need to see both.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiormq
from yarl import URL

from worker.broker import frames
from worker.errors import BrokerUnavailable

HEARTBEAT: Final = 20
"""Seconds. RabbitMQ gives a silent worker's queues away after two of them."""
RPC_TIMEOUT: Final = 15.0
"""Seconds for connecting and for each command; aiormq itself waits for ever."""
CLOSE_TIMEOUT: Final = 3.0

FAILURES: Final = (aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError, EOFError, ValueError)
"""What aiormq raises when a connection or channel is gone, refused or broken."""


@asynccontextmanager
async def answered_within(seconds: float = RPC_TIMEOUT) -> AsyncIterator[None]:
    """Bound commands to the broker, which aiormq itself waits for without end.

    Raises:
        TimeoutError: They took longer.
        ConnectionAbortedError: aiormq gave them up, which it says with a `CancelledError`; that would pass
            for the cancellation of the task that asked, and end it in silence.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionAbortedError("the connection closed meanwhile") from error


def check_amqp_url(url: str) -> URL:
    """Return the URL with our heartbeat.

    Raises:
        ValueError: It is no AMQP URL, or asks for TLS without verification; the text does not repeat it.
    """
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ValueError("must look like amqp://user:password@host:5672/")
    if "no_verify_ssl" in parsed.query:
        raise ValueError("no_verify_ssl would accept any server; give the CA's file with cafile=… instead")
    return parsed.update_query(heartbeat=HEARTBEAT)


def mask_url(url: str | URL) -> str:
    """Return a URL as it may be shown, without its password and query."""
    parsed = URL(url)
    return str((parsed.with_password("***") if parsed.password else parsed).with_query(None))


async def connect(url: URL, name: str) -> aiormq.abc.AbstractConnection:
    """Open one connection, within `RPC_TIMEOUT`.

    Raises:
        BrokerUnavailable: With a sentence that names the broker and the likely cause, without the password.
    """
    frames.install()
    where = mask_url(url)
    try:
        async with answered_within(RPC_TIMEOUT):
            return await aiormq.connect(url.update_query(name=name))
    except (aiormq.exceptions.AuthenticationError, aiormq.exceptions.ProbableAuthenticationError) as error:
        raise BrokerUnavailable(f"{where}: refuses this user name and password") from error
    except aiormq.exceptions.ConnectionClosed as error:
        raise BrokerUnavailable(f"{where}: refuses the connection: {error}") from error
    except ssl.SSLError as error:
        raise BrokerUnavailable(f"{where}: TLS failed: {error.reason}") from error
    except TimeoutError as error:
        raise BrokerUnavailable(f"{where}: no answer within {RPC_TIMEOUT:.0f} s") from error
    except FAILURES as error:
        raise BrokerUnavailable(f"{where}: cannot be reached ({type(error).__name__})") from error


async def close_quietly(closable: aiormq.abc.AbstractConnection | aiormq.abc.AbstractChannel) -> None:
    """Close a connection or channel that may be broken already, within `CLOSE_TIMEOUT`."""
    if closable.is_closed:
        return
    # In a task of its own, because aiormq's close may itself raise CancelledError, which must not be mistaken
    # for, nor hide, the cancellation of the caller.
    closing = asyncio.ensure_future(closable.close())
    try:
        await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT)
    finally:
        if not closing.done():
            closing.cancel()
        elif not closing.cancelled():
            closing.exception()  # there is nothing left to do about it
