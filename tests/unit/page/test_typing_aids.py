"""What forms offer: a few values that came lately, and nothing that is one person's."""

from __future__ import annotations

from worker.accounts.account import Account
from worker.kit.told import told
from worker.ledger.history import Line
from worker.mapping import FieldTarget
from worker.page.typing_aids import LONGEST, MOST_VALUES, came_lately

SENT = {
    "Plan": "mk_subscription_plan", "Name": "mk_first_name", "Ends": "mk_subscription_ends_at",
    "Locale": "data.user.locale", "Mail": "data.user.mail", "Note": "data.note", "Number": "data.number",
}  # fmt: skip
SUNNY = Account("sunny", fields=tuple(FieldTarget(source, target) for target, source in SENT.items()))


def line(**values: str) -> Line:
    calls = ({"call": "PUT", "what": ", ".join(told(*each) for each in values.items()), "rules": ()},)
    return Line("sunny", "ada@example.com", None, "order.paid", "", 0.0, "applied", "", calls, "", "one")


def test_a_few_values_that_people_share_are_offered() -> None:
    lines = [
        line(Plan="Annual", Name="Ada", Ends="2026-01-01", Mail="ada@example.com", Locale="de"),
        line(Plan="Monthly", Note="x" * (LONGEST + 1), Other="y"),
        *(line(Number=str(number)) for number in range(MOST_VALUES + 1)),
    ]
    assert came_lately(SUNNY, lines) == {
        "mk_subscription_plan": ["Annual", "Monthly"], "data.user.locale": ["de"],
    }  # fmt: skip


def test_what_acts_is_harmless() -> None:
    assert came_lately(SUNNY, [line(Plan="\u202eAnnual")]) == {"mk_subscription_plan": ["\\u202eAnnual"]}
