"""Who it is: events that name people by id, by address, or by one that was."""

from __future__ import annotations

from typing import Final

from tests.integration.right.case import (
    CANCELLED,
    MEMBER,
    Case,
    Event,
    Right,
    active,
    ada,
    canceled,
    gone,
    happened,
    only,
    paid,
    started,
)


def updated(at: int, name: str, user: object = "u1", previous: str | None = None) -> Event:
    """Return a user.updated."""
    person = {} if previous is None else {"previous_email": f"{previous}@example.com"}
    return happened("user.updated", at, name, user, person=person)


BOUGHT: Final = """
events:
  order.paid: {add_tags: ["Bought {data.order.product}"]}
"""
NO_IDS: Final = (0, "0", -1, "-1", "", None, "none", "Guest", "ANONYMOUS", "undefined", "unknown", "NULL")
UPDATES: Final = "events: {user.updated: {}, profile.saved: {}}\n"
FOUR: Final = [paid(n, name, "acct-9", product="Tea") for n, name in enumerate(("ann", "bob", "cem", "dee"))]


def bought(*names: str) -> dict[str, Right]:
    """Return that these people bought tea."""
    return {f"{name}@example.com": only({"Bought Tea"}) for name in names}


IDENTITY: Final = [
    Case(
        "a",
        [
            paid(1, "kim", 0, product="Tea"),
            paid(2, "leo", 0, product="Tea"),
            paid(3, "mia", 0, product="Tea"),
        ],
        bought("kim", "leo", "mia"),
        BOUGHT,
    ),
    Case(
        "a: all ids that are none",
        [paid(n, f"p{n}", none, product="Tea") for n, none in enumerate(NO_IDS)],
        bought(*(f"p{n}" for n in range(len(NO_IDS)))),
        BOUGHT,
    ),
    Case("b", FOUR, {}, BOUGHT, one_of=True),
    Case("b: by address", FOUR, bought("ann", "bob", "cem", "dee"), BOUGHT + "options: {identity: email}\n"),
    Case(
        "b: any event may move",
        [paid(1, "ann", "u1", product="Tea"), paid(2, "ada", "u1", product="Tea")],
        bought("ada"),
        BOUGHT + "options: {address_changes: any}\n",
        moves=1,
    ),
    Case(
        "b: nothing may move",
        [happened("user.updated", 1, "ann", "u1"), happened("user.updated", 2, "ada", "u1")],
        {},
        "events: {user.updated: {}}\noptions: {address_changes: never}\n",
        one_of=True,
    ),
    Case(
        "b: one list of events that may move",
        [paid(1, "ann", "u1", product="Tea"), paid(2, "ada", "u1", product="Tea")],
        bought("ada"),
        BOUGHT + "options: {address_changes: [order.paid]}\n",
        moves=1,
    ),
    Case(
        "c",
        [
            happened("subscription.started", 1, "ann", 7, "site-a"),
            happened("subscription.started", 2, "bob", 7, "site-b"),
        ],
        {"ann@example.com": only(MEMBER), "bob@example.com": only(MEMBER)},
        apps=("site-a", "site-b"),
    ),
    Case(
        "c: one address on two apps",
        [
            happened("subscription.started", 1, "ada", 7, "site-a"),
            happened("subscription.started", 2, "ada", 9, "site-b"),
            happened("subscription.canceled", 3, "ada", 7, "site-a"),
        ],
        ada(only(MEMBER)),
        apps=("site-a", "site-b"),
    ),
    Case(
        "q",
        [started(1, "JÜRGEN@example.com", user=None), canceled(2, "jürgen@example.com", user=None)],
        {"jürgen@example.com": gone()},
    ),
    Case(
        "q: domains",
        [
            started(1, "info@BÜCHER.example", user=None),
            started(2, "info@bücher.example", user=None),
            canceled(3, "Info@xn--bcher-kva.example", user=None),
        ],
        {"info@xn--bcher-kva.example": gone()},
    ),
    Case(
        "q: an accent of its own letter",
        [started(1, "jose\u0301@example.com", user=None), canceled(2, "JOS\u00c9@example.com", user=None)],
        {"jos\u00e9@example.com": gone()},
    ),
    Case(
        "s",
        [started(1, "old"), updated(2, "ada"), canceled(3, "old", user=None)],
        ada(gone()),
        UPDATES,
        or_conflict=True,
        moves=1,
    ),
    Case(
        "s: with the id",
        [started(1, "old"), updated(2, "ada"), canceled(3, "old")],
        ada(gone()),
        UPDATES,
        or_conflict=True,
        until_then=MEMBER,
        moves=1,
    ),
    Case(
        "s: the address before is said",
        [
            started(1, "old"),
            happened("profile.saved", 2, "ada", "u1", person={"previous_email": "old@example.com"}),
            canceled(3, "ada"),
        ],
        ada(gone()),
        UPDATES,
        or_conflict=True,
        until_then=MEMBER,
        moves=1,
    ),
    Case(
        "t: with two subscriptions, one of them from before",
        [started(0, "old", "s1"), updated(1, "ada"), started(2, "ada", "s2"), canceled(3, "ada", "s1")],
        ada(active()),
        UPDATES,
        or_conflict=True,
        until_then=CANCELLED,
        moves=1,
    ),
    Case(
        "t",
        [started(0, "first"), updated(1, "second"), updated(2, "ada")],
        ada(active()),
        UPDATES,
        or_conflict=True,
        moves=2,
    ),
    Case(
        "t: back and forth",
        [started(0, "ada"), updated(1, "second"), updated(2, "ada")],
        ada(active()),
        UPDATES,
        or_conflict=True,
        moves=2,
    ),
]
