"""A preview says what the worker would do, and why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.examples import NOON
from worker.accounts.account import Account
from worker.accounts.preview import Preview, PreviewVerdict, preview
from worker.events.delivery import Delivery
from worker.mapping import Condition, EventMapping, FieldTarget, Options, Rule, Template


def account(*rules: Rule, base: Rule | None = None, **options: Any) -> Account:  # noqa: ANN401
    """An account that maps one event type."""
    mapping = EventMapping(base or Rule(), rules)
    fields = (FieldTarget("mk_first_name", "first_name"), FieldTarget("data.user.locale", "Locale"))
    return Account("sunny", events={"order.paid": mapping}, fields=fields, options=Options(**options))


def when(name: str, *values: str, add: str = "Tag") -> Rule:
    return Rule(add_tags=(Template(add),), when=(Condition(name, values),))


def seen(of: Account, kind: str = "order.paid", **data: Any) -> Preview:  # noqa: ANN401
    """The preview of an event about Ada."""
    user = {"email": "ada@example.com", **data.pop("user", {})}
    body = json.dumps({"type": kind, "time": NOON.isoformat(), "data": {"user": user, **data}})
    return preview(Delivery(body.encode(), kind, received_at=NOON), of)


def test_calls_come_in_the_order_in_which_the_worker_makes_them() -> None:
    base = Rule(add_tags=(Template("New"), Template("{data.total} paid")), remove_tags=(Template("Old"),))

    result = seen(account(base=base), total=5, user={"first_name": "Ada", "locale": "de"})

    assert [(call.call, call.only) for call in result.calls] == [
        ("POST /v4/subscribers", ""),
        ("DELETE /v4/tags/{Old}/subscribers/{id}", "not for a new subscriber"),
        ("POST /v4/tags/{New}/subscribers/{id}", ""),
        ("POST /v4/tags/{5 paid}/subscribers/{id}", ""),
    ]
    assert result.calls[0].body == {
        "email_address": "ada@example.com",
        "state": "active",
        "first_name": "Ada",
        "fields": {"Locale": "de"},
    }


def test_a_first_name_only_for_new_people_is_a_call_only_for_new_people() -> None:
    result = seen(account(first_name="if_created"), user={"first_name": "Ada"})

    assert [(call.call, call.only) for call in result.calls] == [
        ("POST /v4/subscribers", "where the worker has not met this person"),
        ("PUT /v4/subscribers/{id}", "for a new subscriber"),
    ]


def test_an_explicit_null_is_shown_as_clearing_the_field() -> None:
    result = seen(account(), user={"locale": None})

    assert [(each.field, each.value, each.source) for each in result.fields] == [
        ("Locale", None, "data.user.locale")
    ]


def test_a_placeholder_without_a_value_is_owed_and_the_rest_is_shown_as_ever() -> None:
    base = Rule(add_tags=(Template("{mk_access_level} access"), Template("Member")))

    result = seen(account(base=base))

    assert (result.verdict, result.reason) == (PreviewVerdict.PARTLY_APPLIED, "partly_applied")
    assert "mk_access_level" in result.detail
    assert result.rules[0].add_tags == ("{mk_access_level} access", "Member")
    assert result.add_tags == ("Member",)
    assert len(result.calls) == 2


def test_a_value_that_no_rule_can_compare_is_owed_and_named_at_its_rule() -> None:
    result = seen(account(when("data.total", "5")), total={"cents": 5})

    assert result.verdict is PreviewVerdict.PARTLY_APPLIED
    assert "data.total: an object cannot" in result.rules[1].conditions[0].hint


def test_what_cannot_be_read_is_a_dead_letter() -> None:
    result = preview(Delivery(b"{", "order.paid"), account())

    assert (result.verdict, result.reason) == (PreviewVerdict.DEAD_LETTERED, "undecodable")


def test_what_is_about_nobody_is_known_by_nothing() -> None:
    known, nobody = ({"id": "7", "email": "ada@example.com"}, {"id": "7", "email": "ada at home"})

    told = [seen(account(), user=user) for user in (known, nobody)]

    assert [each.person for each in told] == ["the id 7", ""]


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("access.grantd", "; did you mean access.granted?"),
        ("order.payed", "; did you mean order.paid?"),
        ("Order.Paid", "; did you mean order.paid?"),
        ("invoice.sent", ""),
    ],
)
def test_a_type_that_is_nearly_a_known_one_is_asked_about(kind: str, meant: str) -> None:
    """Given a slip in the type, of a default or of one of this account's, then the right one is named."""
    result = seen(account(), kind=kind)

    assert result.detail.endswith(f"so the worker does not subscribe to it{meant}")


@pytest.mark.parametrize("kind", ["user.signed_up", "user.updated"])
def test_a_type_that_is_not_mapped_is_ignored(kind: str) -> None:
    result = seen(account(), kind=kind)

    assert result.verdict is PreviewVerdict.IGNORED
    assert kind in result.detail


def test_what_a_tag_replaces_is_shown_as_a_call_of_its_own() -> None:
    base = Rule(add_tags=(Template("{data.level} access", replaces=True), Template("Member")))

    result = seen(account(base=base), level="Gold")

    assert result.rules[0].replaces == ("Gold access",)
    assert [(call.what, call.only) for call in result.calls if call.call.startswith("DELETE")] == [
        ("remove what the entry that gives Gold access gave before", "where that was another tag")
    ]


# -- skipped, and later -------------------------------------------------------------------------------------

LATER, SOONER = "2026-08-01T12:00:00Z", "2026-06-01T12:00:00Z"


def mapped(mapping: EventMapping, **data: Any) -> Preview:  # noqa: ANN401
    """The preview of an event at noon of the first of July 2026."""
    return seen(replace(account(), events={"order.paid": mapping}), **data)


def test_what_a_rule_skips_is_ignored_and_the_rule_is_named() -> None:
    skips = Rule(when=(Condition("data.test", ("true",)),), skip=True)

    result = mapped(EventMapping(Rule((Template("Paid"),)), (Rule(), skips)), test=True)

    assert (result.verdict, result.detail) == (PreviewVerdict.IGNORED, "rule 2 of order.paid skips it")
    assert [rule.matches for rule in result.rules] == [True, True, True]
    assert not result.calls
    assert mapped(EventMapping(Rule(skip=True))).detail == "order.paid skips all"


def test_what_takes_effect_later_waits_and_says_until_when() -> None:
    mapping = EventMapping(Rule((Template("Cancelled"),)), at="data.end")

    later, sooner = mapped(mapping, end=LATER), mapped(mapping, end=SOONER)

    assert (later.verdict, later.again, later.calls) == (PreviewVerdict.SCHEDULED, LATER, ())
    assert later.detail == f"it takes effect at {LATER}"
    assert (sooner.verdict, sooner.again, sooner.add_tags) == (PreviewVerdict.APPLIED, "", ("Cancelled",))


def test_a_tag_that_ends_says_when() -> None:
    result = mapped(EventMapping(Rule((Template("Gold", until="data.end"),))), end=LATER)

    assert (result.verdict, result.again, result.add_tags) == (PreviewVerdict.APPLIED, LATER, ("Gold",))


def test_a_field_names_all_that_it_may_come_from_and_what_a_rule_sets() -> None:
    fields = (FieldTarget("data.a", "Field", otherwise=("data.b",)), FieldTarget("data.c", "Other"))
    of = replace(account(base=Rule(set_fields={"Source": "app", "Other": None})), fields=fields)

    assert [(each.field, each.value, each.source) for each in seen(of, b="x", c="y").fields] == [
        ("Field", "x", "data.a or data.b"),
        ("Other", None, "set_fields"),
        ("Source", "app", "set_fields"),
    ]
