"""What an example says somebody has is what the model of the contract says, in whatever order events come."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.people_model import Does, Person, Said, file_of, right
from tests.unit.subscribers.test_people import a_life, event_of, shown
from worker.accounts.examples.example import ExampleTest
from worker.accounts.examples.read import read_examples
from worker.ops.examples.files import results_in
from worker.ops.examples.run import ExampleResult, run

ACCOUNT = """\
events:
  subscription.started:
    add_tags: [Active Member]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member], add_tags: [Cancelled]}
  access.granted: {add_tags: ["{mk_access_level} access"]}
  user.updated: {}
"""
STARTED = "      - {at: 2027-01-01, type: subscription.started, mk_subscription_plan: Annual}\n"
CANCELED = (
    "      - {at: 2027-01-05, type: subscription.canceled, mk_subscription_ends_at: 2027-02-01T00:00:00Z}\n"
)


def example_of(text: str) -> ExampleTest:
    file = read_examples(text, Path("a.yaml"))
    assert file.problems == ()
    return file.examples[0]


def result_of(events: str, then: str, account: str = ACCOUNT) -> ExampleResult:
    """Return what comes of an example, with the lines of the account's file."""
    file = read_examples(f"tests:\n  - name: one\n    events:\n{events}    then: {then}\n", Path("a.yaml"))
    assert file.problems == ()
    return results_in(file, parse(KIT + account), KIT + account).results[0]


def told(result: ExampleResult) -> list[str]:
    return [f"{each.sign} {each.what}|{each.why}" for look in result.looks for each in look.differences]


FILE = "config/accounts/default.yaml"
OWED = "mk_access_level: has no value, but the tag '{mk_access_level} access' needs it"


@pytest.mark.parametrize(
    ("events", "then", "lines"),
    [
        (STARTED, "{tags: [Member, Active Member]}",
         ["- tag Member|", f"+ tag Annual Plan|given by event 1, subscription.started, rule 1, {FILE}:5"]),
        (STARTED + CANCELED, "{at: 2027-02-01, tags: [active member, Annual plan]}",
         [f"- tag active member|taken off by event 2, subscription.canceled, {FILE}:6",
          f"+ tag Cancelled|given by event 2, subscription.canceled, {FILE}:6"]),
        (STARTED + CANCELED,
         "{at: 2027-01-31, has_tags: [Active Member], not_tags: [Cancelled], due: [2027-02-01]}", []),
        (STARTED + CANCELED,
         "{due: [{at: 2027-02-01, event: 2, what: [tag Cancelled, tag Active Member off]}]}", []),
        (STARTED + CANCELED, "{due: [{at: 2027-02-01, event: 1}]}",
         ["- due 2027-02-01T00:00:00Z, by event 1|",
          "+ due 2027-02-01T00:00:00Z: …|by event 2, subscription.canceled"]),
        (STARTED, "{fields: {mk_subscription_plan: Monthly, mk_user_id: ada, other: null}}",
         ["- field mk_subscription_plan: Monthly|",
          f"+ field mk_subscription_plan: Annual|set by event 1, subscription.started, {FILE}:3"]),
        ("      - {at: 2027-01-01, type: access.granted}\n", "{tags: []}",
         [f"+ dead letter: event 1 (partly_applied)|{OWED}"]),
        ("      - {at: 2027-01-01, type: access.granted}\n", "{dead: [{event: 1, reason: wrong_app}]}",
         ["- dead letter: event 1 (wrong_app)|",
          f"+ dead letter: event 1 (partly_applied)|{OWED}"]),
        (STARTED, "{fields: {MK_Subscription_Plan: Annual}}", []),
        ("      - {at: 2027-01-01, type: order.unknown}\n", "{fields: {mk_user_id: null}}", []),
        (STARTED.replace("}", ", app: moon}"), "{state: nobody, dead: [{event: 1, reason: wrong_app}]}", []),
        (STARTED, "{state: unsubscribed}", ["- state unsubscribed|", "+ state active|"]),
        ("      - {at: 2027-01-01, type: order.unknown}\n", "{tags: [Member]}",
         ["+ state nobody|Kit has nobody of ada@example.com", "- tag Member|"]),
        (STARTED + "      - {at: 2027-01-02, type: user.updated, user.email: ada@new.example}\n",
         "[{tags: [Active Member, Annual Plan]}, {person: ada@new.example, has_tags: [Active Member]}]", []),
        (STARTED + "      - {at: 2027-01-02, type: user.updated, user.email: ada@new.example}\n",
         "{person: ada@example.com, state: nobody}", []),
    ],
)  # fmt: skip
def test_what_is_otherwise_is_told_with_the_event_and_the_rule_that_made_it(
    events: str, then: str, lines: list[str]
) -> None:
    assert [_cut(line) for line in told(result_of(events, then))] == lines


def _cut(line: str) -> str:
    """Leave out all that an event will do then, which is long."""
    what, _, why = line.partition("|")
    return f"{what.partition(': tag ')[0]}: …|{why}" if what.startswith("+ due") else line


def test_looks_between_events_see_what_has_come_until_then_and_no_more() -> None:
    then = (
        "\n      - {at: 2027-01-01, tags: [Active Member, Annual Plan]}"
        "\n      - {at: 2027-01-31, has_tags: [Active Member]}"
        "\n      - {at: 2027-02-01, has_tags: [Cancelled]}"
    )
    late = "      - {at: 2027-02-02, type: subscription.started, mk_subscription_plan: Club}\n"

    assert result_of(STARTED + CANCELED + late, then).holds


def test_a_dead_letter_that_was_named_once_fails_no_other_look() -> None:
    events = "      - {at: 2027-01-01, type: access.granted}\n" + STARTED.replace("01-01", "01-02")

    assert result_of(events, "[{at: 2027-01-01, dead: [1]}, {has_tags: [Active Member]}]").holds
    assert not result_of(events, "[{at: 2027-01-01, dead: [1]}, {dead: []}]").holds


def test_a_dead_letter_stays_one_when_the_rest_of_it_is_due() -> None:
    account = ACCOUNT.replace('access"]', 'access", {tag: Guest, until: mk_access_expires_at}]')
    events = "      - {at: 2027-01-01, type: access.granted, mk_access_expires_at: 2027-02-01T00:00:00Z}\n"

    then = "[{at: 2027-01-02, tags: [Guest], dead: [1]}, {at: 2027-02-02, tags: [], dead: [1]}]"
    assert told(result_of(events, then, account)) == []


def test_how_each_event_ended_is_told() -> None:
    events = result_of(STARTED + "      - {at: 2027-01-03, copy_of: 1}\n", "{tags: []}").events

    assert events == ("event 1: subscription.started applied", "event 2: subscription.started duplicate")


# -- beside the model --------------------------------------------------------------------------------------


def line_of(said: Said, mapping: Mapping[str, Does]) -> str:
    """Return an event as an admin writes it."""
    event = event_of(said, mapping)
    data: dict[str, Any] = dict(event.data)
    user: dict[str, Any] = {"id": None, **data.pop("user")}
    values = {"at": event.time.isoformat(), "type": event.type, "id": event.id, "user": user}
    return f"      - {json.dumps({**values, 'data': data})}\n"


def then_of(should: Person) -> str:
    fields: dict[str, str | None] = {f"mk_subscription_{name}": value for name, value in should.shown.items()}
    fields |= {name: should.sets.get(name) for name in ("Source", "Left")}
    return json.dumps({"person": EMAIL, "tags": sorted(should.tags), "fields": fields})


def closings_last(said: list[Said]) -> list[Said]:
    """Return events of which closings come after the events of another kind of their second.

    Of one that came before these the contract does not say that it is newer.
    """
    shared = {each.second for each in said if not each.does.lifecycle}
    places = [place for place, each in enumerate(said) if each.second in shared]
    came = dict(
        zip(places, sorted((said[place] for place in places), key=lambda each: each.place[:2]), strict=True)
    )
    return [came.get(place, each) for place, each in enumerate(said)]


@settings(max_examples=200)
@given(a_life(), st.data())
def test_an_example_holds_whose_expectation_is_the_models_in_any_order_and_with_copies(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given any events of one person in any order, some twice, they have what the contract says."""
    mapping, said = drawn
    # Where nothing else tells which of two is newer, it is the one that comes later.
    came = closings_last(data.draw(st.permutations(said)))
    said = [replace(each, number=number) for number, each in enumerate(came)]
    lines = [line_of(each, mapping) for each in said]
    again = data.draw(st.lists(st.integers(1, len(said)), max_size=3))
    later = (NOON + timedelta(days=1)).isoformat()
    lines += [f"      - {{at: '{later}', copy_of: {number}}}\n" for number in again]
    should = shown(right(said))

    text = f"tests:\n  - name: one\n    events:\n{''.join(lines)}    then: {then_of(should)}\n"
    result = run(example_of(text), parse(KIT + file_of(mapping)), {})

    assert result.holds, result


@settings(max_examples=50)
@given(a_life(), st.data())
def test_an_example_that_expects_something_else_does_not_hold(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    mapping, said = drawn
    should = shown(right(said))
    other = data.draw(st.sampled_from(["Member", "VIP", "Cancelled", "Nobody has this"]))
    should.tags ^= {other}

    lines = "".join(line_of(each, mapping) for each in said)
    text = f"tests:\n  - name: one\n    events:\n{lines}    then: {then_of(should)}\n"
    result = run(example_of(text), parse(KIT + file_of(mapping)), {})

    assert [each.what for look in result.looks for each in look.differences if "tag" in each.what] == [
        f"tag {other}"
    ]
