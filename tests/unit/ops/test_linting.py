"""What lint says beside its findings: what it left out, and what nobody can know."""

from __future__ import annotations

from tests.unit.accounts.lint.cases import at_kit, last_events
from worker.accounts.lint.at_kit import AtKit, TagAtKit
from worker.ops.linting import WHAT_EVENTS_TELL, Beside


def test_what_was_left_out_is_said_by_account() -> None:
    old = AtKit((TagAtKit(1, "VIP"),))
    beside = Beside({"sunny": old, "moon": at_kit()}, {"sunny": last_events(others=3), "moon": last_events()})

    assert beside.notes == [
        "sunny: this Kit does not say how many people have a tag, so tag-of-nobody was left out.",
        "sunny: the history has 3 events; event-never-came needs 20.",
        WHAT_EVENTS_TELL,
    ]
    assert Beside().notes == []
