"""What they have: subscriptions that open and close, one after another and side by side."""

from __future__ import annotations

from typing import Final

from tests.integration.right.case import (
    CANCELLED,
    MEMBER,
    TWO,
    Case,
    Event,
    active,
    ada,
    canceled,
    gone,
    happened,
    only,
    started,
)

CHURNED: Final = """
events:
  subscription.canceled: {remove_tags: [Active Member], add_tags: [Cancelled, Churned]}
  order.refunded: {remove_tags: [Active Member]}
"""
PLANS: Final = """
events:
  subscription.started:
    add_tags: [Active Member, {tag: "Plan {mk_subscription_plan}", replaces: plan}]
    remove_tags: [Cancelled]
  subscription.changed: {add_tags: [{tag: "Plan {mk_subscription_plan}", replaces: plan}]}
  subscription.canceled: {remove_tags: [Active Member, {group: plan}], add_tags: [Cancelled]}
"""
ENDED_ON: Final = """
events:
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    set_fields: {Cancelled on: null}
fields: {mk_subscription_canceled_at: {field: Cancelled on, format: date}}
"""
OWED: Final = """
events:
  subscription.started: {add_tags: [Active Member, "Plan {mk_subscription_plan}"], remove_tags: [Cancelled]}
  subscription.canceled: {remove_tags: [Active Member, "Plan {mk_subscription_plan}"], add_tags: [Cancelled]}
"""
CLUB: Final = """
events:
  club.joined: {opens: subscription, add_tags: [Member], remove_tags: [Left]}
  club.renewed: {opens: subscription, add_tags: [Loyal]}
  club.left: {closes: subscription, remove_tags: [Member], add_tags: [Left]}
"""
SAME: Final = 36_000

COUPLE: Final = [started(1, "ada", user="A"), started(2, "ada", user="B")]


def changed(at: int, plan: str) -> Event:
    """Return a subscription.changed."""
    return happened("subscription.changed", at, "ada", "u1", subscription={"plan": plan})


def club(what: str, at: int, sub: str) -> Event:
    """Return an event of a type that the file alone knows."""
    return happened(f"club.{what}", at, "ada", "u1", subscription={"id": sub})


LIFECYCLE: Final = [
    Case("d", [*TWO, canceled(3, "ada", "s1")], ada(active("Bakery"))),
    Case("d: the newer one", [*TWO, canceled(3, "ada", "s2")], ada(active("Club"))),
    Case("d: both", [*TWO, canceled(3, "ada", "s1"), canceled(4, "ada", "s2")], ada(gone())),
    Case(
        "d: both, the newer one first",
        [*TWO, canceled(3, "ada", "s2"), canceled(4, "ada", "s1")],
        ada(gone()),
    ),
    Case("d: without an id", [*TWO, canceled(3, "ada")], ada(gone())),
    Case("d: opened without an id", [started(1, "ada"), canceled(2, "ada", "s1")], ada(gone())),
    Case(
        "d: one unnamed",
        [started(1, "ada"), started(2, "ada", "s2"), canceled(3, "ada", "s2")],
        ada(gone()),
    ),
    Case(
        "d: one unnamed, another open",
        [started(1, "ada"), *TWO[1:], started(3, "ada", "s3", "Jam"), canceled(4, "ada", "s3")],
        ada(active("Bakery")),
    ),
    Case(
        "d: three",
        [*TWO, started(3, "ada", "s3", "Jam"), canceled(4, "ada", "s3"), canceled(5, "ada", "s1")],
        ada(active("Bakery")),
    ),
    Case("d: a renewal", [TWO[0], started(2, "ada", "s1", "Club"), canceled(3, "ada", "s1")], ada(gone())),
    Case("d: again", [TWO[0], canceled(2, "ada", "s1"), started(3, "ada", "s1", "Jam")], ada(active("Jam"))),
    Case(
        "d: another one afterwards",
        [TWO[0], canceled(2, "ada", "s1"), started(3, "ada", "s2", "Jam")],
        ada(active("Jam")),
    ),
    Case(
        "d: canceled twice", [*TWO, canceled(3, "ada", "s1"), canceled(4, "ada", "s1")], ada(active("Bakery"))
    ),
    Case("d: never opened", [TWO[1], canceled(3, "ada", "s9")], ada(active("Bakery"))),
    Case("d: canceled alone", [canceled(3, "ada", "s1")], ada(gone())),
    Case(
        "d: closed without a user",
        [*TWO, canceled(3, "ada", "s1", user=None)],
        ada(active("Bakery")),
    ),
    Case(
        "d: opened without a user",
        [started(1, "ada", "s1", user=None), canceled(2, "ada", "s1")],
        ada(gone()),
    ),
    Case(
        "d: a tag of the closing alone",
        [*TWO, canceled(3, "ada", "s1")],
        ada(only(MEMBER)),
        CHURNED,
    ),
    Case(
        "d: a tag of the closing alone stays",
        [TWO[0], canceled(2, "ada", "s1"), started(3, "ada", "s2", "Jam")],
        ada(only(MEMBER | {"Churned"})),
        CHURNED,
    ),
    Case(
        "d: something else takes the tag off",
        [*TWO, happened("order.refunded", 3, "ada", "u1"), canceled(4, "ada", "s1")],
        ada(only()),
        CHURNED,
    ),
    Case(
        "d: types of the file's own",
        [club("joined", 1, "x"), club("joined", 2, "y"), club("left", 3, "x")],
        ada(only({"Member"})),
        CLUB,
    ),
    Case(
        "d: types of the file's own, all",
        [club("joined", 1, "x"), club("joined", 2, "y"), club("left", 3, "y"), club("left", 4, "x")],
        ada(only({"Left"})),
        CLUB,
    ),
    Case(
        "e",
        [started(1, "ada", "m", "Monthly"), started(SAME, "ada", "a", "Annual"), canceled(SAME, "ada", "m")],
        ada(active("Annual")),
    ),
    Case(
        "e: two seconds later",
        [
            started(1, "ada", "m", "Monthly"),
            started(SAME, "ada", "a", "Annual"),
            canceled(SAME + 2, "ada", "m"),
        ],
        ada(active("Annual")),
    ),
    Case("e: the same one", [started(5, "ada", "s1"), canceled(5, "ada", "s1")], ada(gone())),
    Case(
        "e: all at once",
        [
            started(5, "ada", "s1"),
            started(5, "ada", "s2"),
            canceled(5, "ada", "s1"),
            canceled(5, "ada", "s2"),
        ],
        ada(gone()),
    ),
    Case(
        "e: two events of one subscription",
        [club("joined", 5, "x"), club("renewed", 5, "x")],
        ada(only({"Member", "Loyal"})),
        CLUB,
    ),
    Case(
        "e: two events of one subscription, and its end",
        [club("joined", 5, "x"), club("renewed", 5, "x"), club("left", 5, "x")],
        ada(only({"Left", "Loyal"})),
        CLUB,
    ),
    Case("f", [*COUPLE, canceled(3, "ada", user="A")], ada(only(MEMBER))),
    Case("f: both", [*COUPLE, canceled(3, "ada", user="A"), canceled(4, "ada", user="B")], ada(gone())),
    Case(
        "f: subscriptions of one name",
        [
            started(1, "ada", "s1", user="A"),
            started(2, "ada", "s1", user="B"),
            canceled(3, "ada", "s1", user="A"),
        ],
        ada(only(MEMBER)),
    ),
    Case(
        "i",
        [started(1, "ada", plan="Gold"), changed(2, "Silver")],
        ada(only(MEMBER | {"Plan Silver"})),
        PLANS,
    ),
    Case(
        "i: there and back",
        [started(1, "ada", plan="Gold"), changed(2, "Silver"), changed(3, "Gold")],
        ada(only(MEMBER | {"Plan Gold"})),
        PLANS,
    ),
    Case("i: one of two ends", [*TWO, canceled(3, "ada", "s1")], ada(only(MEMBER | {"Plan Bakery"})), PLANS),
    Case(
        "i: the newer of two ends", [*TWO, canceled(3, "ada", "s2")], ada(only(MEMBER | {"Plan Club"})), PLANS
    ),
    Case(
        "j",
        [started(1, "ada", plan="Gold"), canceled(2, "ada")],
        ada(only(CANCELLED | {"Plan Gold"})),
        OWED,
        dead={1: "partly_applied"},
    ),
    Case(
        "j: by its group", [started(1, "ada", plan="Gold"), canceled(2, "ada")], ada(only(CANCELLED)), PLANS
    ),
    Case(
        "j: two of them, one plan",
        [started(1, "ada", "s1", "Gold"), started(2, "ada", "s2", "Gold"), canceled(3, "ada", "s1", "Gold")],
        ada(only(MEMBER | {"Plan Gold"})),
        OWED,
    ),
    Case(
        "j: two of them, two plans",
        [*TWO, canceled(3, "ada", "s1", "Club")],
        ada(only(MEMBER | {"Plan Bakery"})),
        OWED,
    ),
    Case(
        "p",
        [
            started(1, "ada", "s1", "Club"),
            canceled(2, "ada", "s1", ends_at="2026-08-01T00:00:00Z", cancel_reason="moved"),
            started(3, "ada", "s1", "Club"),
        ],
        ada(
            only(
                MEMBER,
                mk_subscription_canceled_at=None,
                mk_subscription_ends_at=None,
                mk_cancel_reason=None,
                mk_subscription_status="active",
            )
        ),
    ),
    Case(
        "p: a field that is emptied by the opening and shows something of the closing",
        [started(1, "ada", "s1"), canceled(5, "ada", "s1")],
        ada(only(CANCELLED, cancelled_on="2026-07-01")),
        ENDED_ON,
    ),
    Case(
        "p: and is emptied again",
        [started(1, "ada", "s1"), canceled(5, "ada", "s1"), started(9, "ada", "s1")],
        ada(only(MEMBER, cancelled_on=None)),
        ENDED_ON,
    ),
    Case(
        "p: one of two",
        [*TWO, canceled(3, "ada", "s1", ends_at="2026-08-01T00:00:00Z", cancel_reason="moved")],
        ada(
            only(
                MEMBER,
                mk_subscription_canceled_at=None,
                mk_subscription_ends_at=None,
                mk_cancel_reason=None,
                mk_subscription_status="active",
                mk_subscription_id="s2",
            )
        ),
    ),
]
