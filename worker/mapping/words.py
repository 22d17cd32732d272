"""What an event's mapping does, in words for an admin who is no programmer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from worker.mapping.condition import Condition, Operator, by_line
from worker.mapping.rule import EventMapping, Rule
from worker.mapping.template import Template, placeholder


class Piece(NamedTuple):
    """A piece of a sentence; what it names may be shown otherwise than the rest."""

    text: str
    kind: Literal["text", "tag", "field"] = "text"


Sentence: TypeAlias = tuple[Piece, ...]

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "mk_user_id": "user id",
        "mk_first_name": "first name",
        "mk_last_name": "last name",
        "mk_signed_up_at": "day of signing up",
        "mk_subscription_id": "subscription id",
        "mk_subscription_plan": "plan",
        "mk_subscription_status": "subscription's status",
        "mk_subscription_started_at": "subscription's start",
        "mk_subscription_canceled_at": "day of canceling",
        "mk_subscription_ends_at": "subscription's end",
        "mk_cancel_reason": "reason for canceling",
        "mk_access_level": "access level",
        "mk_access_granted_at": "day of access",
        "mk_access_expires_at": "end of access",
    }
)
"""What people call the platform's fields."""

_BLANK: Final = re.compile(r"\{([^{}]*)\}")
COMPARED: Final[Mapping[Operator, str]] = MappingProxyType(
    {
        Operator.IS: "is",
        Operator.NOT: "is not",
        Operator.ABOVE: "is above",
        Operator.AT_LEAST: "is at least",
        Operator.BELOW: "is below",
        Operator.AT_MOST: "is at most",
        Operator.LIKE: "is like",
    }
)
"""How a value is compared, but whether it is there."""


def name_of(name: str) -> str:
    """Return what people call a value: a field of the platform's, or a path in an event's data."""
    return NAMES.get(name) or name.removeprefix("data.").replace(".", " ")


def in_words(mapping: EventMapping) -> tuple[Sentence, ...]:
    """Return what an event type does: a sentence for its own lists, and one for each rule."""
    first = [*_effects(mapping.base), *_of_event(mapping)]
    sentences = [_joined(first) or (Piece("creates or updates the person"),)]
    sentences += [_of_rule(rule) for rule in mapping.rules]
    if mapping.at:
        sentences.append((Piece(f"all of it takes effect at the {name_of(mapping.at)}"),))
    return tuple(sentences)


def text_of(sentence: Iterable[Piece]) -> str:
    """Return a sentence as plain text."""
    return "".join(piece.text for piece in sentence)


def _of_rule(rule: Rule) -> Sentence:
    done = _joined(list(_effects(rule))) or (Piece("does nothing more"),)
    wanted = [_condition(each) for each in rule.when]
    unwanted = [" and ".join(map(_condition, line)) for line in by_line(rule.unless)]
    so = f" if {' and '.join(wanted)}" if wanted else ""
    not_so = f" unless {' or '.join(unwanted)}" if unwanted else ""
    return (*done, Piece(f"{so}{not_so}")) if so or not_so else done


def _condition(condition: Condition) -> str:
    name = f"the {name_of(condition.name)}"
    if condition.operator is Operator.PRESENT:
        return f"{name} is {'given' if condition.values == ('true',) else 'not given'}"
    between = " nor " if condition.operator is Operator.NOT else " or "
    return f"{name} {COMPARED[condition.operator]} {between.join(condition.values)}"


def _of_event(mapping: EventMapping) -> Iterator[Sentence]:
    if mapping.lifecycle:
        yield (Piece(f"{mapping.lifecycle} a subscription"),)


def _effects(rule: Rule) -> Iterator[Sentence]:
    """Yield what a rule does, each as a part of a sentence."""
    if rule.skip:
        yield (Piece("nothing of the event is done"),)
        return
    if rule.tags_off:
        yield (Piece("takes off all tags that were given before"),)
    if rule.fields_off:
        yield (Piece("clears all custom fields that were set before"),)
    for template in rule.add_tags:
        yield (Piece("adds "), _tag(template), *_how(template))
    for template in rule.remove_tags:
        yield (Piece("takes off "), _tag(template))
    for group in rule.remove_groups:
        yield (Piece(f"takes off whatever the group {group} gave"),)
    for name, value in rule.set_fields.items():
        if value is None:
            yield (Piece("clears "), Piece(name, "field"))
        else:
            yield (Piece("sets "), Piece(name, "field"), Piece(f" to {value}"))
    yield from _about_the_person(rule)


def _about_the_person(rule: Rule) -> Iterator[Sentence]:
    if rule.unsubscribe:
        yield (Piece("unsubscribes the person from all mail"),)
    if rule.create is not None:
        yield (Piece("creates whom Kit lacks" if rule.create else "creates nobody"),)
    if rule.subscriber_state:
        yield (Piece(f"creates people as {rule.subscriber_state}"),)


def _tag(template: Template) -> Piece:
    return Piece(_BLANK.sub(lambda match: f"[{_filling(match[1])}]", template.text), "tag")


def _filling(inside: str) -> str:
    name, default = placeholder(inside)
    return f"{name_of(name)}, or {default}" if default else name_of(name)


def _how(template: Template) -> Iterator[Piece]:
    if isinstance(template.replaces, str):
        yield Piece(f" in place of others of the group {template.replaces}")
    elif template.replaces:
        yield Piece(" in place of the one that it gave before")
    if template.until:
        yield Piece(f" until the {name_of(template.until)}")


def _joined(parts: list[Sentence]) -> Sentence:
    pieces = [piece for part in parts for piece in (Piece(", "), *part)]
    return tuple(pieces[1:])
