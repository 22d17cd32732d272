"""Why something on the network cannot be reached: what a system call, TLS or a resolver says, in words."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from worker.outside.texts import line

_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")
"""asyncio puts the failures of several addresses of a host into one text, and has no number for them."""
_ENDED: Final = "the other side ended the connection"
_ERRORS: Final = {
    errno.ECONNREFUSED: "the connection is refused: nobody listens there",
    errno.ECONNRESET: _ENDED,
    errno.EPIPE: _ENDED,
    errno.ECONNABORTED: "the connection was given up",
    errno.EHOSTUNREACH: "no way leads to this host",
    errno.ENETUNREACH: "no way leads to its network",
    errno.ETIMEDOUT: "no answer",
    errno.EMFILE: "this process has no file descriptor left",
}
# The numbers are OpenSSL's: `x509_vfy.h`, X509_V_ERR_….
_CERTIFICATE: Final = {
    9: "its certificate is not valid yet (or this machine's clock is wrong)",
    10: "its certificate has expired (or this machine's clock is wrong)",
    18: "its certificate is signed by itself",
    19: "its certificate is of an authority that is not known here",
    20: "its certificate is of an authority that is not known here",
    21: "its certificate is of an authority that is not known here",
    62: "its certificate is of another name",
    64: "its certificate is of another address",
}


def why(error: BaseException) -> str:
    """Return in words why a connection failed, by the error or what lies behind it."""
    said = next((words for each in _behind(error) if (words := _words(each))), "")
    if said:
        return said
    ended = isinstance(error, EOFError | ConnectionError | asyncio.IncompleteReadError)
    return _ENDED if ended or "Disconnected" in type(error).__name__ else type(error).__name__


def not_listening(error: OSError, host: str, port: int) -> str:
    """Return in words why nobody can listen at an address of this machine."""
    if isinstance(error, socket.gaierror):
        return f"{host} is no name or address of this machine"
    known = {
        errno.EADDRINUSE: f"port {port} of {host} is taken: another program listens there",
        errno.EACCES: f"port {port} is not for every user to listen on; take one above 1023",
        errno.EADDRNOTAVAIL: f"{host} is no address of this machine",
    }
    number = _number(error)
    return known.get(number or 0, f"port {port} of {host} cannot be listened on ({why(error)})")


def _words(error: BaseException) -> str:
    """Return what one error says by itself; empty for nothing."""
    if isinstance(error, ssl.SSLCertVerificationError):
        refused = line(f"its certificate is refused: {error.verify_message}", 200)
        return _CERTIFICATE.get(error.verify_code, refused)
    if isinstance(error, ssl.SSLError):
        return line(f"TLS failed ({error.reason}): perhaps the other side speaks none", 200)
    if isinstance(error, socket.gaierror):
        again = error.errno == socket.EAI_AGAIN
        return "no name server answers" if again else "there is no host of this name"
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionError) and "SSL" in str(error):  # asyncpg's words, without a number
        return "it speaks no TLS, which is asked for"
    number = _number(error) if isinstance(error, OSError) else None
    return _ERRORS.get(number, os.strerror(number)) if number else ""


def _behind(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes, the innermost first: libraries wrap them, and lose what they say."""
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or getattr(following, "os_error", None) or following.__context__
    yield from reversed(chain)


def _number(error: OSError) -> int | None:
    if error.errno:
        return error.errno
    found = _ERRNO.search(line(str(error)))
    return int(found[1]) if found else None
