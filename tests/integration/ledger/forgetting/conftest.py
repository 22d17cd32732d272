from __future__ import annotations

import pytest

from tests.integration.ledger.forgetting.people import HOME, WORK
from tests.integration.ledger.harness import ADA, BOB, entry, fill, record
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, Person


@pytest.fixture
async def ledger_of_two(ledger: Ledger) -> Ledger:
    """Ada in two accounts, in one of them under her third address, and Bob in both."""
    bob = Batch([record(BOB, "VIP")], [Person("u-b", BOB)], [entry(BOB, "b1")])
    ada = Batch(
        [record(ADA, moved_to=HOME), record(HOME, moved_to=WORK), record(WORK, "VIP")],
        [Person("u-a", WORK, 5.0)],
        [entry(WORK, "a1"), entry(WORK, "a2")],
    )
    for batch in (ada, bob):
        await fill(ledger, batch)
    for batch in (Batch([record(ADA, "Wet")], [Person("u-a", ADA)], [entry(ADA, "a3")]), bob):
        await fill(ledger, batch, account="rainy")
    return ledger
