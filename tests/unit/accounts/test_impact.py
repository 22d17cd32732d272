"""What another file would have made of events that came, as far as the history knows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.accounts.harness import KIT
from worker.accounts.account import Account
from worker.accounts.impact import Came, would_differ
from worker.accounts.load import parse_account

BASE = "events:\n  order.paid:\n    add_tags: [Buyer]\n"
RULES = (
    BASE + "    rules:\n"
    "      - when: {mk_subscription_plan: Annual}\n        add_tags: [Annual]\n"
    "      - when: {data.order.total: {above: 40}}\n        add_tags: [Big]\n"
)
YEARLY = BASE + "    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual]}]\n"
PAID = Came("order.paid", "applied")
ANNUAL = Came("order.paid", "applied", values={"mk_subscription_plan": "Annual"})
MONTHLY = Came("order.paid", "applied", values={"mk_subscription_plan": "Monthly"})
BIG = Came("order.paid", "applied", rules=frozenset({0, 2}))


def account(text: str) -> Account:
    return parse_account(KIT + text, Path("config/accounts/sunny.yaml"), {})


@pytest.mark.parametrize(
    ("before", "after", "came", "verdict"),
    [
        (BASE, BASE, PAID, False),
        (BASE, BASE.replace("Buyer", "VIP"), PAID, True),
        (BASE, BASE.replace("Buyer", "buyer"), PAID, False),
        (BASE, BASE.replace("[Buyer]", "[Buyer, VIP]"), Came("user.signed_up", "applied"), False),
        (BASE, BASE.replace("Buyer", "VIP"), Came("order.paid", "duplicate"), False),
        (BASE, BASE.replace("Buyer", "VIP"), Came("order.paid", "superseded"), None),
        (BASE, BASE.replace("Buyer", "VIP"), Came("order.paid", "dead_lettered"), None),
        (BASE, BASE.replace("Buyer", "VIP"), Came("", "dead_lettered"), False),
        (BASE, "events:\n  order.paid: null\n", PAID, True),
        (BASE, "events:\n  order.paid: {skip: true}\n", PAID, True),
        ("events: {}\n", BASE, Came("order.paid", "ignored"), True),
        (BASE, BASE + "    at: mk_subscription_ends_at\n", PAID, True),
        (BASE, BASE + "    set_fields: {Source: app}\n", PAID, True),
        (BASE, YEARLY, ANNUAL, True),
        (BASE, YEARLY, MONTHLY, False),
        (BASE, YEARLY, PAID, None),
        (BASE, YEARLY.replace("[Annual]", "[Buyer]"), ANNUAL, False),
        (RULES, RULES.replace("[Big]", "[Huge]"), BIG, True),
        (RULES, RULES.replace("[Big]", "[Huge]"), ANNUAL, None),
        (RULES, RULES.replace("[Annual]", "[Yearly]"), MONTHLY, False),
        (RULES, RULES.replace("plan: Annual", "plan: Monthly"), MONTHLY, True),
        (RULES, RULES.replace("Buyer", "VIP"), PAID, True),
        (BASE, BASE + "fields: {mk_subscription_plan: Plan}\n", ANNUAL, True),
        (BASE, BASE + "fields: {mk_subscription_plan: Plan}\n", PAID, None),
        (BASE, BASE + "options: {timezone: Europe/Berlin}\n", PAID, None),
        (BASE, BASE + "options: {timezone: UTC}\n", PAID, False),
    ],
)  # fmt: skip
def test_what_would_have_been_otherwise(before: str, after: str, came: Came, verdict: bool | None) -> None:
    assert would_differ(account(before), account(after), came) is verdict
