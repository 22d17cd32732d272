"""What lint finds, as the page shows it; and what a change of a file adds to that and removes from it."""

from __future__ import annotations

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.lint.facts import AccountText, Facts
from worker.page.findings import changes, rows

DELETED = "  user.deleted: {create: false, unsubscribe: true}\n"
MEANT = "  user.deleted: {create: false, unsubscribe: true, remove_tags: all}\n"
END = "mk_subscription_ends_at"
MEMBER = "  user.updated: {add_tags: [Member]}\n"


def shown(text: str) -> list[tuple[str, str, str, str]]:
    found = rows(Facts(AccountText(parse(KIT + text), KIT + text)))
    return [(each.rule, each.what, each.place, each.text) for each in found]


def test_each_leads_to_the_form_of_what_is_to_be_changed() -> None:
    text = (
        f"events:\n{DELETED}"
        "fields: {mk_first_name: null, mk_subscription_ends_at: End date}\n"
        "options: {first_name: always}   # lint: off nothing\n"
    )
    forms = [(rule, what, place) for rule, what, place, _ in shown(text)]

    assert forms == [
        ("deleted-keeps-tags", "user.deleted", "/accounts/default/events/edit?event=user.deleted"),
        ("date-without-format", END, f"/accounts/default/fields/edit?field={END}"),
        ("first-name-without-source", "options", "/accounts/default/text#options"),
        ("off-unknown-rule", "the file", "/accounts/default/text"),
    ]


def test_each_shows_its_line_of_the_file() -> None:
    assert [text for *_, text in shown(f"events:\n{DELETED}")] == [DELETED.strip()]


def of_change(present: str, text: str) -> tuple[list[str], list[str]]:
    old, new = (KIT + each for each in (present, text))
    found = changes(old, parse(old), new, parse(new))
    return [each.rule for each in found.added], [each.rule for each in found.removed]


def test_a_change_tells_what_it_adds_and_what_it_mends() -> None:
    assert of_change(f"events:\n{MEANT}", f"events:\n{DELETED}") == (["deleted-keeps-tags"], [])
    assert of_change(f"events:\n{DELETED}", f"events:\n{MEANT}{MEMBER}") == (
        ["tags-everybody"], ["deleted-keeps-tags"],
    )  # fmt: skip


def test_of_two_that_are_told_alike_one_may_be_mended() -> None:
    rule = "      - {when: {data.shop: 1}, add_tags: ['Order {data.order.id}']}\n"
    one = f"events:\n  order.paid:\n    rules:\n{rule}"
    both = one + rule.replace("1", "2")

    assert of_change(one, both) == (["tag-for-each-person"], [])
    assert of_change(both, one) == ([], ["tag-for-each-person"])


def test_what_only_moves_to_another_line_is_neither() -> None:
    twice = (
        "    rules:\n      - {when: {data.a: 7}, add_tags: [X]}\n      - {when: {data.a: 7}, add_tags: [X]}\n"
    )
    above = twice.replace("rules:\n", "rules:\n      - {when: {data.a: 1}, add_tags: [Y]}\n")

    assert of_change(f"events:\n  order.paid:\n{twice}", f"events:\n  # more\n  order.paid:\n{above}") == (
        [],
        [],
    )


def test_one_more_of_the_same_is_added() -> None:
    both = f"{MEMBER}{DELETED}"

    assert of_change(f"events:\n{both}", f"events:\n{both}{DELETED.replace('deleted', 'erased')}") == (
        ["deleted-keeps-tags"], [],
    )  # fmt: skip


def test_of_a_file_with_a_mistake_all_that_is_found_is_new() -> None:
    new = f"{KIT}events:\n{DELETED}"

    assert [each.rule for each in changes("events: [", None, new, parse(new)).added] == ["deleted-keeps-tags"]
