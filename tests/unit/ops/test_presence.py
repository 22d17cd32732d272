"""A worker's presence in the ledger: what it says when the ledger fails in part."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, beside, run
from worker.errors import LedgerUnavailable
from worker.ledger.connecting import Connected
from worker.ledger.registry import Registry
from worker.ops.presence import Presence


class ReadsOnly:
    """A ledger on a full disk: it is read well."""

    full = True
    ledger = SimpleNamespace(clock=VirtualClock())

    async def paused(self) -> dict[str, float]:
        return {}

    async def epochs(self) -> dict[str, int]:
        return {}

    async def beat(self, _state: object) -> None:
        if self.full:
            raise LedgerUnavailable("the disk is full")


async def no_accounts() -> dict[str, Connected]:
    """No account is connected by OAuth."""
    return {}


class Quiet(Presence):
    """Prunes nothing."""

    async def _prune(self) -> None:
        pass


def test_a_ledger_that_can_only_be_read_is_said_once_and_its_end_once() -> None:
    async def main() -> None:
        registry = ReadsOnly()
        nobody = cast("Any", SimpleNamespace(connected=no_accounts, accounts=dict, running={}))
        presence = Quiet(cast("Registry", registry), nobody, nobody, nobody, 1)
        async with beside(presence.run()) as working:
            await asyncio.sleep(60)
            registry.full = False
            await asyncio.sleep(60)
            assert not working.done()

    with capture_logs() as logs:
        run(main())
    assert [line["event"] for line in logs] == ["presence_lost", "presence_back"]
