"""What people mean: events in their order, and who should have which tags and fields in the end.

A case says it once; `right_runs.py` publishes it in many orders, each about people of its
own. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Event = Mapping[str, Any]
MEMBER: Final = frozenset({"Active Member"})
CANCELLED: Final = frozenset({"Cancelled"})
NOTHING: Final = frozenset[str]()
STATUS: Final = "mk_subscription_status"
PLAN: Final = "mk_subscription_plan"
REASONS: Final = frozenset({"identity_conflict", "partly_applied"})


@dataclass(frozen=True)
class In:
    """A moment so many seconds after events are published."""

    seconds: float


@dataclass(frozen=True)
class Right:
    """What is right of a person.

    Attributes:
        tags: All of them.
        fields: Those that are told, by key; None where there must be none.
        state: In Kit.
    """

    tags: frozenset[str] = NOTHING
    fields: Mapping[str, str | None] = field(default_factory=dict)
    state: str = "active"


@dataclass(frozen=True)
class Case:
    """Some events of a few people.

    Attributes:
        name: Of the table of right values, with a word behind it where it is a sibling.
        events: In their order.
        right: By address, everybody whom there should be.
        file: The rest of the account's file.
        dead: By the number of an event, the reason why it is a dead letter, in whatever order they come.
        one_of: True where exactly one event is applied, whichever comes first; the others are conflicts.
        apps: The apps of its account, where an event may name one.
        had: By address, tags that somebody has by hand before.
        tags: In the account before.
        refuses: A label for which Kit makes no custom field.
        never: Tags that must not be made.
        moves: How often an address changes; the worker holds more than twenty in an hour.
        or_conflict: True where events in another order may be conflicts, of which nothing is applied.
        until_then: Tags that somebody may have besides, until these are replayed.
        before: What is right until the moments that lie ahead.
    """

    name: str
    events: Sequence[Event]
    right: Mapping[str, Right]
    file: str = ""
    dead: Mapping[int, str] = field(default_factory=dict)
    one_of: bool = False
    apps: tuple[str, ...] = ()
    had: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags: Sequence[str] = ()
    refuses: str = ""
    never: frozenset[str] = NOTHING
    moves: int = 0
    or_conflict: bool = False
    until_then: frozenset[str] = NOTHING
    before: Mapping[str, Right] = field(default_factory=dict)


def happened(  # what an event says
    kind: str,
    at: int,
    name: str,
    user: object = None,
    app: str = "",
    person: Mapping[str, object] | None = None,
    **data: object,
) -> Event:
    """Return an event of a person, who has this id unless it is None, and more that `person` says."""
    who: dict[str, object] = {"email": name if "@" in name else f"{name}@example.com"}
    who |= {} if user is None else {"id": user}
    return {"type": kind, "at": at, "app": app, "data": {"user": {**who, **(person or {})}, **data}}


def started(
    at: int, name: str, sub: str | None = None, plan: str | None = None, user: object = "u1", **more: object
) -> Event:
    """Return a subscription.started."""
    return happened("subscription.started", at, name, user, subscription=_subscription(sub, plan, more))


def canceled(
    at: int, name: str, sub: str | None = None, plan: str | None = None, user: object = "u1", **more: object
) -> Event:
    """Return a subscription.canceled."""
    return happened("subscription.canceled", at, name, user, subscription=_subscription(sub, plan, more))


def _subscription(sub: str | None, plan: str | None, more: Mapping[str, object]) -> dict[str, object]:
    given = {"id": sub, "plan": plan, **more}
    return {name: value for name, value in given.items() if value is not None}


def paid(at: int, name: str, user: object = None, **order: object) -> Event:
    """Return an order.paid."""
    return happened("order.paid", at, name, user, order=order)


def updated(at: int, name: str, user: object = "u1", previous: str | None = None) -> Event:
    """Return a user.updated."""
    person = {} if previous is None else {"previous_email": f"{previous}@example.com"}
    return happened("user.updated", at, name, user, person=person)


def only(tags: frozenset[str] | set[str] = NOTHING, state: str = "active", **fields: str | None) -> Right:
    """Return what is right of a person."""
    return Right(frozenset(tags), fields, state)


def ada(right: Right) -> dict[str, Right]:
    """Return that there is Ada alone, and what is right of her."""
    return {"ada@example.com": right}


def active(plan: str | None = None) -> Right:
    """Return a member, by the default file."""
    return Right(MEMBER, {STATUS: "active"} | ({} if plan is None else {PLAN: plan}))


def gone() -> Right:
    """Return a former member, by the default file."""
    return Right(CANCELLED, {STATUS: "canceled"})


# -- who it is --------------------------------------------------------------------------------------------

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

# -- what they have ---------------------------------------------------------------------------------------

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
  club.left: {closes: subscription, remove_tags: [Member], add_tags: [Left]}
"""
SAME: Final = 36_000
TWO: Final = [started(1, "ada", "s1", "Club"), started(2, "ada", "s2", "Bakery")]
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

# -- saying it --------------------------------------------------------------------------------------------

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


def granted(at: int, name: str, level: str | None, expires: object = None) -> Event:
    """Return an access.granted."""
    given = {"level": level, "expires_at": expires}
    return happened(
        "access.granted",
        at,
        name,
        "u1",
        access={key: value for key, value in given.items() if value is not None},
    )


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

ALL: Final = [*IDENTITY, *LIFECYCLE, *SAYING]

# -- later ------------------------------------------------------------------------------------------------

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
