"""What a file says of events: groups, fields, rules that skip, ends of all, and what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.integration.right.case import (
    MEMBER,
    TWO,
    Case,
    Event,
    active,
    ada,
    canceled,
    granted,
    happened,
    only,
    paid,
    started,
)

INTERESTS: Final = """
events:
  user.signed_up:
    rules: [{when: {data.user.interests: cake}, add_tags: [Likes cake]}]
fields: {data.user.interests: Interests}
"""
REMOVES: Final = """
events:
  order.paid: {add_tags: [There], remove_tags: [Never There]}
"""
SKIPS: Final = """
events:
  user.signed_up:
    add_tags: [New Member]
    rules:
      - {when: {data.user.marketing_consent: false}, skip: true}
      - {when: {data.livemode: false}, skip: true}
  subscription.canceled:
    remove_tags: [Active Member]
    add_tags: [Cancelled]
    rules: [{when: {mk_cancel_reason: plan_change}, skip: true}]
"""
DELETES: Final = """
events:
  user.signed_up: {add_tags: [New Member]}
  user.deleted: {remove_tags: all, clear_fields: all, unsubscribe: true}
"""
TOTALS: Final = """
events:
  order.paid:
    rules:
      - {when: {data.order.total: 49}, add_tags: [Forty-nine]}
      - {when: {data.order.total: {above: 40}}, unless: {data.order.test: true}, add_tags: [VIP]}
fields: {data.order.total: Total}
"""
REFUSED: Final = """
fields: {mk_subscription_plan: One too many}
"""
SAID: Final = """
events:
  access.granted: {add_tags: ["{mk_access_level|Basic} access"]}
  order.paid:
    create: false
    add_tags: ["Bought {data.order.products}"]
    set_fields: {Source: app, Cancelled on: null}
  subscription.canceled: {set_fields: {Cancelled on: "yes"}}
  user.signed_up: {subscriber_state: inactive}
fields:
  mk_access_expires_at: {field: Ends, format: date}
kit_fields:
  Access until: {from: [mk_subscription_ends_at, mk_access_expires_at], format: date}
options: {timezone: Europe/Berlin}
"""


def signed_up(
    at: int, name: str, user: object = "u1", person: Mapping[str, object] | None = None, **data: object
) -> Event:
    """Return a user.signed_up."""
    return happened("user.signed_up", at, name, user, "", person, **data)


SAYING: Final = [
    Case(
        "k",
        [started(1, "ada", "s1", "Gold")],
        ada(only(MEMBER, mk_subscription_status="active", mk_subscription_id="s1", one_too_many=None)),
        REFUSED,
        dead={0: "partly_applied"},
        refuses="One too many",
    ),
    Case(
        "l",
        [
            signed_up(1, "ada", "u1", {"interests": ["tea", "cake"]}),
            signed_up(2, "bob", "u2", {"interests": ["jam"]}),
            signed_up(3, "cem", "u3", {"interests": "cake"}),
        ],
        {
            "ada@example.com": only({"Likes cake"}, interests="tea, cake"),
            "bob@example.com": only(interests="jam"),
            "cem@example.com": only({"Likes cake"}, interests="cake"),
        },
        INTERESTS,
    ),
    Case(
        "m",
        [paid(1, "ada")],
        ada(only({"There"})),
        REMOVES + "options: {create_missing: false}\n",
        tags=("There",),
        never=frozenset({"Never There"}),
    ),
    Case(
        "m: tags may be made",
        [paid(1, "ada")],
        ada(only({"There"})),
        REMOVES,
        never=frozenset({"Never There"}),
    ),
    Case("n", [signed_up(1, "ada", person={"marketing_consent": False})], {}, SKIPS),
    Case(
        "n: a test",
        [signed_up(1, "ada", livemode=False), signed_up(2, "bob", "u2", livemode=True)],
        {"bob@example.com": only({"New Member"})},
        SKIPS,
    ),
    Case(
        "n: a cancellation that is none",
        [TWO[0], canceled(2, "ada", "s1", cancel_reason="plan_change"), started(3, "ada", "s2", "Jam")],
        ada(active("Jam")),
        SKIPS,
    ),
    Case(
        "o",
        [
            signed_up(1, "ada", person={"first_name": "Ada"}),
            granted(2, "ada", "Gold"),
            started(3, "ada", "s1"),
            happened("user.deleted", 4, "ada", "u1"),
        ],
        ada(
            only({"By hand"}, "cancelled", mk_user_id=None, mk_access_level=None, mk_subscription_status=None)
        ),
        DELETES,
        had={"ada@example.com": ["By hand"]},
    ),
    Case(
        "o: whom Kit does not have is not made",
        [signed_up(1, "ada"), happened("user.deleted", 2, "ada", "u1")],
        ada(only(state="cancelled", mk_user_id=None)),
        DELETES.replace("{remove_tags: all", "{create: false, remove_tags: all"),
    ),
    Case(
        "o: nobody was there",
        [happened("user.deleted", 2, "ada", "u1")],
        {},
        DELETES.replace("{remove_tags: all", "{create: false, remove_tags: all"),
    ),
    Case(
        "r",
        [
            paid(1, "ada", total=49),
            paid(2, "bob", total=49.0),
            paid(3, "cem", total=0.1 + 0.2),
            paid(4, "dee", total=1e21),
            paid(5, "eva", total=49, test=True),
        ],
        {
            "ada@example.com": only({"Forty-nine", "VIP"}, total="49"),
            "bob@example.com": only({"Forty-nine", "VIP"}, total="49"),
            "cem@example.com": only(total="0.3"),
            "dee@example.com": only({"VIP"}, total="1000000000000000000000"),
            "eva@example.com": only({"Forty-nine"}, total="49"),
        },
        TOTALS,
    ),
    Case(
        "saying: a default, a date, a source, constants and null",
        [
            canceled(1, "ada", "s1"),
            granted(2, "ada", None, "2026-12-31T23:30:00Z"),
            paid(3, "ada", "u1", products=["Tea", "Jam"]),
        ],
        ada(
            only(
                {"Basic access", "Bought Tea", "Bought Jam"},
                "active",
                ends="2027-01-01",
                access_until="2027-01-01",
                source="app",
                cancelled_on=None,
            )
        ),
        SAID,
    ),
    Case("saying: inactive", [signed_up(1, "ada")], ada(only(state="inactive")), SAID),
    Case("saying: nobody is made", [paid(1, "ada", "u1", products="Tea")], {}, SAID),
]
