"""`kit-worker preview`: what an event would do, before it does it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from worker.accounts import Account, load_accounts
from worker.clock import utc_now
from worker.commands.choosing import one_account
from worker.commands.event_files import STDIN, read_event_file
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show, show_json, table
from worker.preview import CallView, ConditionView, Preview, RuleView, Verdict
from worker.preview import preview as preview_of
from worker.sample_events import STAND_IN_EMAIL, Sample, made_up
from worker.settings import environment, load_settings


def preview(
    event: Annotated[str, typer.Argument(help="A file with an event as JSON, - for standard input, or an event type.")],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="With an event type: a platform field or a path, such as mk_subscription_plan=Annual or "
            "user.locale=de. Values are text; null is null, and JSON is read as such. Repeatable.",
        ),
    ] = None,
    account: Annotated[str | None, typer.Option(help="Whose mapping; needed where there are several.")] = None,
    app: Annotated[str | None, typer.Option(help="The app in the routing key. Default: the account's own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show which rules an event matches and which Kit calls would follow. Sends nothing, asks nobody."""
    samples = _samples(event, set_ or [])
    chosen = one_account(load_accounts(load_settings().config_dir, environment()), account)
    previews = [preview_of(sample.message(_routing_key(sample, chosen, app)), chosen, utc_now()) for sample in samples]
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
        return [made_up(event, settings, utc_now())]
    except ValueError as error:
        raise UsageError(f"--set {error}") from error


def _routing_key(sample: Sample, account: Account, app: str | None) -> str:
    addressed_to = app if app is not None else next(iter(account.apps), "")
    return f"{sample.type}.{addressed_to}" if addressed_to else sample.type


def _show(preview_: Preview, sample: Sample) -> None:
    say(f"{preview_.event_type or '(no type)'} for {preview_.email or 'nobody'}, in the account {preview_.account}", style="bold")
    say(_verdict(preview_))
    if preview_.email == STAND_IN_EMAIL and sample.id == "preview":
        say("No address was given, so a stand-in is used: --set user.email=…")
    if preview_.rules:
        show(table(("Rule", "Matches", "If", "Adds", "Removes"), [_rule_row(rule) for rule in preview_.rules]))
    if preview_.calls:
        rows = [_call_row(at, call) for at, call in enumerate(preview_.calls, 1)]
        show(table(("#", "Call to Kit", "To", "Only"), rows))
    if preview_.fields:
        rows = [(each.field, "(cleared)" if each.value is None else each.value, each.source) for each in preview_.fields]
        show(table(("Field in Kit", "Value", "From"), rows))


def _verdict(preview_: Preview) -> str:
    if preview_.verdict is Verdict.IGNORED:
        return f"Would be ignored: {preview_.detail}."
    if preview_.verdict is Verdict.DEAD_LETTERED:
        return f"Would be dead-lettered ({preview_.reason}): {preview_.detail}"
    return "Would be applied. For a subscriber whom the worker knows already, the first call may fall away."


def _rule_row(rule: RuleView) -> tuple[str, ...]:
    conditions = "; ".join(_condition(condition) for condition in rule.conditions)
    return rule.name, "yes" if rule.matches else "no", conditions, ", ".join(rule.add_tags), ", ".join(rule.remove_tags)


def _condition(condition: ConditionView) -> str:
    wanted = " or ".join(repr(value) for value in condition.wanted)
    if condition.holds:
        return f"{condition.name} is {condition.found!r}"
    found = "it has no value" if condition.found is None else f"it is {condition.found!r}"
    return f"{condition.name} is {wanted}: {found}{f' ({condition.hint})' if condition.hint else ''}"


def _call_row(number: int, call: CallView) -> tuple[str, ...]:
    return str(number), call.call, call.what, call.only
