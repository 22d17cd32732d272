"""What a file of examples may say, and what is said of one that is wrong."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.accounts.harness import SHIPPED
from worker.accounts.examples.example import ExamplePerson, ExampleTest, ExpectedDead, ExpectedDue
from worker.accounts.examples.read import read_examples

PATH = Path("config/tests/sunny.yaml")
TEXT = (SHIPPED / "tests" / "default.yaml").read_text(encoding="utf-8")
START = "tests:\n  - name: one\n    events:\n"
THEN = "    then: {tags: [Member]}\n"
EVENT = "      - {at: 2027-01-01, type: user.signed_up}\n"


MISSPELT = (
    "4:37: tests[1].events[1].mk_subscription_pln: there is no such platform field; did you mean "
    "mk_subscription_plan?"
)


def one(text: str) -> ExampleTest:
    file = read_examples(text, PATH)
    assert file.problems == ()
    (example,) = file.examples
    return example


def said_of(text: str) -> list[str]:
    return [str(problem).removeprefix(f"{PATH}:") for problem in read_examples(text, PATH).problems]


def test_a_short_event_is_about_ada_and_its_values_are_where_their_names_say() -> None:
    line = (
        "      - {at: 2027-01-01T12:00+01:00, type: subscription.started, mk_subscription_plan: Annual, "
        "user.locale: de, data.livemode: false, order: {total: 49.5, day: 2027-01-02}}\n"
    )
    (event,) = one(START + line + THEN).events

    assert event.at == event.comes_at == datetime(2027, 1, 1, 11, tzinfo=UTC)
    assert (event.type, event.id, event.app) == ("subscription.started", "event-1", None)
    assert event.data == {
        "user": {"id": "ada", "email": "ada@example.com", "locale": "de"},
        "subscription": {"plan": "Annual"},
        "livemode": False,
        "order": {"total": 49.5, "day": "2027-01-02"},
    }


def test_an_object_of_the_event_leaves_what_it_does_not_name() -> None:
    line = "      - {at: 2027-01-01, type: a.b, user: {locale: de}, data: {user: {first_name: Ada}}}\n"
    (event,) = one(START + line + THEN).events

    user = {"id": "ada", "email": "ada@example.com", "locale": "de", "first_name": "Ada"}
    assert event.data == {"user": user}


def test_a_copy_is_the_same_event_that_comes_later() -> None:
    first, copy = one(START + EVENT + "      - {at: 2027-02-01, copy_of: 1}\n" + THEN).events

    assert (copy.id, copy.at, copy.data) == (first.id, first.at, first.data)
    assert copy.comes_at == datetime(2027, 2, 1, tzinfo=UTC)


def test_who_is_looked_at_may_be_named_by_name_or_by_address() -> None:
    text = (
        f"{START}{EVENT}      - {{at: 2027-01-02, type: user.signed_up, person: bob}}\n"
        "      - {at: 2027-01-02, type: user.updated, user.email: ada@new.example}\n"
        "    then:\n      - {at: 2027-01-03, person: bob, tags: []}\n"
        "      - {person: x@new.example, state: nobody}\n"
    )
    then = one(text).then

    assert [each.whom for each in then] == [
        ExamplePerson("bob@example.com", "bob"),
        ExamplePerson("x@new.example"),
    ]


def test_what_is_due_and_dead_may_be_short() -> None:
    due = "due: [{at: 2027-03-01, event: 1, what: tag Gone}]"
    long = f"    then: {{{due}, dead: [{{event: 1, reason: wrong_app}}]}}\n"
    short = "    then: {due: [2027-03-01], dead: [1]}\n"
    march = datetime(2027, 3, 1, tzinfo=UTC)

    (first,), (second,) = one(START + EVENT + long).then, one(START + EVENT + short).then

    assert (first.due, first.dead) == (
        (ExpectedDue(march, 1, ("tag Gone",)),),
        (ExpectedDead(1, "wrong_app"),),
    )
    assert (second.due, second.dead) == ((ExpectedDue(march),), (ExpectedDead(1),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty; begin with tests: and a list below it"),
        ("test: []\n", "1:1: test: unknown key; did you mean tests?"),
        ("tests: []\n", "1:8: tests: must be a list of tests, each beginning with - name:"),
        ("account: 5\ntests: 1\n",
         "1:10: account: must be an account's name, as its file is named; write '5' in quotes"),
        (f"{START}      - {{at: 2027-01-32, type: a.b}}\n{THEN}",
         "4:14: tests[1].events[1].at: must be a day or a time, such as 2027-01-31 or 2027-01-31T12:00Z"),
        (f"{START}      - {{at: 2027-01-01, copy_of: 1}}\n{THEN}",
         "4:35: tests[1].events[1].copy_of: there is no event above that could come once more"),
        (f"{START}      - {{at: 2027-01-01, type: user.signd_up}}\n{THEN}",
         "4:32: tests[1].events[1].type: unknown event type; did you mean user.signed_up?"),
        (f"{START}      - {{at: 2027-01-01, type: a.b, mk_subscription_pln: x}}\n{THEN}",
         MISSPELT),
        (f"{START}      - {{at: 2027-01-01, type: a.b, persn: x}}\n{THEN}",
         "4:37: tests[1].events[1].persn: unknown key; did you mean person?"),
        (f"{START}      - {{at: 2027-01-01, type: a.b, data.x: no}}\n{THEN}",
         "4:45: tests[1].events[1].data.x: YAML reads no as false; put it in quotes"),
        (f"{START}{EVENT}    then: {{tag: [Member]}}\n",
         "5:12: tests[1].then.tag: unknown key; did you mean tags?"),
        (f"{START}{EVENT}    then: {{person: bob, tags: []}}\n",
         "5:20: tests[1].then.person: no event is about bob; there is ada"),
        (f"{START}{EVENT}    then: {{dead: [2]}}\n",
         "5:19: tests[1].then.dead[1]: must be the number of an event, from 1 to 1"),
        (f"{START}{EVENT}    then: {{dead: [true]}}\n",
         "5:19: tests[1].then.dead[1]: must be the number of an event, from 1 to 1"),
        (f"{START}{EVENT}    then: {{at: 1969-12-31, tags: []}}\n",
         "5:16: tests[1].then.at: must be a day or a time, such as 2027-01-31 or 2027-01-31T12:00Z"),
        (f"{START}{EVENT}    then: {{fields: {{Plan: {'x' * 10_001}}}}}\n",
         "5:27: tests[1].then.fields.Plan: has more than 10,000 characters"),
        (f"{START}{EVENT}    then: {{state: gone}}\n",
         "5:19: tests[1].then.state: must be active or inactive or unsubscribed or nobody"),
        (f"{START}{EVENT}    then: [{{tags: []}}, {{at: 2027-01-01, tags: []}}]\n",
         "5:11: tests[1].then: must be in order of time: what has no at: is looked at last"),
        (f"{START}{EVENT}    then: {{tags: [a], not_tags: [b]}}\n",
         "5:12: tests[1].then.tags: are all tags; has_tags and not_tags go without it"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_place_and_what_was_probably_meant(text: str, said: str) -> None:
    assert said in said_of(text)


def test_of_several_people_one_has_to_say_who_is_meant() -> None:
    text = f"{START}{EVENT}      - {{at: 2027-01-02, type: user.signed_up, person: bob}}\n{THEN}"

    assert said_of(text) == ["6:11: tests[1].then: say whose it is: person: ada, or another one"]


def test_a_thousand_broken_files_are_told_and_none_crashes() -> None:
    """Given files of which a line or a word is lost, doubled, moved or another, each is read to its end."""
    chance = random.Random(16)  # noqa: S311  # the same ones each time
    for _ in range(1_000):
        text = TEXT
        for _ in range(chance.randint(1, 4)):
            text = mutated(text, chance)
        file = read_examples(text, PATH)
        assert bool(file.problems) != bool(file.examples), text


def mutated(text: str, chance: random.Random) -> str:
    parts = text.split(" ") if chance.random() < 0.7 else text.splitlines(keepends=True)
    joined = " " if len(parts) > len(text.splitlines()) else ""
    at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    match chance.randrange(5):
        case 0:
            del parts[at]
        case 1:
            parts.insert(at, parts[other])
        case 2:
            parts[at], parts[other] = parts[other], parts[at]
        case 3:
            parts[at] = chance.choice(
                ["{}", "[", "~", "no", "010", "&a", "2027-01-01", "\t", "'", "copy_of: 1", "-1", "9" * 30]
            )
        case _:
            parts[at] = parts[at][: len(parts[at]) // 2]
    return joined.join(parts)


@given(st.text(max_size=200))
def test_any_text_is_read_to_its_end(text: str) -> None:
    read_examples(text, PATH)
