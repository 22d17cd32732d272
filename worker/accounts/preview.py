"""Tells what an event would do in an account: which rules match, and which Kit calls follow. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from worker.accounts.account import Account
from worker.accounts.explain import RuleView, explain_rules
from worker.accounts.file.values import shown, suggestion
from worker.accounts.interpret import interpret
from worker.accounts.whom import told_by
from worker.errors import EventError, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.events.values import time_text
from worker.handlers import HANDLERS
from worker.kit.plan import AddTag, FindSubscriber, NameIfCreated, RemoveTag, Step, Unsubscribe, Upsert, plan
from worker.mapping import Asked
from worker.subscribers.change import Change
from worker.subscribers.identity import person_in
from worker.subscribers.parts import Part


class PreviewVerdict(StrEnum):
    """What would become of an event."""

    APPLIED = "applied"
    PARTLY_APPLIED = "partly_applied"
    """The parts that cannot be applied make it a dead letter once the rest is."""
    SCHEDULED = "scheduled"
    """Nothing yet: it takes effect later."""
    IGNORED = "ignored"
    DEAD_LETTERED = "dead_lettered"


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
        detail: Why it, or a part of it, would be dead-lettered or ignored; empty where all would be applied.
        again: When it would be looked at again: it takes effect then, or a tag ends; empty where never.
        creates_missing: Whether tags and custom fields that Kit lacks would be created.
        person: By what its person is known, and whether it may change the address; empty where it is about
            nobody, for its address is none.
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
    again: str = ""
    person: str = ""


def preview(delivery: Delivery, account: Account) -> Preview:
    """Return what the event in a message would do; nothing is asked of anybody."""
    types = {*HANDLERS, *account.events}
    try:
        event = decode(delivery, arrival=0, apps=account.apps, types=types)
    except EventError as error:
        return _dead_lettered(account, delivery.routing_key, "", error)
    told = _of_event(event, account, delivery)
    is_about_nobody = told.reason is Reason.INVALID_EVENT and not person_in(event.data)[0]
    return replace(told, person="" if is_about_nobody else told_by(event, account))


def _of_event(event: Event, account: Account, delivery: Delivery) -> Preview:
    rules = explain_rules(event, account)
    try:
        asked = interpret(event, account, delivery.received_at)
    except EventError as error:
        return _dead_lettered(account, event.type, _email(event), error, rules)
    if asked is None:
        return _ignored(event, account)
    if asked.skipped:
        detail = (
            f"{asked.skipped} of {event.type} skips it"
            if asked.skipped != "always"
            else f"{event.type} skips all"
        )
        return _nothing(event, account, PreviewVerdict.IGNORED, detail, rules)
    if asked.again is not None and asked.again == asked.due:
        at = time_text(asked.again)
        said = f"it takes effect at {at}"
        return replace(_nothing(event, account, PreviewVerdict.SCHEDULED, said, rules), again=at)
    return _applied(event, account, rules, asked)


def _dead_lettered(
    account: Account, event_type: str, email: str, error: EventError, rules: tuple[RuleView, ...] = ()
) -> Preview:
    verdict = PreviewVerdict.DEAD_LETTERED
    return Preview(account.name, event_type, email, verdict, error.reason, str(error), rules)


def _ignored(event: Event, account: Account) -> Preview:
    is_known = event.type in HANDLERS
    why = f"turns {event.type} off" if is_known else f"does not map {shown(event.type)}"
    meant = "" if is_known else suggestion(event.type, sorted(account.types), 0.75)
    detail = f"{account.name} {why}, so the worker does not subscribe to it{meant}"
    return _nothing(event, account, PreviewVerdict.IGNORED, detail)


def _nothing(
    event: Event,
    account: Account,
    verdict: PreviewVerdict,
    detail: str,
    rules: tuple[RuleView, ...] = (),
) -> Preview:
    return Preview(account.name, event.type, _email(event), verdict, None, detail, rules)


def _applied(event: Event, account: Account, rules: tuple[RuleView, ...], asked: Asked) -> Preview:
    change, refusal = asked.change, asked.refusal
    # For somebody whom this worker has not met; one whom it has may need fewer.
    steps = plan(change, account.options, known=False)
    return Preview(
        account=account.name,
        event_type=event.type,
        email=_email(event),
        verdict=PreviewVerdict.APPLIED if refusal is None else PreviewVerdict.PARTLY_APPLIED,
        reason=None if refusal is None else refusal.reason,
        detail=str(refusal or ""),
        rules=rules,
        fields=_fields(asked, account),
        add_tags=tuple(step.part.value.name for step in steps if isinstance(step, AddTag)),
        remove_tags=tuple(step.part.value.name for step in steps if isinstance(step, RemoveTag)),
        calls=_calls(_email(event), steps, change),
        creates_missing=account.options.create_missing,
        again=time_text(asked.again) if asked.again else "",
    )


def _email(event: Event) -> str:
    """Return the address as a person is known by it; where it is none, as it stands in the event."""
    email, _ = person_in(event.data)
    user = event.data.get("user")
    given = user.get("email") if isinstance(user, dict) else None
    return email or (given if isinstance(given, str) else "")


# -- fields and calls --------------------------------------------------------------------------------------


def _fields(asked: Asked, account: Account) -> tuple[FieldView, ...]:
    change = asked.change
    sources = {target.target: " or ".join(target.sources) for target in account.fields}
    sources |= dict.fromkeys(asked.sets, "set_fields")
    values: dict[str, Part[str | None] | Part[str]] = dict(change.fields)
    if change.first_name is not None:
        values = {"first_name": change.first_name, **values}
    return tuple(FieldView(name, part.value, sources.get(name, "")) for name, part in values.items())


def _calls(email: str, steps: Sequence[Step], change: Change) -> tuple[CallView, ...]:
    """Return the calls of all steps, in their order, and those that take off what an entry gave before."""
    replaced = [
        CallView(
            "DELETE /v4/tags/{…}/subscribers/{id}",
            f"remove what the entry that gives {part.value.name} gave before",
            only="where that was another tag",
        )
        for part in change.gave.values()
    ]
    before = [call_of(email, step) for step in steps if not isinstance(step, AddTag | Unsubscribe)]
    after = [call_of(email, step) for step in steps if isinstance(step, AddTag | Unsubscribe)]
    return (*before, *replaced, *after)


def call_of(email: str, step: Step) -> CallView:
    """Return the call that a step takes."""
    match step:
        case FindSubscriber():
            what = f"find {email}, who is not created: without a subscriber nothing is done"
            return CallView("GET /v4/subscribers", what, only="where the worker has not met this person")
        case Unsubscribe():
            return CallView("POST /v4/subscribers/{id}/unsubscribe", f"unsubscribe {email}")
        case Upsert():
            return _upsert_call(email, step)
        case NameIfCreated(first_name=name):
            body = Upsert({}, name).values({})
            what = f"set the first name to {name.value}"
            return CallView("PUT /v4/subscribers/{id}", what, body, "for a new subscriber")
        case RemoveTag(part=part):
            call = f"DELETE /v4/tags/{{{part.value.name}}}/subscribers/{{id}}"
            return CallView(call, f"remove the tag {part.value.name}", only="not for a new subscriber")
        case AddTag(part=part):
            call = f"POST /v4/tags/{{{part.value.name}}}/subscribers/{{id}}"
            return CallView(call, f"add the tag {part.value.name}")


def _upsert_call(email: str, upsert: Upsert) -> CallView:
    keys = {name: name for name in upsert.fields}
    parts = ["the first name"] if upsert.first_name is not None else []
    if upsert.fields:
        parts.append(f"{len(upsert.fields)} custom field{'s' if len(upsert.fields) > 1 else ''}")
    what = f"create or update {email}" if upsert.ensure else f"update {email}"
    what = f"{what}: {' and '.join(parts)}" if parts else what
    if upsert.ensure is None:
        return CallView("PUT /v4/subscribers/{id}", what, upsert.values(keys))
    body = upsert.body(email, keys)
    return CallView(
        "POST /v4/subscribers", what, body, "" if parts else "where the worker has not met this person"
    )
