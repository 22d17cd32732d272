"""Rules of lint about all accounts together."""

from __future__ import annotations

from tests.unit.accounts.lint.cases import findings, places

SUNNY = "app: sunny\nevents: {user.signed_up: {add_tags: [New Member, 'In {data.user.city|Rome}']}}\n"
RULES = ("account-without-app", "accounts-differ")


def test_one_account_of_several_names_no_app() -> None:
    assert places("events: {}\n", SUNNY) == [("account-without-app", 0)]
    assert places("events: {}\n") == []
    assert places("events: {}\n", SUNNY, "events: {}\n") == []


def test_a_tag_is_written_otherwise_than_in_most_accounts() -> None:
    text = "app: moon\nevents:\n  user.signed_up:\n    add_tags: [new member, 'In {data.user.town|Oslo}']\n"
    mixed = f"{text}  order.paid: {{add_tags: [New Member]}}\n"

    (found,) = findings(text, SUNNY, SUNNY)

    assert (found.rule, found.spot.line) == ("accounts-differ", 5)
    assert '"new member" is "New Member" in the account other0' in found.text
    assert [rule for rule, _ in places(mixed, SUNNY, SUNNY)] == ["tag-spelled-twice"]


def test_the_account_that_writes_it_as_most_do_hears_nothing() -> None:
    moon = "app: moon\nevents: {user.signed_up: {add_tags: [new member]}}\n"

    assert places(SUNNY, moon, SUNNY) == []
