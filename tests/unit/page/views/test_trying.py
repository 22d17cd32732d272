"""Trying an event over HTTP: by form, by pasting, from the history, and of a person."""

from __future__ import annotations

import html
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.examples import EMAIL, NOON
from tests.unit.page.known import USER, ada, know
from tests.unit.page.serve import ACCOUNT_FILE, READ_TOKEN, TOKEN, Client, admin, served
from worker.events.body import MAX_BODY_BYTES
from worker.events.values import time_text
from worker.page.app import LARGEST
from worker.page.views import trying
from worker.subscribers.known import HistoryEntry

TRY = "/accounts/sunny/try"
RULES = """
events:
  order.paid:
    add_tags: [Customer]
    rules:
      - {when: {data.plan: Gold}, add_tags: [Gold]}
      - {unless: {mk_access_level: [Basic]}, remove_tags: ["{data.level} level"]}
fields: {data.plan: Plan}
"""
FILE = ACCOUNT_FILE + RULES.replace("{", "{{").replace("}", "}}")
ENTRY = HistoryEntry(EMAIL, "e-1", "order.paid", NOON, NOON.timestamp(), "applied")
PLAN = "value data.plan"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, file=FILE) as client:
        await know(tmp_path, ada("Customer", Plan="Gold"), entries=[ENTRY])
        await know(tmp_path, account="rainy", entries=[ENTRY])
        await client.sign_in(TOKEN)
        yield client


def text_of(page: str) -> str:
    return " ".join(page.partition("<main")[2].replace("<wbr>", "").split())


async def tries(client: Client, form: dict[str, str]) -> str:
    answer = await client.ask(TRY, form)
    assert answer.status == 200
    return text_of(answer.text)


async def test_the_form_asks_for_what_rules_depend_on(client: Client) -> None:
    """Given a type, its values come first, and all others are a click away; nothing was tried yet."""
    view = text_of((await client.ask(f"{TRY}?kind=order.paid")).text)
    first, _, more = view.partition("More values")
    for name in ("data.plan", "mk_access_level", "data.level"):
        assert f'name="value {name}"' in first
    assert 'name="value mk_subscription_plan"' in more
    assert "What it would do" not in view
    assert "Nothing is sent." in view


async def test_by_form_rules_calls_and_the_person_are_told(client: Client) -> None:
    view = await tries(client, {"kind": "order.paid", "email": "NEW@example.com", PLAN: "gold"})
    assert (
        "It would be applied, with 2 calls to Kit; the rest would be a dead letter (partly_applied)" in view
    )
    assert "data.level: has no value" in view
    assert "Nothing was sent: neither to Kit, nor to a queue, nor into the ledger." in view
    assert 'rule 1, line 8</span></th> <td data-label="Matches"><span class="mood busy">no' in view
    assert "it is gold, which differs in case or blanks" in view
    assert "create or update new@example.com" in view
    assert 'value="gold"' in view  # the form keeps what was given


async def test_by_pasting_the_event_counts_as_it_stands(client: Client) -> None:
    data = {"user": {"email": EMAIL}, "plan": "Gold", "level": "A"}
    pasted = json.dumps({"id": "e-7", "type": "order.paid", "data": data})
    view = await tries(client, {"json": pasted, "kind": "ignored"})
    assert "It would be applied, with" in view
    assert "remove the tag A level" in view


def large(size: int, *, indent: int | None = None) -> str:
    """Return an event that has so many bytes where it is written without blanks."""
    items = [1]
    data = {"user": {"email": EMAIL}, "level": "A", "items": items}
    event = {"id": "e-7", "type": "order.paid", "data": data}
    missing = size - len(json.dumps(event, separators=(",", ":")))
    items[:] = [10] * (missing % 2) + [1] * (missing // 2 + (missing + 1) % 2)  # each takes two
    return json.dumps(event, indent=indent, separators=None if indent else (",", ":"))


@pytest.mark.parametrize(
    "pasted",
    [large(LARGEST + 1), large(MAX_BODY_BYTES), large(MAX_BODY_BYTES // 2, indent=2)],
    ids=["more than a form of a few words", "the largest", "with blanks"],
)
async def test_an_event_of_any_size_that_workers_take_is_tried(client: Client, pasted: str) -> None:
    """Given one that is large, or large by its blanks alone, it is tried as any other."""
    assert "It would be applied, with" in await tries(client, {"json": pasted})


async def test_an_event_that_is_too_large_is_told_and_stays_in_the_form(client: Client) -> None:
    pasted = large(MAX_BODY_BYTES + 1)

    answer = await client.ask(TRY, {"json": pasted})

    view = text_of(answer.text)
    assert "Nothing was tried: the event has 262,145 bytes, and at most 262,144 (256 KiB) are taken" in view
    assert "leave out what no rule and no field needs" in view
    assert "What it would do" not in view
    assert f">{html.escape(pasted).replace('&quot;', '&#34;')}</textarea>" in answer.text


async def test_what_is_too_much_for_any_form_is_told_with_what_is_not(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "LARGEST_EVENT_FORM", LARGEST)
    answer = await client.ask(TRY, {"json": "x" * LARGEST})
    assert (answer.status, "an event at most 256 KiB" in text_of(answer.text)) == (413, True)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "Say which type of event it is."),
        ({"json": "{"}, "what you pasted:1: not JSON"),
        ({"json": "[{}, {}]"}, "There are 2 events in it; paste one."),
        ({"kind": "order.paid", "at": "yesterday"}, "time: must be an ISO 8601 time"),
        ({"kind": "order.paid", "value mk_plan": "x"}, "mk_plan: there is no such platform field"),
        ({"kind": "order.paid", PLAN: "{"}, "data.plan: begins as JSON but is none"),
        ({"json": "[" * 30_000}, "what you pasted:1: not JSON: nested deeper than 32 levels"),
        ({"kind": "order.paid", PLAN: "[" * 30_000}, "data.plan: begins as JSON but is none: nested deeper"),
        (
            {"kind": "order.paid", f"value {'a.' * 5000}b": "1"},
            "a path has 5,001 levels, and an event at most 32",
        ),
    ],
)
async def test_what_cannot_be_tried_says_why(client: Client, form: dict[str, str], said: str) -> None:
    view = await tries(client, form)
    assert f'role="alert">{said}' in view
    assert "What it would do" not in view


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "order.paid", "email": "nobody"}, "It would be a dead letter (invalid_event)"),
        ({"kind": "order.unknown", "email": EMAIL}, "It would be ignored: sunny does not map"),
        ({"kind": "order.paid", "email": "x@example.com", "user": USER}, "known by another address"),
    ],
)
async def test_other_ends_are_told_with_their_reason(client: Client, form: dict[str, str], said: str) -> None:
    assert said in await tries(client, form)


async def test_an_event_that_came_lately_is_tried_with_what_is_known_of_its_person(client: Client) -> None:
    """Given a line of the history, which has no values, those of the person stand in, and that is said."""
    (place,) = re.findall(r'href="(/accounts/sunny/try\?line=\d+)"', (await client.ask(TRY)).text)
    view = text_of((await client.ask(place)).text)
    assert "What it would do" in view
    assert "those that are known of the person now stand in" in view
    for value in ("Gold", EMAIL, USER, "e-1", time_text(NOON)):
        assert f'value="{value}"' in view


async def test_a_person_is_tried_with_the_type_that_came_last(client: Client) -> None:
    view = text_of((await client.ask(f"{TRY}?person=ADA%40example.com")).text)
    assert 'value="order.paid"' in view
    assert f'value="{USER}"' in view
    assert "It would be" in view


async def test_without_rabbitmq_a_dead_letter_cannot_be_read(client: Client) -> None:
    view = text_of((await client.ask(f"{TRY}?letter=l-1")).text)
    assert "The dead letter cannot be read now: " in view


async def test_lines_of_others_and_accounts_of_others_are_not_there(client: Client) -> None:
    """Given the number of a line that is another account's, it looks as one that does not exist."""
    await client.follow(admin())
    assert (await client.ask("/accounts/rainy/try")).status == 404
    assert (await client.ask("/accounts/rainy/try", {"kind": "order.paid"})).status == 404
    for number in ("2", "999", "x", "-1", "9" * 30):
        assert (await client.ask(f"{TRY}?line={number}")).status == 404


async def test_who_may_look_may_try_for_nothing_is_done(client: Client) -> None:
    for enters in (client.sign_in(READ_TOKEN), client.follow(admin(may_change=False))):
        client.session.cookie_jar.clear()
        await enters
        assert "Nothing was sent" in await tries(client, {"kind": "order.paid", "email": EMAIL})
        assert (await client.ask("/accounts/sunny/test", {})).status == 403
    assert "Nothing yet." in (await client.ask("/accounts/sunny/journal")).text


async def test_what_is_tried_is_shown_and_never_acts(client: Client) -> None:
    hostile = "<script>alert(1)</script>\"'{{7*7}}"
    pasted = json.dumps({"type": hostile, "data": {"user": hostile}})
    for form in ({"kind": hostile, "email": hostile, PLAN: hostile}, {"json": pasted}):
        view = await tries(client, form)
        assert "<script>" not in view
        assert "{{7*7}}" in view
