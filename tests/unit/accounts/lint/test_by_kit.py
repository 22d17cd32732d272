"""Rules of lint about tags beside those that Kit has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.accounts.lint.cases import at_kit, findings, places
from worker.accounts.lint.at_kit import AtKit

RULES = ("tag-not-in-kit", "tag-otherwise-in-kit", "tag-of-nobody", "max-created-tags-near")
GIVEN = "events:\n  order.paid:\n    add_tags:\n      - Customer\n"
TAKEN = "events:\n  order.paid:\n    remove_tags:\n      - Customer\n"


def test_a_tag_that_kit_lacks_is_named_with_what_comes_of_it() -> None:
    (made,) = findings(GIVEN, kit=at_kit())
    owed, _ = findings(f"{GIVEN}options: {{create_missing: false, max_created_tags: 9}}\n", kit=at_kit())

    assert (made.rule, made.spot.line) == ("tag-not-in-kit", 5)
    assert made.text.startswith('Kit lacks the tag "Customer": the first event that gives it makes it')
    assert owed.text.endswith("create_missing is false: each event that gives it becomes a dead letter")
    assert places(GIVEN, kit=at_kit("Customer")) == []


def test_tags_of_the_defaults_are_one_finding() -> None:
    (found,) = findings("fields: {}\n", kit=AtKit(fields=at_kit().fields))

    assert found.rule == "tag-not-in-kit"
    assert 'the tags "Active Member", "Cancelled", given by default' in found.text


def test_a_tag_to_take_off_that_there_is_nowhere_is_named() -> None:
    (found,) = findings(TAKEN, kit=at_kit())

    assert (found.rule, found.spot.line) == ("tag-not-in-kit", 5)
    assert "no event of this file gives it" in found.text


@pytest.mark.parametrize(
    "text",
    [
        f"{TAKEN}  user.signed_up: {{add_tags: [customer]}}\n",
        f"{TAKEN}  user.signed_up: {{add_tags: ['Cust{{data.user.locale|x}}']}}\n",
    ],
    ids=["given", "perhaps given by braces"],
)
def test_a_tag_to_take_off_that_the_file_gives_may_be_lacking(text: str) -> None:
    assert [each.spot.line for each in findings(text, kit=at_kit()) if "none is taken off" in each.text] == []


@pytest.mark.parametrize("there", ["Custmoer", "Customers", "Cus-tomer", "Custo mer"])
def test_a_tag_that_kit_has_in_nearly_the_same_letters_is_probably_that_one(there: str) -> None:
    for text in (GIVEN, TAKEN):
        (found,) = findings(text, kit=at_kit(there))
        assert (found.rule, found.spot.line) == ("tag-otherwise-in-kit", 5)
        assert f'but "{there}": to Kit, those are two' in found.text


def test_a_tag_in_another_case_is_the_same_and_called_as_kit_has_it() -> None:
    (found,) = findings(GIVEN, kit=at_kit("CUSTOMER"))

    assert found.rule == "tag-otherwise-in-kit"
    assert '"Customer" is "CUSTOMER" in Kit: one tag' in found.text
    assert places(GIVEN, kit=at_kit("Customer", "Gold", "Bold", "VIP 1", "VIP 2")) == []


def test_what_the_file_names_besides_is_not_taken_for_a_slip() -> None:
    """Given both names in the file, the one that Kit lacks is lacking, and no other spelling of the other."""
    text = f"{GIVEN}      - Custmoer   # lint: off similar-tags\n"

    assert places(text, kit=at_kit("Customer")) == [("tag-not-in-kit", 5)]


def test_a_tag_that_nobody_has_is_named_where_kit_counts() -> None:
    (given,) = findings(GIVEN, kit=at_kit(("Customer", 0)))
    (taken,) = findings(TAKEN, kit=at_kit(("Customer", 0)))

    assert (given.rule, "though order.paid gives it" in given.text) == ("tag-of-nobody", True)
    assert (taken.rule, "there is none to take it off from" in taken.text) == ("tag-of-nobody", True)
    assert places(GIVEN, kit=at_kit(("Customer", 1))) == []


def test_where_kit_does_not_count_the_rule_is_left_out_with_its_comments() -> None:
    kit = at_kit(("Customer", 0))
    silent = replace(kit, tags=tuple(tag._replace(people=None) for tag in kit.tags))

    assert places(GIVEN, kit=silent) == []
    assert places(f"{GIVEN[:-1]}   # lint: off tag-of-nobody\n", kit=silent) == []
    assert places(f"{GIVEN[:-1]}   # lint: off tag-of-nobody\n", kit=at_kit("Customer")) == [
        ("off-without-use", 4)
    ]


BRACES = "events:\n  order.paid: {add_tags: ['Got {data.order.item}']}\noptions:\n  max_created_tags: 50\n"


def test_nearly_all_tags_that_braces_may_make_are_made() -> None:
    near, full, nearly = (
        findings(BRACES, kit=replace(at_kit(), created_tags=count)) for count in (45, 50, 44)
    )

    assert [(each.rule, each.spot.line) for each in near] == [("max-created-tags-near", 5)]
    assert "created 45 tags, and max_created_tags allows 50: what comes beyond that" in near[0].text
    assert "each further one becomes a dead letter" in full[0].text
    assert nearly == []
    without = f"{GIVEN}  access.granted: null\n"
    assert places(without, kit=replace(at_kit("Customer"), created_tags=100)) == []


def test_without_kit_none_of_them_says_anything() -> None:
    assert places(GIVEN) == []


def test_what_acts_in_a_name_of_kits_does_not() -> None:
    (found,) = findings(GIVEN, kit=at_kit("Cus\u202etomer", "Custmoer\x1b"))

    assert "\x1b" not in found.text
