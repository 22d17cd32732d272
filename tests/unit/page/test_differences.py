"""What another file does otherwise, in words, and what somebody should know before it is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.accounts.harness import KIT
from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.load import parse_account
from worker.page.differences import Difference, differences, warnings
from worker.page.kit_names import KitLists

BASE = "events:\n  order.paid: {add_tags: [Buyer]}\n"
KEEPS = "Whoever has a tag keeps it: a file is about events that come from now on."
MAKE_IT = "Make it there: the file has create_missing: false, and such events would become dead letters."
KNOWN = KitLists(("Active Member", "Cancelled", "VIP"), ("Their plan",), AtKit())


def account(text: str) -> Account:
    return parse_account(KIT + text, Path("config/accounts/sunny.yaml"), {})


def test_what_is_otherwise_is_told_by_event_and_value() -> None:
    events = "events:\n  order.paid: null\n  order.sent: {add_tags: [Sent]}\n"
    after = events + "fields: {mk_subscription_plan: Plan}\n"
    assert differences(account(BASE), account(after)) == [
        Difference("order.paid", ("adds Buyer",), ()),
        Difference("order.sent", (), ("adds Sent",)),
        Difference("the plan", ("goes to mk_subscription_plan",), ("goes to Plan",)),
    ]


def test_of_a_file_that_is_wrong_all_that_it_will_do_is_told() -> None:
    told = {each.of for each in differences(None, account(BASE))}
    assert {"order.paid", "user.signed_up", "the first name"} <= told


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (BASE.replace("Buyer", "vip"), [KEEPS]),
        (BASE.replace("[Buyer]", "[Buyer, Active Membr]"), [
            "Kit has no tag Active Membr; did you mean Active Member? It is made when it is needed first."]),
        (BASE.replace("}", ", remove_tags: [Old]}"), ["Kit has no tag Old. So there is none to take off."]),
        (BASE.replace("[Buyer]", "[Buyer, New]") + "options: {create_missing: false}\n", [
            f"Kit has no tag New. {MAKE_IT}"]),
        (BASE + "fields: {data.a: THEIR PLAN}\n", []),
        (BASE + "fields: {data.a: Somewhere}\n", [
            "Kit has no custom field Somewhere. It is made when it is needed first."]),
        (BASE.replace("[Buyer]", '["{mk_access_level} access"]'), [KEEPS]),
    ],
)  # fmt: skip
def test_what_kit_lacks_and_what_stays_is_told(after: str, said: list[str]) -> None:
    assert warnings(account(BASE), account(after), KNOWN) == said


def test_where_kit_has_not_said_anything_nothing_is_lacking() -> None:
    assert warnings(account(BASE), account(BASE.replace("[Buyer]", "[Buyer, New]")), KitLists()) == []
