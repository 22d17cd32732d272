"""What the checked parts of an account file mean: mappings, fields and options, as the worker has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Literal
from zoneinfo import ZoneInfo

from worker.accounts.file.comparison_model import ComparisonPart
from worker.accounts.file.field_checks import defaults_beside, field_key
from worker.accounts.file.model import AccountFile
from worker.accounts.file.rule_model import EffectsPart, EventPart, RulePart
from worker.handlers import HANDLERS
from worker.mapping import Condition, EventMapping, FieldTarget, Operator, Options, Rule, Template


def events_of(form: AccountFile) -> dict[str, EventMapping]:
    """Return what each event type does: as listed, or by default."""
    mappings = {kind: handler.default for kind, handler in HANDLERS.items()}
    labels = {field_key(target.target): target.target for target in fields_of(form)}
    for kind, part in (form.events or {}).items():
        mappings[kind] = _event(kind, part, labels) if part else None
    return {kind: mapping for kind, mapping in mappings.items() if mapping is not None}


def _event(kind: str, part: EventPart, labels: dict[str, str]) -> EventMapping:
    rules = tuple(_rule(rule, labels) for rule in part.rules or ())
    return EventMapping(_rule(part, labels), rules, _lifecycle(kind, part), part.at or "")


def _lifecycle(kind: str, part: EventPart) -> Literal["opens", "closes"] | None:
    """Return whether an event opens or closes a subscription: as it says, else as by default."""
    if part.opens:
        return "opens"
    default = HANDLERS[kind].default if kind in HANDLERS else None
    return "closes" if part.closes else default.lifecycle if default else None


def _rule(part: EffectsPart, labels: dict[str, str]) -> Rule:
    conditions = part if isinstance(part, RulePart) else None
    removed = part.remove_tags or ()
    return Rule(
        add_tags=tuple(Template(each.tag, each.replaces, each.until or "") for each in part.add_tags or ()),
        remove_tags=tuple(Template(each.tag) for each in removed if each.tag),
        when=_conditions(conditions.when) if conditions else (),
        unless=_conditions(conditions.unless) if conditions else (),
        remove_groups=tuple(each.group for each in removed if each.group),
        set_fields={
            labels.setdefault(field_key(name), name): value for name, value in (part.set_fields or {}).items()
        },
        skip=bool(part.skip),
        create=part.create,
        subscriber_state=part.subscriber_state,
        tags_off=any(each.everything for each in removed),
        fields_off=part.clear_fields is not None,
        unsubscribe=bool(part.unsubscribe),
    )


def _conditions(lines: Mapping[str, ComparisonPart] | None) -> tuple[Condition, ...]:
    return tuple(condition for name, part in (lines or {}).items() for condition in _compared(name, part))


def _compared(name: str, part: ComparisonPart) -> Iterator[Condition]:
    for operator in Operator:
        attribute = f"{operator}_" if operator in (Operator.IS, Operator.NOT) else operator
        if operator is Operator.PRESENT:
            if part.present is not None:
                yield Condition(name, ("true" if part.present else "false",), operator)
        elif wanted := getattr(part, attribute):
            yield Condition(name, tuple(wanted) if isinstance(wanted, list) else (wanted,), operator)


def fields_of(form: AccountFile) -> tuple[FieldTarget, ...]:
    """Return where values go: as `kit_fields` and `fields` say, and each other platform field by default."""
    fields, kit_fields = form.fields or {}, form.kit_fields or {}
    targets = [FieldTarget(name, target) for name, target in defaults_beside(fields, kit_fields).items()]
    targets += [FieldTarget(name, part.field, part.format) for name, part in fields.items() if part]
    for target, part in kit_fields.items():
        first, *others = part.from_
        targets.append(FieldTarget(first, target, part.format, tuple(others)))
    return tuple(targets)


def options_of(form: AccountFile) -> Options:
    """Return the options, each as it stands or by default."""
    if form.options is None:
        return Options()
    said = form.options.model_dump()
    said["address_changes"] = tuple(said["address_changes"])
    said["timezone"] = UTC if said["timezone"] == "UTC" else ZoneInfo(said["timezone"])
    return Options(**said)
