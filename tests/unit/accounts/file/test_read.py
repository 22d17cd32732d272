"""What an admin reads when an account file is wrong: where, what, and what to do."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.accounts.harness import KEY, KIT, PATH, parse
from worker.accounts.load import parse_account
from worker.errors import ConfigurationError


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)
    return [str(problem).removeprefix("config/accounts/") for problem in caught.value.problems]


def problem(text: str) -> str:
    (said,) = problems(text)
    return said


def event(block: str) -> str:
    """A file with an event of its own, which does what `block` says."""
    return f"{KIT}events: {{order.paid: {block}}}\n"


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


@pytest.mark.parametrize(
    ("rule", "place", "said"),
    [
        ("{when: {}, add_tags: [A]}", ".when", "is empty, so the rule would always apply"),
        ("{add_tags: [A]}", ".when", "is missing; a rule needs a value's name and the value"),
        ("{when: Annual, add_tags: [A]}", ".when", "must be a value's name and the value"),
        ("{when: {mk_user_id: 1}}", "", "the rule does nothing; give it add_tags or remove_tags"),
        (
            "{when: {mk_user_id: 1}, add_tags: []}",
            "",
            "the rule does nothing; give it add_tags or remove_tags",
        ),
        (
            "{when: {plan: A}, add_tags: [A]}",
            ".when.plan",
            "unknown value; did you mean mk_subscription_plan?",
        ),
        ("{when: {user.x: A}, add_tags: [A]}", ".when.user.x", "unknown value; did you mean data.user.x?"),
        ("{when: {mk_user_id: }, add_tags: [A]}", ".when.mk_user_id", "a value is missing here"),
        ("{when: {mk_user_id: [A, null]}, add_tags: [A]}", ".when.mk_user_id[2]", "a value is missing here"),
        (
            "{when: {mk_user_id: []}, add_tags: [A]}",
            ".when.mk_user_id",
            "the list is empty, so the rule would never",
        ),
        ("{when: {mk_user_id: {a: b}}, add_tags: [A]}", ".when.mk_user_id", "must be one or several values"),
        (
            "{when: {mk_user_id: no}, add_tags: [A]}",
            ".when.mk_user_id",
            'YAML reads no as false; write "no" in quotes, or false without',
        ),
        ("{when: {mk_user_id: 010}, add_tags: [A]}", ".when.mk_user_id", "YAML reads 010 as a number"),
        ("{when: {mk_user_id: ''}, add_tags: [A]}", ".when.mk_user_id", "an empty text never matches"),
        (
            "{when: {mk_user_id: ' A'}, add_tags: [A]}",
            ".when.mk_user_id",
            "never matches because of the spaces",
        ),
        ("{when: {mk_user_id: 1}, add_tags: [A], rules: []}", ".rules", "unknown key; what may stand here"),
        ("Annual", "", "must be a rule, with a value's name and the value"),
        (
            "{when: {data.a: '>40'}, add_tags: [A]}",
            ".when.data.a",
            '">40" would be compared to the letter; write {above: 40}',
        ),
        (
            "{when: {data.a: [x, '<= 5']}, add_tags: [A]}",
            ".when.data.a[2]",
            '"<= 5" would be compared to the',
        ),
        (
            "{when: {data.a: '*'}, add_tags: [A]}",
            ".when.data.a",
            '"*" would be compared to the letter; write {pre',
        ),
        (
            "{when: {data.a: 'VIP*'}, add_tags: [A]}",
            ".when.data.a",
            '"VIP*" would be compared to the letter; wri',
        ),
        (
            "{when: {data.a: '!=x'}, add_tags: [A]}",
            ".when.data.a",
            '"!=x" would be compared to the letter; write',
        ),
        (
            "{when: {data.a: '== x'}, add_tags: [A]}",
            ".when.data.a",
            '"== x" would be compared to the letter; wri',
        ),
        (
            "{when: {data.a: {abov: 4}}, add_tags: [A]}",
            ".when.data.a.abov",
            "unknown key; did you mean above?",
        ),
        (
            "{when: {data.a: {above: x}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number such as 40 or 49",
        ),
        (
            "{when: {data.a: {above: '4'}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number, without quotes",
        ),
        (
            "{when: {data.a: {above: [4]}}, add_tags: [A]}",
            ".when.data.a.above",
            "must be a number such as 40 or",
        ),
        (
            "{when: {data.a: {below: 2027-01-01}}, add_tags: [A]}",
            ".when.data.a.below",
            "must be a number such as 4",
        ),
        (
            "{when: {data.a: {present: maybe}}, add_tags: [A]}",
            ".when.data.a.present",
            "must be true or false, not",
        ),
        (
            "{when: {data.a: {not: []}}, add_tags: [A]}",
            ".when.data.a.not",
            "the list is empty, so the rule would",
        ),
        (
            "{when: {data.a: {not: [a, null]}}, add_tags: [A]}",
            ".when.data.a.not[2]",
            "a value is missing here",
        ),
        (
            "{when: {data.a: {like: VIP}}, add_tags: [A]}",
            ".when.data.a.like",
            '"VIP" has no *, which stands for an',
        ),
        (
            "{when: {data.a: {}}, add_tags: [A]}",
            ".when.data.a",
            "must be one or several values, or compare, as in",
        ),
        ("{unless: {}, add_tags: [A]}", ".unless", "is empty, so the rule would always apply"),
        ("{when: {data.a: 1}, unless: {dta.x: 1}, add_tags: [A]}", ".unless.dta.x", "unknown value"),
        (
            "{when: {data.a: 1}, at: mk_x, add_tags: [A]}",
            ".at",
            "does not belong here; move it, indented, under ord",
        ),
        (
            "{when: {data.a: 1}, skip: true, add_tags: [A]}",
            ".skip",
            "skips the event, so that nothing of add_tags",
        ),
        (
            "{when: {data.a: 1}, skip: false}",
            "",
            "the rule does nothing; give it add_tags or remove_tags, or set",
        ),
        ("{when: {data.a: 1}, skp: true}", ".skp", "unknown key; did you mean skip?"),
    ],
)
def test_a_wrong_rule(rule: str, place: str, said: str) -> None:
    found = problems(event(f"{{rules: [{rule}]}}"))
    assert f": events.order.paid.rules[1]{place}: {said}" in found[-1]


@pytest.mark.parametrize(
    ("block", "place", "said"),
    [
        (
            "{set_fields: Source}",
            ".set_fields",
            "must be a custom field's name and what it is set to, such as",
        ),
        (
            "{set_fields: {Source: no}}",
            ".set_fields.Source",
            'YAML reads no as false; write "no" in quotes, or',
        ),
        (
            "{set_fields: {Source: [a]}}",
            ".set_fields.Source",
            "must be one text, number, true, false, or null to",
        ),
        (
            "{set_fields: {Source: ''}}",
            ".set_fields.Source",
            "the text is empty; write null to clear the field",
        ),
        (
            "{set_fields: {Source: }}",
            ".set_fields.Source",
            "nothing stands after the colon; write null to clear",
        ),
        (
            "{set_fields: {Plan: '{data.plan}'}}",
            ".set_fields.Plan",
            "set_fields takes text as it stands; what an",
        ),
        (
            "{set_fields: {Plan B: x, plan_b: y}}",
            ".set_fields.plan_b",
            "plan_b is the field Plan B, which stands h",
        ),
        (
            "{set_fields: {First name: x}}",
            ".set_fields.First name",
            "write first_name to mean Kit's own first n",
        ),
        (
            "{set_fields: {first_name: null}}",
            ".set_fields.first_name",
            "Kit's own first name is never cleared",
        ),
        ("{clear_fields: Plan}", ".clear_fields", "must be all, not Plan"),
        ("{unsubscribe: please}", ".unsubscribe", "must be true or false, not please"),
        ("{create: 0}", ".create", "must be true or false, not 0"),
        (
            "{subscriber_state: activ}",
            ".subscriber_state",
            "must be active or inactive, not activ; did you mean",
        ),
        ("{at: ends_at}", ".at", "unknown value; did you mean mk_subscription_ends_at?"),
        (
            "{opens: subscriptions}",
            ".opens",
            "must be subscription, not subscriptions; did you mean subscription?",
        ),
        (
            "{opens: subscription, closes: subscription}",
            "",
            "opens and closes both stand here; keep one of them",
        ),
        (
            "{skip: true, add_tags: [A]}",
            ".skip",
            "skips the event, so that nothing of add_tags is done; delete s",
        ),
        (
            "{remove_tags: All}",
            ".remove_tags",
            "write all in small letters to take off all tags that this worker",
        ),
        ("{remove_tags: everything}", ".remove_tags", "must be a list; write [everything]"),
        (
            "{remove_tags: [{group: plan}]}",
            ".remove_tags[1].group",
            "no event gives a tag of a group plan; a gro",
        ),
        ("{remove_tags: [{grup: plan}]}", ".remove_tags[1]", "unknown key grup; did you mean group?"),
        ("{remove_tags: [{group: [a]}]}", ".remove_tags[1].group", "must be one name, not a list"),
        (
            "{add_tags: [{tag: A, replaces: plan}, {tag: B, replaces: plan}]}",
            ".add_tags[2]",
            "people have one tag of plan at a time, and A stands here already",
        ),
        (
            '{add_tags: ["{mk_access_level|} access"]}',
            ".add_tags[1]",
            "write a default after the | in {mk_access",
        ),
        (
            '{add_tags: ["{level|Basic} access"]}',
            ".add_tags[1]",
            "unknown placeholder {level}; did you mean mk_a",
        ),
    ],
)
def test_a_wrong_effect(block: str, place: str, said: str) -> None:
    assert f": events.order.paid{place}: {said}" in problem(event(block))


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


def test_a_name_with_nothing_after_it_is_asked_about() -> None:
    said = problems(f"{KIT}events:\n  order.paid:\nfields:\n  mk_user_id:\n")

    assert [line.partition("; ")[0] for line in said] == [
        "default.yaml:3:3: events.order.paid: nothing stands after the colon",
        "default.yaml:5:3: fields.mk_user_id: nothing stands after the colon",
    ]


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


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("sunny kitchen", 'app: "sunny kitchen" cannot be an app'),
        ("sunny.kitchen", 'app: "sunny.kitchen" cannot be an app'),
        ("'*'", 'app: "*" cannot be an app'),
        ("x" * 65, "cannot be an app"),
        ("[]", "app: the list is empty; name an app, or delete the line"),
        ("", "app: nothing stands here; write a name, or delete the entry"),
        ("5", 'app: YAML reads 5 as a number; write "5" in quotes'),
        ("[a, b, a]", 'app[3]: "a" stands here twice'),
    ],
)
def test_a_wrong_app(app: str, said: str) -> None:
    assert said in problem(f"app: {app}\n{KIT}")


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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "kit: is missing; say where the API key is; write api_key_env: KIT_API_KEY"),
        ("kit:", "kit: nothing stands here; must be followed by indented lines"),
        ("kit: {}", "kit: say where the API key is"),
        ("kit: {api_key_env: KIT_A, api_key_file: b}", "kit: api_key_env and api_key_file both stand here"),
        ("kit: {api_key_env: API_KEY}", "must be the name of an environment variable that begins with KIT_"),
        ("kit: {api_key_env: $KIT_API_KEY}", "write KIT_API_KEY: the variable's name alone"),
        (
            "kit: {api_key_env: kit_api_key}",
            "write KIT_API_KEY: the variable's name alone, in capital letters",
        ),
        (
            "kit: {api_key_env: Kit-Api-Key}",
            "write KIT_API_KEY: the variable's name alone, in capital letters",
        ),
        ("kit: {api_key_env: 'KIT_API_KEY '}", "write KIT_API_KEY: the variable's name alone"),
        ("kit: {api_key_env: ${KIT_API_KEY}}", "1:21: write the variable's name alone, without $ and braces"),
        ("kit\n  api_key_env: KIT_A", "default.yaml:1:4: a colon is missing at the end of this line (name:)"),
        ("```yaml\nkit: {api_key_env: KIT_A}\n```", "default.yaml:1:1: this line is no YAML; delete it"),
        ("kit: {api_key_env: KIT_BASE_URL}", "KIT_BASE_URL is a setting of the worker, not a secret"),
        ("kit: {api_key_env: KIT_A_FILE}", "write KIT_A: where KIT_A_FILE is set, the secret is in the file"),
        ("kit: {api_key_env: 5}", "kit.api_key_env: must be text"),
        ("kit: {api_key: KIT_API_KEY}", "kit.api_key: this is a variable's name; did you mean api_key_env?"),
        ("kit: {api_key: }", "kit.api_key: nothing stands here; write stored, and enter the key on the page"),
        ("kit: {api_key: Stored}", "kit.api_key: must be stored; the key itself is entered on the page"),
        ("kit: {api_key: 5}", "kit.api_key: must be stored; the key itself is entered on the page"),
        ("kit: {api_key: [stored]}", "kit.api_key: must be stored; the key itself is entered on the page"),
        (
            "kit: {api_key: stored, api_key_env: KIT_A}",
            "kit: api_key and api_key_env both stand here; keep one of them",
        ),
        ("kit:\n  api_key_env:KIT_API_KEY", "kit: must be followed by indented lines, such as api_key_env"),
        ("kit: {oauth: }", "kit.oauth: nothing stands here; write, indented below it, client_id_env"),
        ("kit: {oauth: null}", "kit.oauth: nothing stands here; write, indented below it, client_id_env"),
        (
            "kit: {oauth: {}}",
            "kit.oauth.client_id_env: is missing; name the environment variable with the app's",
        ),
        (
            "kit: {oauth: KIT_A}",
            "kit.oauth: must be followed by indented lines, such as client_id_env: KIT_CL",
        ),
        (
            "kit: {oauth: {client_id_env: KIT_API_KEY}}",
            "KIT_API_KEY is named as a secret is, and a client id",
        ),
        ("kit: {oauth: {client_id_env: KIT_APP_SECRET}}", "KIT_APP_SECRET is named as a secret is, and a"),
        ("kit: {oauth: {client_id_env: 5}}", "kit.oauth.client_id_env: must be text"),
        ("kit: {oauth: {client_id_env: }}", "kit.oauth.client_id_env: nothing stands here; write a name"),
        (
            "kit: {oauth: {client_id_env: KIT_A, secret_env: KIT_B}}",
            "kit.oauth.secret_env: unknown key; did you mean client_secret_env?",
        ),
        (
            "kit: {oauth: {client_id_env: KIT_A, redirect_uri: x}}",
            "kit.oauth.redirect_uri: unknown key; what may stand here: client_id_env, client_secret_env",
        ),
        ("kit: {client_id_env: KIT_A}", "does not belong here; move it, indented, under kit, below oauth"),
        (
            "kit: {oauth: {client_id_env: KIT_A}, api_key_env: KIT_B}",
            "kit: oauth and api_key_env both stand here; keep one of them",
        ),
        (
            "kit: {api_key_env: KIT_B, access_token_file: x/y, access_token_env: KIT_C}",
            "kit: api_key_env, access_token_file and access_token_env all stand here; keep one of them",
        ),
        ("kit: {access_token_env: LEDGER_KEY}", "must be the name of an environment variable that begins"),
        ("kit: {access_token_env: KIT_TIMEOUT}", "KIT_TIMEOUT is a setting of the worker, not a secret"),
        ("app:x", "an account file holds lines such as app: sunny-kitchen, and this is none; after a colon"),
        ("- a", "an account file holds lines such as app: sunny-kitchen, and this is none"),
    ],
)
def test_a_wrong_kit_section_or_file(text: str, said: str) -> None:
    assert said in problem(text)


@pytest.mark.parametrize(
    "text",
    [
        f"kit: {{api_key: {KEY}}}",
        f"kit: {{api_key_env: {KEY}}}",
        f"kit: {{api_key_env: {KEY.removeprefix('kit_')}}}",
        f"kit: {{api_key_file: {KEY}}}",
        f"kit: {{secret: '{KEY}'}}",
        f"kit: {KEY}",
        f"kit: {{{KEY}: }}",
        f"{KIT}api_key: {KEY}",
    ],
)
def test_a_key_pasted_into_the_file_is_noticed_and_never_repeated(text: str) -> None:
    said = problem(text)

    assert "this looks like the API key itself" in said
    assert "make a new key in Kit" in said
    assert KEY.removeprefix("kit_") not in said


@pytest.mark.parametrize(
    ("text", "what", "instead"),
    [
        (f"oauth: {{client_id: {KEY}}}", "client id", "client_id_env: KIT_CLIENT_ID"),
        (f"oauth: {{client_id_env: {KEY}}}", "client id", "client_id_env: KIT_CLIENT_ID"),
        (f"oauth: {{client_secret: {KEY}}}", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        (f"oauth: {{client_secret_env: {KEY}}}", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        ("client_secret: short", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        (f"access_token: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
        (f"access_token_env: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
        (f"access_token_file: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
    ],
)
def test_any_other_secret_that_was_pasted_is_named_and_never_repeated(
    text: str, what: str, instead: str
) -> None:
    said = "\n".join(problems(f"kit: {{{text}}}"))

    assert f"this looks like the {what} itself" in said
    assert f"write {instead} here" in said
    assert KEY.removeprefix("kit_") not in said


@pytest.mark.parametrize(
    "place", ["app: {} x", "{}: 1", "fields: {{{}: x}}", "events: {{{}.x y: null}}", "a: *{}"]
)
def test_a_key_pasted_anywhere_else_is_not_repeated_either(place: str) -> None:
    assert not any("0123456789" in said for said in problems(KIT + place.format(KEY)))


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


def test_the_app_is_no_part_of_an_event_type() -> None:
    """Given a type as its routing key is, then no event would ever have it."""
    said = problem(f"app: [rainy, sunny]\n{KIT}events: {{user.signed_up.sunny: {{}}}}\n")

    assert "write user.signed_up; that it is of the app sunny is said by app: already" in said
