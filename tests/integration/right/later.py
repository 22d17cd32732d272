"""What takes effect later: ends that lie ahead."""

from __future__ import annotations

from typing import Final

from tests.integration.right.case import (
    CANCELLED,
    MEMBER,
    TWO,
    Case,
    In,
    active,
    ada,
    canceled,
    granted,
    only,
    started,
)

AHEAD: Final = 25.0
"""Seconds until what lies ahead: all must be settled by then, also on a machine that is busy."""
ENDS: Final = """
events:
  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member], add_tags: [Cancelled]}
"""
UNTIL: Final = """
events:
  access.granted: {add_tags: [{tag: "{mk_access_level} access", until: mk_access_expires_at}]}
"""
ENDING: Final = canceled(2, "ada", "s1", ends_at=In(AHEAD))
GOLD: Final = ada(only({"Gold access"}))

LATER: Final = [
    Case("g", [TWO[0], ENDING], ada(only(CANCELLED)), ENDS, before=ada(only(MEMBER))),
    Case(
        "g: started again",
        [TWO[0], ENDING, started(3, "ada", "s1")],
        ada(active()),
        ENDS,
        before=ada(active()),
    ),
    Case(
        "g: one of two",
        [*TWO, canceled(3, "ada", "s1", ends_at=In(AHEAD))],
        ada(active("Bakery")),
        ENDS,
        before=ada(active("Bakery")),
    ),
    Case(
        "g: both, one later",
        [*TWO, canceled(3, "ada", "s2"), canceled(4, "ada", "s1", ends_at=In(AHEAD))],
        ada(only(CANCELLED)),
        ENDS,
        before=ada(only(MEMBER)),
    ),
    Case(
        "g: long ago",
        [TWO[0], canceled(2, "ada", "s1", ends_at="2026-07-02T00:00:00Z")],
        ada(only(CANCELLED)),
        ENDS,
        before=ada(only(CANCELLED)),
    ),
    Case("h", [granted(1, "ada", "Gold", In(AHEAD))], ada(only()), UNTIL, before=GOLD),
    Case(
        "h: for longer",
        [granted(1, "ada", "Gold", In(AHEAD)), granted(2, "ada", "Gold", In(3600))],
        GOLD,
        UNTIL,
        before=GOLD,
    ),
    Case(
        "h: two levels",
        [granted(1, "ada", "Silver", In(AHEAD)), granted(2, "ada", "Gold", In(3600))],
        GOLD,
        UNTIL,
        before=ada(only({"Gold access", "Silver access"})),
    ),
    Case(
        "h: long ago",
        [granted(1, "ada", "Gold", "2026-07-02T00:00:00Z")],
        ada(only()),
        UNTIL,
        before=ada(only()),
    ),
]
