"""Sockets to Kit: what may not be sent any more is never sent, neither by this process nor by the kernel."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from aiohttp import AddrInfoType


class _Socket(socket.socket):
    """Writes only while it may, which is asked right before the kernel is.

    A process that is frozen, and goes on when another worker has the account, would else still send what it
    was about to. (asyncio's own loop writes by these two methods; others may not.)
    """

    may_write: Callable[[], bool]

    def send(self, data: Any, flags: int = 0, /) -> int:  # noqa: ANN401  # whatever a socket takes
        self._check()
        return super().send(data, flags)

    def sendmsg(self, *arguments: Any) -> int:  # noqa: ANN401  # as above
        self._check()
        return super().sendmsg(*arguments)

    def _check(self) -> None:
        if not self.may_write():
            raise ConnectionAbortedError("this call was allowed too long ago")


def sockets(timeout: float, may_write: Callable[[], bool]) -> Callable[[AddrInfoType], socket.socket]:
    """Return what makes sockets that send nothing any more once they are closed.

    A call that had no answer in time is repeated, and newer ones follow. What of it the network has not
    delivered yet would otherwise still be sent by the kernel, for minutes, and undo them when it arrives.
    """

    def make(address: AddrInfoType) -> socket.socket:
        made = _Socket(*address[:3])
        made.may_write = may_write
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(timeout * 1000))
        return made

    return make
