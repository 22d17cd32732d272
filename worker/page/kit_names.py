"""The tags and custom fields that each Kit account has, for those who type their names: asked for seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit
from worker.clock import Clock
from worker.errors import KitWorkerError
from worker.kit.access import KitAccess
from worker.ops.lint_kit import read_kit
from worker.outside.texts import harmless

log = structlog.get_logger()

KEPT_FOR: Final = 600.0
"""Seconds for which lists are good enough to type by: two calls in ten minutes are nothing to Kit's limit."""
AGAIN_AFTER: Final = 60.0
"""Seconds after which Kit is asked again where it did not answer."""


@dataclass(frozen=True, slots=True)
class KitLists:
    """What one Kit account has.

    Attributes:
        tags: Their names.
        fields: The labels of its custom fields.
        at_kit: The same, with what Kit says of each; None where Kit has not said so.
    """

    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    at_kit: AtKit | None = None

    @property
    def is_known(self) -> bool:
        """Whether Kit has said what it has."""
        return self.at_kit is not None


@dataclass(slots=True)
class KitNames:
    """Remembers what Kit has, and asks again in the background: nobody waits for it, and no tab costs a call.

    Args:
        kit: The way to Kit.
        clock: The time.
    """

    kit: KitAccess
    clock: Clock
    _known: dict[str, KitLists] = field(default_factory=dict)
    _next: dict[str, float] = field(default_factory=dict)
    _asked: asyncio.Queue[Account] = field(default_factory=asyncio.Queue)

    def of(self, account: Account) -> KitLists:
        """Return what is known by now, and have Kit asked where that is old."""
        now = self.clock.monotonic()
        if account.credential is not None and now >= self._next.get(account.name, 0.0):
            self._next[account.name] = now + AGAIN_AFTER
            self._asked.put_nowait(account)
        return self._known.get(account.name, KitLists())

    async def run(self) -> None:
        """Ask Kit, one account after the other, until cancelled."""
        while True:
            account = await self._asked.get()
            try:
                self._known[account.name] = await self._read(account)
                self._next[account.name] = self.clock.monotonic() + KEPT_FOR
            except KitWorkerError as error:
                log.info("page_kit_names_not_read", account=account.name, problem=str(error))
            self._asked.task_done()

    async def _read(self, account: Account) -> KitLists:
        if account.credential is None:
            raise AssertionError("an account without a credential is not asked for")
        async with self.kit.client(account.name, account.credential) as client:
            found = await read_kit(client)
        return KitLists(
            _sorted(tag.name for tag in found.tags), _sorted(each.label for each in found.fields), found
        )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(map(harmless, names)), key=str.lower))
