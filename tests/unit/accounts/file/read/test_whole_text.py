"""What an admin reads of any text: all problems at once, each with its place, and slips of the pen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.accounts.file.read.problems import problem, problems
from tests.unit.accounts.harness import KIT, PATH
from worker.accounts.load import parse_account
from worker.errors import ConfigurationError


def test_the_example_of_the_guide_to_the_letter() -> None:
    text = f"{KIT}events:\n  subscription.strated: {{add_tags: [Active Member]}}\n"

    assert problem(text) == (
        "default.yaml:3:3: events.subscription.strated: unknown event type; "
        "did you mean subscription.started?"
    )


def test_all_problems_are_found_at_once_in_the_order_of_lines() -> None:
    said = problems(
        """\
app: sunny kitchen
kit:
  api_key_env: API_KEY
events:
  user.signed_up:
    add_tags: [no, "{mk_acces_level}", Member, member]
    add_tag: [x]
  user.signed_up: null
fields:
  user.locale: Locale
options:
  max_created_tags: -1
"""
    )

    assert [line.split(": ")[0] for line in said] == [
        f"default.yaml:{place}"
        for place in ("1:6", "3:16", "6:16", "6:20", "6:48", "7:5", "8:3", "10:3", "12:21")
    ]


def test_a_name_with_nothing_after_it_is_asked_about() -> None:
    said = problems(f"{KIT}events:\n  order.paid:\nfields:\n  mk_user_id:\n")

    assert [line.partition("; ")[0] for line in said] == [
        "default.yaml:3:3: events.order.paid: nothing stands after the colon",
        "default.yaml:5:3: fields.mk_user_id: nothing stands after the colon",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("subscription.started: {add_tags: [A]}", "move it, indented, under events"),
        ("mk_user_id: null", "move it, indented, under fields"),
        ("api_key_file: x", "move it, indented, under kit"),
        ("api_key: stored", "move it, indented, under kit"),
        ("create_missing: true", "move it, indented, under options"),
        ("add_tags: [A]", "move it, indented, under an event type"),
        ("order.paid: {add_tags: [A]}", "does not belong here; move it, indented, under events"),
        ("event: {}", "unknown key; did you mean events?"),
        ("<<: {a: b}", "unknown key; what may stand here: app, kit, events, fields, kit_fields, options"),
    ],
)
def test_a_key_at_the_wrong_level_is_told_where_it_belongs(line: str, said: str) -> None:
    assert problem(f"{KIT}{line}\n").endswith(said)


def test_what_yaml_refuses_already_is_not_reported_twice() -> None:
    assert len(problems(f"{KIT}events: {{order.paid: {{add_tags: [*a, !x b]}}}}\n")) == 2


KEYS = st.sampled_from(
    [
        "app",
        "kit",
        "api_key_env",
        "api_key",
        "oauth",
        "client_id_env",
        "access_token_file",
        "events",
        "order.paid",
        "add_tags",
        "rules",
        "when",
        "fields",
        "mk_user_id",
        "options",
    ]
)
VALUES = st.recursive(
    st.sampled_from(
        ["KIT_A", "x", "no", "1.0", "null", '"{mk_user_id}"', "2026-01-01", "", "'", "*a", "&a b"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(KEYS, inner), max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"
        )
    ),
    max_leaves=12,
)
FILES = st.lists(st.tuples(KEYS, VALUES), max_size=5).map(
    lambda items: "".join(f"{key}: {value}\n" for key, value in items)
)


@given(st.text() | FILES)
def test_no_text_raises_anything_but_its_problems(text: str) -> None:
    """Whatever the text, it is an account, or problems each of which has a place and a sentence."""
    try:
        found = parse_account(text, PATH, {}).name
    except ConfigurationError as error:
        found = str(error)

    for line in found.split("\n"):
        assert line == "default" or re.match(r"config/accounts/default\.yaml:\d+:\d+: \S", line)
        assert line.isprintable()


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        ("  order.paid\n    add_tags: [A]", "3:13", "a colon is missing at the end of this line (name:)"),
        ("  order.paid:\n    add_tags [A]", "4:5", "must say what the event does"),
        ("  order.paid:\n    add_tags = [A]", "4:5", "must say what the event does"),
        (
            "  order.paid:\n    add_tags:\n      -A\n      -B",
            "5:7",
            "each entry begins with a hyphen and a space",
        ),
        (
            "  order.paid:\n    add_tags:\n      \u2013 A",
            "5:7",
            "each entry begins with a hyphen and a space",
        ),
        ("  order.paid:\n    add_tags:\n      • A", "5:7", "each entry begins with a hyphen and a space"),
        ("  order.paid:\n    add_tags: ['Bob's']", "4:21", "a ' stands inside of single quotes"),
        ('  order.paid:\n    add_tags: ["A" B]', "4:20", "text stands after the closing quotes"),
        ('  order.paid:\n    add_tags:\n      - "A" B', "5:13", "text stands after the closing quotes"),
        ("  order.paid:\n    add_tags: [A],", "4:18", "a comma stands after the closing bracket; delete it"),
        (
            "  order.paid:\n    rules:\n      - when: {data.a: >40}\n        add_tags: [A]",
            "5:24",
            "text that begins with @, ` or > must be in quotes",
        ),
        (
            "  user.sign\u0435d_up: {}",
            "3:3",
            "did you mean user.signed_up? (\u0435 is a cyrillic small letter ie",
        ),
    ],
)
def test_a_slip_of_the_pen_is_told_where_it_is(block: str, place: str, said: str) -> None:
    text = problem(f"{KIT}events:\n{block}\n")

    assert text.startswith(f"default.yaml:{place}: ")
    assert said in text


@pytest.mark.parametrize("line", ["add_tags [A]", "add_tags = [A]", "add_tags"])
def test_a_forgotten_colon_after_a_name_is_asked_about(line: str) -> None:
    assert problem(f"{KIT}events:\n  order.paid:\n    {line}\n").endswith(
        "a colon is missing after the name (name: value)"
    )


def test_what_belongs_under_an_event_is_told_to_be_indented() -> None:
    said = problems(f"{KIT}events:\n  order.paid:\n  add_tags: [A]\n")

    assert "not an event type; indent this line, and those below it, under an event type" in said[1]
