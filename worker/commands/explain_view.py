"""Prints what an event would do, and says with which code `kit-worker explain` ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

from worker.accounts.account import Account
from worker.accounts.explain import RuleView, told
from worker.accounts.preview import CallView, FieldView, Preview, PreviewVerdict
from worker.commands.exits import ExitCode
from worker.commands.output import moment_text, say, show, show_json, table
from worker.contract.samples import STAND_IN_EMAIL
from worker.events.delivery import Delivery
from worker.ledger.history import Line
from worker.ops.effects import Effect, effects_of
from worker.ops.tried import Tried
from worker.ops.verdict import sentence, verdict_on
from worker.subscribers.item import Kind

CREATED_FIRST = "Tags and custom fields that Kit lacks would be created first."
NOT_CREATED = "It would be dead-lettered if Kit lacks one of the tags or fields (create_missing: false)."


class Explained(NamedTuple):
    """An event, and what would become of it.

    Attributes:
        came: Its line in the history, where it came lately.
    """

    tried: Tried
    delivery: Delivery
    came: Line | None = None


# -- exit codes --------------------------------------------------------------------------------------------


def code(tried: Tried) -> ExitCode:
    """Return the exit code for what would become of an event."""
    if tried.kind is Kind.DEAD_LETTERED:
        return ExitCode.DEAD_LETTER
    return ExitCode.SOMETHING if tried.changes_something else ExitCode.OK


def code_offline(preview: Preview) -> ExitCode:
    """Return the exit code for what the account's file alone makes of an event."""
    match preview.verdict:
        case PreviewVerdict.DEAD_LETTERED | PreviewVerdict.PARTLY_APPLIED:
            return ExitCode.DEAD_LETTER
        case PreviewVerdict.IGNORED:
            return ExitCode.OK
        case PreviewVerdict.SCHEDULED:
            return ExitCode.SOMETHING
    return ExitCode.SOMETHING if preview.calls else ExitCode.OK


# -- with the ledger and Kit -------------------------------------------------------------------------------


def show_explained(explained: Sequence[Explained], account: Account, *, as_json: bool) -> None:
    """Print what would become of events."""
    if as_json:
        _json([_tried_as_json(each) for each in explained])
        return
    for each in explained:
        _show_tried(each, account)


def _show_tried(each: Explained, account: Account) -> None:
    tried = each.tried
    _show_head(tried.preview)
    if each.came is not None:
        came, at = each.came, moment_text(each.came.at)
        say(
            f"It came at {at}: {came.outcome.replace('_', '-')}. The history keeps no values: those that are "
            "known of the person now stand in for them."
        )
        if came.outcome == Kind.DEAD_LETTERED:
            say(f"As it came, while it is a dead letter: kit-worker explain --letter {came.event_id}")
    say(verdict_on(tried))
    if tried.calls:
        say(CREATED_FIRST if account.options.create_missing else NOT_CREATED)
    say("Nothing was sent: neither to Kit, nor to a queue, nor into the ledger.", "")
    if tried.email:
        say(f"Address in Kit then: {tried.email}. In Kit now: {_in_kit(tried)}.")
    for subscription in tried.open:
        holds = f", which holds {', '.join(subscription.gives)}" if subscription.gives else ""
        since = "waits for its time" if subscription.waits else f"open by an event of {subscription.since}"
        say(f"Subscription {subscription.id or 'without an id'}: {since}{holds}.")
    for timer in tried.due:
        what = timer.what or "nothing by the present mapping"
        say(f"Due at {moment_text(timer.at)}: {what}, by {timer.event_type} of {timer.event_time}.")
    if tried.email:
        say("")
    _show_rules(tried.preview.rules)
    effects = effects_of(tried)
    if effects:
        show(table(("Tag or field", "In Kit now", "Then", "How"), map(_effect_row, effects)))
    _show_calls(tried.calls)


def _in_kit(tried: Tried) -> str:
    if tried.kit.problem:
        return f"not known: {tried.kit.problem}"
    return "nobody" if tried.kit.person is None else tried.kit.person.state


def _effect_row(effect: Effect) -> tuple[str, ...]:
    if effect.is_told:
        how = "a call to Kit"
    elif effect.differs:
        how = "no call: Kit is taken to have it so; send it again (the page: Send again)"
    else:
        how = "no call"
    return (
        effect.name,
        effect.now,
        effect.then,
        f"{how}{f', by an event of {effect.since}' * bool(effect.since)}",
    )


def _tried_as_json(each: Explained) -> Mapping[str, Any]:
    tried, kit = each.tried, each.tried.kit
    shown = asdict(tried.preview)
    return {
        **shown,
        "file_verdict": shown["verdict"],
        "verdict": tried.kind,
        "reason": tried.reason,
        "detail": tried.detail,
        "held": list(tried.held),
        "says": verdict_on(tried),
        "changes_something": tried.changes_something,
        "event_time": tried.event_time,
        "email_then": tried.email,
        "calls": [asdict(call) for call in tried.calls],
        "effects": [asdict(effect) for effect in effects_of(tried)],
        "open": [asdict(subscription) for subscription in tried.open],
        "due": [{**asdict(timer), "at": moment_text(timer.at)} for timer in tried.due],
        "in_kit": {"problem": kit.problem, "state": kit.person.state if kit.person else None},
        "came": None
        if each.came is None
        else {"at": moment_text(each.came.at), "outcome": each.came.outcome},
    }


# -- by the file alone -------------------------------------------------------------------------------------


def show_previews(previews: Sequence[Preview], *, as_json: bool) -> None:
    """Print what an account's file alone makes of events."""
    if as_json:
        _json([asdict(each) for each in previews])
        return
    for each in previews:
        _show_head(each)
        say(_verdict(each), "")
        _show_rules(each.rules)
        _show_calls(each.calls)
        if each.fields:
            show(table(("Field in Kit", "Value", "From"), [_field_row(field) for field in each.fields]))


def _json(shown: Sequence[Mapping[str, Any]]) -> None:
    show_json(shown if len(shown) > 1 else shown[0])


def _show_head(preview: Preview) -> None:
    event_type, email = preview.event_type or "(no type)", preview.email or "nobody"
    say(f"{event_type} for {email}, in the account {preview.account}", style="bold")
    if preview.email == STAND_IN_EMAIL:
        say("(This address stands in where none is given: --set user.email=…)")
    if preview.person:
        say(f"Its person is known by {preview.person}.")


def _show_rules(rules: Sequence[RuleView]) -> None:
    if rules:
        headings = ("Rule", "Matches", "If", "Adds", "Removes", "And")
        width = 6 if any(rule.effects for rule in rules) else 5
        show(table(headings[:width], [_rule_row(rule)[:width] for rule in rules]))


def _show_calls(calls: Iterable[CallView]) -> None:
    rows = [(str(at), call.call, call.what, call.only) for at, call in enumerate(calls, 1)]
    if rows:
        show(table(("#", "Call to Kit", "To", "Only"), rows))


def _verdict(result: Preview) -> str:
    if result.verdict is PreviewVerdict.IGNORED:
        return sentence(f"Would be ignored: {result.detail}")
    if result.verdict is PreviewVerdict.SCHEDULED:
        return sentence(f"Would wait: {result.detail}")
    if result.verdict is PreviewVerdict.DEAD_LETTERED:
        return sentence(f"Would be dead-lettered ({result.reason}): {result.detail}")
    calls = f"with these calls to Kit. {CREATED_FIRST if result.creates_missing else NOT_CREATED}"
    if result.verdict is PreviewVerdict.PARTLY_APPLIED:
        rest = sentence(f"The rest would be dead-lettered ({result.reason}): {result.detail}")
        return f"Would be applied in part, {calls}\n{rest}"
    until = f"\nA tag would be taken off again at {result.again}." if result.again else ""
    return f"Would be applied, {calls}{until}"


def _rule_row(rule: RuleView) -> tuple[str, ...]:
    conditions = "; ".join(map(told, rule.conditions))
    adds = ", ".join(f"{tag} (replaces)" if tag in rule.replaces else tag for tag in rule.add_tags)
    removes = ", ".join(rule.remove_tags)
    return rule.name, "yes" if rule.matches else "no", conditions, adds, removes, ", ".join(rule.effects)


def _field_row(each: FieldView) -> tuple[str, ...]:
    return each.field, "(cleared)" if each.value is None else each.value, each.source
