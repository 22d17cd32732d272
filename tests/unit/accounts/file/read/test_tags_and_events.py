"""What an admin reads of a wrong tag, event or event type: where, what, and what to do."""

import pytest

from tests.unit.accounts.file.read.problems import event, problem
from tests.unit.accounts.harness import KIT, PATH
from worker.accounts.load import parse_account


@pytest.mark.parametrize(
    ("tag", "said"),
    [
        ("no", 'YAML reads no as false; write "no" in quotes'),
        ("Yes", 'YAML reads Yes as true; write "Yes" in quotes'),
        ("true", 'YAML reads true as true or false; write "true" in quotes'),
        ("1.0", 'YAML reads 1.0 as a number; write "1.0" in quotes'),
        ("2026", 'YAML reads 2026 as a number; write "2026" in quotes'),
        ("2026-01-01", 'YAML reads 2026-01-01 as a date; write "2026-01-01" in quotes'),
        ("null", 'YAML reads null as nothing; write "null" in quotes'),
        ('""', "the name is empty; write one, or delete the entry"),
        ('"  "', "the name is empty; write one, or delete the entry"),
        ("x" * 256, "the name has 256 characters; at most 255 are allowed"),
        (
            r'"a\tb"',
            "the name holds a character that cannot be seen (tab, U+0009); write it on",
        ),
        (
            r'"a\ud800"',
            "the name holds a character that cannot be seen (no letter, U+D800); write",
        ),
        ("[a]", "must be one name, not a list"),
        ("{mk_user_id}", 'text with braces must be in quotes: "{mk_user_id}"'),
        ("{a: {b: c}}", "must be text; put text with a colon or braces in quotes"),
        ("a: b", "must be text; put text with a colon or braces in quotes"),
        ('"{mk_user_id"', 'the braces in "{mk_user_id" do not match; each { needs its }'),
        ('"a}"', 'the braces in "a}" do not match'),
        ('"{{mk_user_id}}"', 'the braces in "{{mk_user_id}}" do not match'),
        ('"{}"', "unknown placeholder {}; use a platform field such as mk_subscription_plan"),
        ('"{ mk_user_id }"', "unknown placeholder { mk_user_id }; write mk_user_id without the spaces"),
        ('"{mk_acces_level}"', "unknown placeholder {mk_acces_level}; did you mean mk_access_level?"),
        ('"{plan}"', "unknown placeholder {plan}; did you mean mk_subscription_plan?"),
        (
            '"{subscription.plan}"',
            "unknown placeholder {subscription.plan}; did you mean mk_subscription_plan?",
        ),
        ('"{user.locale}"', "unknown placeholder {user.locale}; did you mean data.user.locale?"),
        ('"{data.}"', "unknown placeholder {data.}; use a platform field"),
        ('"{data..x}"', "unknown placeholder {data..x}; use a platform field"),
    ],
)
def test_a_wrong_tag(tag: str, said: str) -> None:
    assert problem(event(f"{{add_tags: [{tag}]}}")).startswith(
        f"default.yaml:2:34: events.order.paid.add_tags[1]: {said}"
    )


@pytest.mark.parametrize(
    ("tag", "place", "said"),
    [
        ("{replaces: true}", ".tag", "is missing; write the tag's name, such as tag: \"{mk_access_level}"),
        ("{tag: 5, replaces: true}", ".tag", 'YAML reads 5 as a number; write "5" in quotes'),
        ('{tag: "{data.a}", replace: true}', ".replace", "unknown key; did you mean replaces?"),
        ('{tag: "{data.a}", replaces: 5}', ".replaces", "must be the name of a group of tags, such as plan"),
        ("{tag: Gold, replaces: ' '}", ".replaces", "the name is empty; write one, or delete the entry"),
        ("{tag: Gold, until: expires_at}", ".until", "unknown value; did you mean mk_access_expires_at?"),
        ("{tag: Gold, replaces: true}", ".replaces", "replaces takes off what this entry gave before, and"),
        ('{tag: "{plan}", replaces: true}', ".tag", "unknown placeholder {plan}"),
        ("{name: Gold}", "", "must be text; put text with a colon or braces in quotes"),
    ],
)
def test_a_wrong_tag_that_replaces(tag: str, place: str, said: str) -> None:
    text = problem(event(f"{{add_tags: [{tag}]}}"))
    assert f"events.order.paid.add_tags[1]{place}: {said}" in text


def test_a_replacing_tag_has_no_place_among_those_to_remove() -> None:
    text = problem(event('{remove_tags: [{tag: "{data.a}", replaces: true}]}'))
    assert "must be the tag's name alone; tag: and replaces: belong into add_tags" in text


def test_the_same_tag_twice_is_found_in_either_form() -> None:
    text = problem(event("{add_tags: [Paid, {tag: paid}]}"))
    assert '"paid" stands in this list twice' in text


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        ("{add_tags: Paid}", "2:33: events.order.paid.add_tags", "must be a list; write [Paid]"),
        ("{add_tags: 5}", "2:33: events.order.paid.add_tags", "must be a list of tags, such as [New Member]"),
        (
            "[Paid]",
            "2:22: events.order.paid",
            "must say what the event does, such as {add_tags: [New Member]}",
        ),
        ("{add_tag: [A]}", "2:23: events.order.paid.add_tag", "unknown key; did you mean add_tags?"),
        (
            "{zzz: [A]}",
            "2:23: events.order.paid.zzz",
            "unknown key; what may stand here: add_tags, remove_tags, rules",
        ),
        (
            "{add_tags: [Paid, ' paid ']}",
            "2:40: events.order.paid.add_tags[2]",
            '" paid " stands in this list twice; delete one (tags compare without case)',
        ),
        (
            "{add_tags: [Paid], remove_tags: [PAID]}",
            "2:55: events.order.paid",
            '"Paid" is both added and removed (see line 2); keep one of the two',
        ),
        (
            "{add_tags: ['{data.a} X'], remove_tags: ['{data.a} x']}",
            "2:63: events.order.paid",
            '"{data.a} X" is both added and removed',
        ),
    ],
)
def test_a_wrong_event(block: str, place: str, said: str) -> None:
    assert problem(event(block)).startswith(f"default.yaml:{place}: {said}")


def test_tags_that_kit_tells_apart_may_be_added_and_removed_by_one_event() -> None:
    assert parse_account(event("{add_tags: [Straße], remove_tags: [Strasse]}"), PATH, {})


def test_placeholders_of_one_spelling_but_other_case_are_two_tags() -> None:
    assert parse_account(event("{add_tags: ['{data.a}'], remove_tags: ['{data.A}']}"), PATH, {})


def test_a_group_that_is_emptied_must_be_one_that_is_given() -> None:
    """Given a group that another event gives, then a slip in its name is asked about."""
    gives = f"{KIT}events:\n  order.paid: {{add_tags: [{{tag: '{{data.plan}}', replaces: plan}}]}}\n"
    empties = "  order.refunded: {remove_tags: [{group: %s}]}\n"

    assert parse_account(gives + empties % "plan", PATH, {})
    said = problem(gives + empties % "plans")
    assert ".remove_tags[1].group: no event gives a tag of a group plans; did you mean plan?" in said


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("subscription.cancelled", "unknown event type; did you mean subscription.canceled?"),
        ("subscription.start", "unknown event type; did you mean subscription.started?"),
        ("User.Signed_Up", "unknown event type; did you mean user.signed_up?"),
        ("user.signed-up", "unknown event type; did you mean user.signed_up?"),
        ("user_signed_up", "unknown event type; did you mean user.signed_up?"),
        ("order.*", "not an event type, which is words with dots between them"),
        ("'#'", "not an event type"),
        ("order paid", "not an event type"),
        ("order..paid", "not an event type"),
        ('"x\\n"', "not an event type"),
        ("örder.paid", "not an event type"),
        ("x" * 191, "an event type has at most 190 characters; this one has 191"),
    ],
)
def test_a_wrong_event_type(kind: str, said: str) -> None:
    assert f": {said}" in problem(f"{KIT}events: {{{kind}: null}}\n")


def test_the_app_is_no_part_of_an_event_type() -> None:
    """Given a type as its routing key is, then no event would ever have it."""
    said = problem(f"app: [rainy, sunny]\n{KIT}events: {{user.signed_up.sunny: {{}}}}\n")

    assert "write user.signed_up; that it is of the app sunny is said by app: already" in said
