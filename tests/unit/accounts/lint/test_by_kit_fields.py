"""Rules of lint about custom fields beside those that Kit has, and about what was renamed there."""

from __future__ import annotations

import pytest

from tests.unit.accounts.lint.cases import at_kit, findings, places
from worker.accounts.lint.at_kit import AtKit, FieldAtKit
from worker.subscribers.known import KitName

RULES = ("field-not-in-kit", "field-otherwise-in-kit", "field-limit-near", "renamed-in-kit")
FILLED = "fields:\n  data.order.total: Last order\n"
SET = "events:\n  order.paid:\n    set_fields:\n      Last order: web\n"


@pytest.mark.parametrize(("text", "line"), [(FILLED, 2), (SET, 4)], ids=["filled", "set"])
def test_a_field_that_kit_lacks_is_named(text: str, line: int) -> None:
    (found,) = findings(text, kit=at_kit())

    assert (found.rule, found.spot.line - 1) == ("field-not-in-kit", line)
    assert 'Kit lacks the custom field "Last order"' in found.text
    assert places(text, kit=at_kit(fields=["Last order"])) == []
    assert places(text.replace("Last order", "last_order"), kit=at_kit(fields=["Last order"])) == []


def test_a_field_that_is_only_cleared_may_be_lacking() -> None:
    assert places(SET.replace("web", "null"), kit=at_kit()) == []


def test_fields_of_the_defaults_are_one_finding() -> None:
    kit = AtKit(at_kit().tags)

    (made,) = findings("events: {}\n", kit=kit)
    (owed,) = findings("events: {}\noptions: {create_missing: false}\n", kit=kit)

    assert made.rule == owed.rule == "field-not-in-kit"
    assert "the custom fields mk_user_id, " in made.text
    assert "each event that fills one becomes a dead letter" in owed.text


@pytest.mark.parametrize("there", ["Last orders", "Last-order", "Latest order", "Last ordre"])
def test_a_field_that_kit_has_under_nearly_that_label_is_probably_that_one(there: str) -> None:
    (found,) = findings(FILLED, kit=at_kit(fields=[there]))

    assert found.rule == ("field-not-in-kit" if there == "Latest order" else "field-otherwise-in-kit")


def test_a_field_in_another_case_is_the_same() -> None:
    (found,) = findings(FILLED, kit=at_kit(fields=["Last Order"]))

    assert (found.rule, "one field" in found.text) == ("field-otherwise-in-kit", True)


def many(count: int) -> AtKit:
    """A Kit account with so many custom fields, those of the defaults among them."""
    kit = at_kit()
    more = (FieldAtKit(1000 + at, f"more_{at}", f"More {at}") for at in range(count - len(kit.fields)))
    return AtKit(kit.tags, (*kit.fields, *more))


@pytest.mark.parametrize(
    ("count", "text", "limit"),
    [
        (130, FILLED, True),
        (129, FILLED, False),
        (140, "fields: {}\n", False),
        (141, "fields: {}\n", True),
        (135, f"{FILLED}options: {{create_missing: false}}\n", False),
    ],
    ids=["near", "not yet", "full, and nothing more is wanted", "over it", "may make none"],
)
def test_near_the_limit_of_fields_it_counts_what_the_file_wants_more(
    count: int, text: str, limit: bool
) -> None:
    found = [each for each in findings(text, kit=many(count)) if each.rule == "field-limit-near"]

    assert bool(found) is limit
    if limit and text == FILLED:
        assert "Kit has 130 custom fields and room for 140; this file wants 1 more" in found[0].text


# -- what was renamed --------------------------------------------------------------------------------------

VIP = "events:\n  order.paid:\n    add_tags:\n      - VIP\n"


def test_a_tag_that_was_renamed_is_still_meant_and_not_lacking() -> None:
    (found,) = findings(VIP, kit=at_kit("Gold", meant=[KitName("tags", "vip", 1, "VIP")]))

    assert (found.rule, found.spot.line) == ("renamed-in-kit", 5)
    assert '"VIP" was renamed in Kit: it is called "Gold" there, and still meant' in found.text
    assert places(VIP, kit=at_kit("VIP", meant=[KitName("tags", "vip", 1, "VIP")])) == []


def test_a_name_that_another_tag_bears_by_now_is_told() -> None:
    (found,) = findings(VIP, kit=at_kit("VIP", "Gold", meant=[KitName("tags", "vip", 2, "VIP")]))

    assert (found.rule, "is another tag in Kit now" in found.text) == ("renamed-in-kit", True)


def test_a_custom_field_that_was_renamed_is_told_and_others_names_are_not() -> None:
    meant = [KitName("custom_fields", "Last order", 1, "Last order"), KitName("tags", "other", 1, "Other")]

    (found,) = findings(FILLED, kit=at_kit("Was other", fields=["Newest order"], meant=meant))

    assert found.rule == "renamed-in-kit"
    assert 'the custom field "Last order" was renamed in Kit: it is called "Newest order"' in found.text
