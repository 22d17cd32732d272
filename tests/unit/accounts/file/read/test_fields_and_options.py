"""What an admin reads of a wrong field or option: where, what, and what to do."""

import pytest

from tests.unit.accounts.file.read.problems import problem
from tests.unit.accounts.harness import KIT


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("mk_plan: Plan", "fields.mk_plan: unknown value; did you mean mk_subscription_plan?"),
        ("locale: Locale", "fields.locale: unknown value; use a platform field"),
        ("mk_user_id: 5", 'fields.mk_user_id: YAML reads 5 as a number; write "5" in quotes'),
        ("mk_user_id: ''", "fields.mk_user_id: the name is empty"),
        ("data.x: First Name", "fields.data.x: write first_name to mean Kit's own first name"),
        ("data.x: first_name", "fields.data.x: first_name receives mk_first_name by default"),
        (
            "data.x: mk_user_id",
            "fields.data.x: mk_user_id receives mk_user_id by default; choose another name",
        ),
        (
            "{data.x: Plan B, data.y: plan_b}",
            "fields.data.y: plan_b receives data.x already, in line 2; a custom field holds one value",
        ),
        (
            "data.x: {format: date}",
            "fields.data.x.field: is missing; name the custom field, such as field: Ends",
        ),
        (
            "data.x: {field: Ends, format: dat}",
            "fields.data.x.format: must be date, not dat; did you mean date?",
        ),
        ("data.x: {field: Ends, fmt: date}", "fields.data.x.fmt: unknown key; did you mean format?"),
        ("data.x: {field: 5}", 'fields.data.x.field: YAML reads 5 as a number; write "5" in quotes'),
        ("data.x: [Ends]", "fields.data.x: must be one name, not a list"),
    ],
)
def test_a_wrong_field(entry: str, said: str) -> None:
    assert f": {said}" in problem(f"{KIT}fields: {entry if entry.startswith('{') else '{' + entry + '}'}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "kit_fields: {Ends: ends_at}",
            "kit_fields.Ends: unknown value; did you mean mk_subscription_ends_at?",
        ),
        ("kit_fields: {Ends: []}", "kit_fields.Ends: the list is empty; name at least one"),
        (
            "kit_fields: {Ends: {format: date}}",
            "kit_fields.Ends.from: is missing; name the values, such as from:",
        ),
        (
            "kit_fields: {Ends: {from: data.x, form: date}}",
            "kit_fields.Ends.form: unknown key; did you mean f",
        ),
        (
            "kit_fields: {First name: data.x}",
            "kit_fields.First name: write first_name to mean Kit's own first",
        ),
        (
            "kit_fields: Ends",
            "kit_fields: must be followed by indented lines, such as Plan: mk_subscription_plan",
        ),
        (
            "{fields: {data.x: Plan B}, kit_fields: {plan_b: data.y}}",
            "kit_fields.plan_b: plan_b receives data.x already, in line 2; a custom field holds one value",
        ),
        (
            "kit_fields: {Plan B: data.y, plan_b: data.z}",
            "kit_fields.plan_b: plan_b receives what stands there already, in line 2",
        ),
    ],
)
def test_a_wrong_kit_field(text: str, said: str) -> None:
    both = text[1:-1].replace(", kit_fields", "\nkit_fields") if text.startswith("{") else text
    assert f": {said}" in problem(f"{KIT}{both}\n")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("identity: mail", "must be user_id or email, not mail; did you mean email?"),
        ("address_changes: []", "the list is empty; name at least one"),
        (
            "address_changes: [any, user.updated]",
            "any stands for itself; write any alone, or event types without",
        ),
        ("timezone: Berlin", "Berlin is no time zone; did you mean Europe/Berlin?"),
        ("timezone: Europe/Berln", "Europe/Berln is no time zone; did you mean Europe/Berlin?"),
        ("timezone: New York", "New York is no time zone; did you mean America/New_York?"),
        ("timezone: Mars/Base", "Mars/Base is no time zone, which is written as in Europe/Berlin"),
        ("timezone: 2", 'YAML reads 2 as a number; write "2" in quotes'),
    ],
)
def test_a_wrong_option_of_people_and_times(option: str, said: str) -> None:
    assert f": options.{option.partition(':')[0]}: {said}" in problem(f"{KIT}options: {{{option}}}\n")


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("max_created_tags: -1", "must be a whole number, 0 or more, not -1"),
        ("max_created_tags: true", "must be a whole number, 0 or more, not true"),
        ("max_created_tags: 1.5", "must be a whole number, 0 or more, not 1.5"),
        ("max_created_tags: '5'", "must be a number, without quotes: 5"),
        ("create_missing: 1", "must be true or false, not 1"),
        ("create_missing: 'false'", "must be true or false, without quotes"),
        ("subscriber_state: Actif", "must be active or inactive, not Actif; did you mean active?"),
        ("first_name: no", "must be always or if_created, not no"),
        ("first_name: ", "must be always or if_created"),
        ("create: true", "unknown key; did you mean create_missing?"),
    ],
)
def test_a_wrong_option(option: str, said: str) -> None:
    assert problem(f"{KIT}options: {{{option}}}\n").endswith(f"options.{option.partition(':')[0]}: {said}")
