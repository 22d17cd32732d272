"""How the people of a run ended, by what the history has of their events."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.unit.ops.backfill.test_plan import PLAIN, Bench, bench, row
from worker.consumer.due_message import due_again
from worker.consumer.own_message import anew_effect
from worker.ops.letters.dry_run import as_delivered
from worker.ops.own_runs import ends

GUARDED = PLAIN.replace("max_new_taggings_per_hour: 1000000", "max_new_taggings_per_hour: 1")


async def turn_of(it: Bench, number: int) -> None:
    """Let a person's turn come in a run of `apply`, twice, as where a worker was killed."""
    effect = anew_effect(f"p{number}@example.com", "run", number, it.account.version, time.time())
    for _ in range(2):
        await it.worker.ends(as_delivered(due_again(it.account.name, effect.message), datetime.now(UTC)))


async def test_whose_tags_became_held_before_their_turn_are_not_told_as_done() -> None:
    """Given live events between plan and turn that ask for more tags than may be, theirs are held by then."""
    async with bench(GUARDED) as it:
        for number in (1, 2):
            await it.live(row("user.signed_up", f"p{number}@example.com"), "user.signed_up")
            await turn_of(it, number)
        assert it.new_taggings() == 1
        assert await ends(it.ledger, "sunny", "run", 3) == {"applied": 1, "held": 1, "not_done": 1}
