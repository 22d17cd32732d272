"""A record of a person with something in every part."""

from __future__ import annotations

from tests.integration.ledger.harness import ADA, order
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart


def full_record() -> Record:
    """Return a record with something in every part."""
    wish = Part(TagWish("VIP", present=True, by_placeholder=True, rule=2), order(3))
    return Record(
        ADA,
        2**40,
        tags={"vip": KnownPart(wish, 17.25, 11)},
        fields={
            "Plan": KnownPart(Part("Gold", order(3)), 18.5, 12),
            "Gone": KnownPart(Part(None, order(4)), 0.0),
        },
        first_name=KnownPart(Part("Ada", order(5)), 19.0),
        ensured=order(5),
        gave={"access.granted/0/0": wish},
        seen={"first": None, "second": None},
        users={"u-1": order(6)},
        owed=Change(
            tags={"vip": wish}, fields={"Plan": Part("Gold", order(3))}, first_name=Part("A", order(1))
        ),
    )
