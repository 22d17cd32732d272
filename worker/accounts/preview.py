"""Tells what an event would do in an account: which rules match, and which Kit calls follow. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from worker.accounts.account import Account
from worker.accounts.interpret import interpret
from worker.errors import EventError, InvalidEvent, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.events.values import Missing
from worker.handlers import HANDLERS, handler_for
from worker.kit.plan import AddTag, NameIfCreated, RemoveTag, Step, Upsert, plan
from worker.mapping import Condition, Lookup, Rule, Template
from worker.subscribers.change import Change, Part
from worker.subscribers.identity import person_in


class PreviewVerdict(StrEnum):
    """What would become of an event."""

    APPLIED = "applied"
    IGNORED = "ignored"
    DEAD_LETTERED = "dead_lettered"


@dataclass(frozen=True, slots=True)
class ConditionView:
    """One line of a rule's `when`, held against the event.

    Attributes:
        found: The event's value; None where it has none.
        hint: What is close but not the same; empty where nothing is.
    """

    name: str
    wanted: tuple[str, ...]
    found: str | None
    holds: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule, held against the event.

    Attributes:
        name: `always` for the event's own lists, else `rule 1`, `rule 2`, … as they stand in the file.
        add_tags: With their placeholders filled in, where the event has the values.
        replaces: Those of `add_tags` that take the place of what their entry gave before.
    """

    name: str
    matches: bool
    conditions: tuple[ConditionView, ...]
    add_tags: tuple[str, ...]
    remove_tags: tuple[str, ...]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CallView:
    """One call to Kit, as it would be made.

    Attributes:
        call: Method and path, with names in braces where Kit's ids go.
        what: The same for people.
        body: The JSON that is sent; None where none is.
        only: When it is made, where that is not always; empty where it is.
    """

    call: str
    what: str
    body: dict[str, Any] | None = None
    only: str = ""


@dataclass(frozen=True, slots=True)
class FieldView:
    """A value that Kit would store, in which custom field (or `first_name`), and where it comes from."""

    field: str
    value: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an event would do.

    Attributes:
        reason: Why it would be dead-lettered; None where it would not.
        detail: Why it would be dead-lettered or ignored; empty where it would be applied.
        creates_missing: Whether tags and custom fields that Kit lacks would be created.
    """

    account: str
    event_type: str
    email: str
    verdict: PreviewVerdict
    reason: Reason | None
    detail: str
    rules: tuple[RuleView, ...] = ()
    fields: tuple[FieldView, ...] = ()
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    calls: tuple[CallView, ...] = ()
    creates_missing: bool = True


def preview(delivery: Delivery, account: Account) -> Preview:
    """Return what the event in a message would do; nothing is asked of anybody."""
    types = {*HANDLERS, *account.events}
    try:
        event = decode(delivery, arrival=0, apps=account.apps, types=types)
    except EventError as error:
        return _dead_lettered(account, delivery.routing_key, "", error)
    rules = _rules(event, account)
    try:
        change = interpret(event, account)
    except EventError as error:
        return _dead_lettered(account, event.type, _email(event), error, rules)
    if change is None:
        return Preview(
            account.name,
            event.type,
            _email(event),
            PreviewVerdict.IGNORED,
            None,
            _why_ignored(event, account),
        )
    steps = plan(change, account.options, known=False)
    return Preview(
        account=account.name,
        event_type=event.type,
        email=_email(event),
        verdict=PreviewVerdict.APPLIED,
        reason=None,
        detail="",
        rules=rules,
        fields=_fields(change, account),
        add_tags=tuple(step.part.value.name for step in steps if isinstance(step, AddTag)),
        remove_tags=tuple(step.part.value.name for step in steps if isinstance(step, RemoveTag)),
        calls=_calls(_email(event), change, account),
        creates_missing=account.options.create_missing,
    )


def _dead_lettered(
    account: Account, event_type: str, email: str, error: EventError, rules: tuple[RuleView, ...] = ()
) -> Preview:
    verdict = PreviewVerdict.DEAD_LETTERED
    return Preview(account.name, event_type, email, verdict, error.reason, str(error), rules)


def _email(event: Event) -> str:
    """Return the address as a person is known by it; where it is none, as it stands in the event."""
    email, _ = person_in(event.data)
    user = event.data.get("user")
    given = user.get("email") if isinstance(user, dict) else None
    return email or (given if isinstance(given, str) else "")


def _why_ignored(event: Event, account: Account) -> str:
    if event.type in HANDLERS:
        return f"{account.name} turns {event.type} off, so the worker does not subscribe to it"
    return f"{account.name} does not map {event.type}, so the worker does not subscribe to it"


# -- rules ------------------------------------------------------------------------------------------------


def _rules(event: Event, account: Account) -> tuple[RuleView, ...]:
    mapping = account.events.get(event.type)
    if mapping is None:
        return ()
    lookup = handler_for(event.type).lookup(event)
    named = [("always", mapping.base), *((f"rule {at}", rule) for at, rule in enumerate(mapping.rules, 1))]
    return tuple(_rule(name, rule, lookup) for name, rule in named)


def _rule(name: str, rule: Rule, lookup: Lookup) -> RuleView:
    conditions = tuple(_condition(condition, lookup) for condition in rule.when)
    return RuleView(
        name=name,
        matches=all(condition.holds for condition in conditions),
        conditions=conditions,
        add_tags=tuple(_rendered(template, lookup) for template in rule.add_tags),
        replaces=tuple(_rendered(template, lookup) for template in rule.add_tags if template.replaces),
        remove_tags=tuple(_rendered(template, lookup) for template in rule.remove_tags),
    )


def _rendered(template: Template, lookup: Lookup) -> str:
    try:
        return template.render(lookup)
    except InvalidEvent:
        return template.text


def _condition(condition: Condition, lookup: Lookup) -> ConditionView:
    try:
        value = lookup(condition.name)
    except InvalidEvent as error:
        return ConditionView(condition.name, condition.values, None, holds=False, hint=str(error))
    found = None if isinstance(value, Missing) else value
    near = [wanted for wanted in condition.values if found is not None and _alike(wanted, found)]
    holds = found in condition.values
    hint = (
        f"it is {found}, which differs in case or blanks; values compare to the letter"
        if near and not holds
        else ""
    )
    return ConditionView(condition.name, condition.values, found, holds=holds, hint=hint)


def _alike(one: str, other: str) -> bool:
    return "".join(one.split()).casefold() == "".join(other.split()).casefold()


# -- what follows -----------------------------------------------------------------------------------------


def _fields(change: Change, account: Account) -> tuple[FieldView, ...]:
    sources = {target.target: target.source for target in account.fields}
    values: dict[str, Part[str | None] | Part[str]] = dict(change.fields)
    if change.first_name is not None:
        values = {"first_name": change.first_name, **values}
    return tuple(FieldView(name, part.value, sources.get(name, "")) for name, part in values.items())


def _calls(email: str, change: Change, account: Account) -> tuple[CallView, ...]:
    """Return the calls for somebody whom this worker has not met; one whom it has may need fewer."""
    steps = plan(change, account.options, known=False)
    replaced = [
        CallView(
            "DELETE /v4/tags/{…}/subscribers/{id}",
            f"remove what the entry that gives {part.value.name} gave before",
            only="where that was another tag",
        )
        for part in change.gave.values()
    ]
    before = [_call(email, step, account) for step in steps if not isinstance(step, AddTag)]
    additions = [_call(email, step, account) for step in steps if isinstance(step, AddTag)]
    return (*before, *replaced, *additions)


def _call(email: str, step: Step, account: Account) -> CallView:
    match step:
        case Upsert():
            return _upsert_call(email, step, account)
        case NameIfCreated(first_name=name):
            body = Upsert({}, name).body(email, account.options, {})
            what = f"set the first name to {name.value}"
            return CallView("POST /v4/subscribers", what, body, "for a new subscriber")
        case RemoveTag(part=part):
            call = f"DELETE /v4/tags/{{{part.value.name}}}/subscribers/{{id}}"
            return CallView(call, f"remove the tag {part.value.name}", only="not for a new subscriber")
        case AddTag(part=part):
            call = f"POST /v4/tags/{{{part.value.name}}}/subscribers/{{id}}"
            return CallView(call, f"add the tag {part.value.name}")


def _upsert_call(email: str, upsert: Upsert, account: Account) -> CallView:
    body = upsert.body(email, account.options, {name: name for name in upsert.fields})
    parts = ["the first name"] if upsert.first_name is not None else []
    if upsert.fields:
        parts.append(f"{len(upsert.fields)} custom field{'s' if len(upsert.fields) > 1 else ''}")
    what = f"create or update {email}" if upsert.ensure else f"update {email}"
    what = f"{what}: {' and '.join(parts)}" if parts else what
    return CallView(
        "POST /v4/subscribers", what, body, "" if parts else "where the worker has not met this person"
    )
