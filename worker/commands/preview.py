"""`kit-worker preview`: what an event would do, before it does it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from worker.accounts.account import Account
from worker.accounts.explain import RuleView, told
from worker.accounts.preview import CallView, FieldView, Preview, PreviewVerdict
from worker.accounts.preview import preview as preview_of
from worker.clock import Clock
from worker.commands.common import STDIN, begin, one_account, read_accounts, read_event_file
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show, show_json, table
from worker.contract.samples import PREVIEW_ID, STAND_IN_EMAIL, Sample, made_up


def preview(
    event: Annotated[
        str, typer.Argument(help="A file with an event as JSON, - for standard input, or an event type.")
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="With an event type: a platform field or a path, such as mk_subscription_plan=Annual or "
            "user.locale=de. Values are text; null is null, and JSON is read as such. Repeatable.",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Whose mapping; needed where there are several.")
    ] = None,
    app: Annotated[
        str | None, typer.Option(help="The app in the routing key. Default: the account's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which rules an event matches and which Kit calls would follow. Sends nothing, asks nobody."""
    samples = _samples(event, set_ or [])
    chosen = one_account(read_accounts(begin()), account)
    previews = [
        preview_of(sample.delivery(_routing_key(sample, chosen, app), Clock().now()), chosen)
        for sample in samples
    ]
    if as_json:
        shown = [asdict(each) for each in previews]
        show_json(shown if len(shown) > 1 else shown[0])
        return
    for sample, each in zip(samples, previews, strict=True):
        _show(each, sample)


def _samples(event: str, settings: list[str]) -> list[Sample]:
    is_file = event == STDIN or Path(event).exists() or event.endswith((".json", ".jsonl")) or "/" in event
    if is_file and settings:
        raise UsageError("--set goes with an event type, not with a file")
    if is_file:
        return read_event_file(event)
    try:
        return [made_up(event, settings, Clock().now())]
    except ValueError as error:
        raise UsageError(f"--set {error}") from error


def _routing_key(sample: Sample, account: Account, app: str | None) -> str:
    addressed_to = app if app is not None else next(iter(account.apps), "")
    return f"{sample.type}.{addressed_to}" if addressed_to else sample.type


def _show(result: Preview, sample: Sample) -> None:
    event_type, email = result.event_type or "(no type)", result.email or "nobody"
    say(f"{event_type} for {email}, in the account {result.account}", style="bold")
    if result.email == STAND_IN_EMAIL and sample.id == PREVIEW_ID:
        say("(No address was given, so this one stands in: --set user.email=…)")
    if result.person:
        say(f"Its person is known by {result.person}.")
    say(_verdict(result), "")
    if result.rules:
        headings = ("Rule", "Matches", "If", "Adds", "Removes", "And")
        width = 6 if any(rule.effects for rule in result.rules) else 5
        show(table(headings[:width], [_rule_row(rule)[:width] for rule in result.rules]))
    if result.calls:
        rows = [_call_row(at, call) for at, call in enumerate(result.calls, 1)]
        show(table(("#", "Call to Kit", "To", "Only"), rows))
    if result.fields:
        show(table(("Field in Kit", "Value", "From"), [_field_row(each) for each in result.fields]))


def _verdict(result: Preview) -> str:
    if result.verdict is PreviewVerdict.IGNORED:
        end = "" if result.detail.endswith("?") else "."
        return f"Would be ignored: {result.detail}{end}"
    if result.verdict is PreviewVerdict.SCHEDULED:
        return f"Would wait: {result.detail}."
    if result.verdict is PreviewVerdict.DEAD_LETTERED:
        return f"Would be dead-lettered ({result.reason}): {result.detail}."
    calls = f"with these calls to Kit. {_about_missing(result)}"
    if result.verdict is PreviewVerdict.PARTLY_APPLIED:
        rest = f"The rest would be dead-lettered ({result.reason}): {result.detail}."
        return f"Would be applied in part, {calls}\n{rest}"
    until = f"\nA tag would be taken off again at {result.again}." if result.again else ""
    return f"Would be applied, {calls}{until}"


def _about_missing(result: Preview) -> str:
    if result.creates_missing:
        return "Tags and custom fields that Kit lacks would be created first."
    return "It would be dead-lettered if Kit lacks one of the tags or fields (create_missing: false)."


def _rule_row(rule: RuleView) -> tuple[str, ...]:
    conditions = "; ".join(map(told, rule.conditions))
    adds = ", ".join(f"{tag} (replaces)" if tag in rule.replaces else tag for tag in rule.add_tags)
    removes = ", ".join(rule.remove_tags)
    return rule.name, "yes" if rule.matches else "no", conditions, adds, removes, ", ".join(rule.effects)


def _call_row(number: int, call: CallView) -> tuple[str, ...]:
    return str(number), call.call, call.what, call.only


def _field_row(each: FieldView) -> tuple[str, ...]:
    return each.field, "(cleared)" if each.value is None else each.value, each.source
