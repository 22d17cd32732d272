"""What may happen to account files: nobody is wrong afterwards, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.chaos import configuration_faults
from tests.chaos.harness import Arena
from tests.integration.expected import make_events
from tests.integration.harness import until

pytestmark = pytest.mark.timeout(120)


async def test_half_written_file(arena: Arena) -> None:
    """Given a file that is saved in two halves, the account goes on as before, and the fault is named."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on(), configuration_faults.half_written(arena):
            await until(lambda: "config_invalid" in arena.worker.events_logged())
            settled = len(arena.outcomes().of)
            await arena.settled(settled + 20)
            _, body = await arena.worker.ready()
            account = body["accounts"][arena.main.name]
            assert account["state"] == "running"
            assert arena.main.name in " ".join(account["config_errors"])
        await arena.green()


async def test_account_removed_while_it_works(arena: Arena) -> None:
    """Given a file that is taken away in mid-work, its events wait; with the file, they are applied."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on(), configuration_faults.removed(arena):
            await arena.red()
            assert "account_removed" in arena.worker.events_logged()
        await arena.green()


async def test_account_added_under_load(arena: Arena) -> None:
    """Given a new file under load, the account begins, and the others go on."""
    async with arena.running(events=600, per_second=80):
        await arena.settled(100)
        async with arena.beside_goes_on():
            added = arena.add_creator("added", key_in_file=True)
            arena.publish(added, make_events(200, 50, seed=59))
            await arena.settled(200, added)
