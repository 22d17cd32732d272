"""Rules about what stands in braces, and about values that an event does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Block, Facts, TagPlace
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.logic import implies, terms_of
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, TIMES, path_of
from worker.mapping import Condition, Operator
from worker.mapping.template import Placeholder, placeholder

_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_OBJECTS: Final = frozenset(path.partition(".")[0] for path in PLATFORM_FIELDS.values())
_SURE: Final = frozenset({"user.id", "user.email"})
_OFTEN_ABSENT: Final = "subscription.cancel_reason"
_OWN: Final = re.compile(
    r"(user|person|customer|subscription|order|payment|invoice|transaction|session|message|seat)\.id"
    r"|(.*\.)?(uuid|email|phone|ip|token|timestamp|total|amount|balance|points|\w+_at)"
    r"|user\.(first_name|last_name|name)"
)
"""Paths of values that are other ones for each person, or each time."""


def _inside(tag: TagPlace) -> Iterator[Placeholder]:
    return map(placeholder, _BRACES.findall(tag.template.text))


def _no_default(facts: Facts) -> Iterator[Suspicion]:
    for tag in (*facts.file.added, *facts.file.removed):
        for name, default in _inside(tag) if facts.file.is_listed(tag.path) else ():
            if not default and _may_lack(tag.block.kind, path_of(name)) and not _asks_for(tag.block, name):
                said = f"events may come without {name}, and each of those becomes a dead letter for this tag"
                rule = f"a rule with when: {{{name}: {{present: true}}}}"
                yield Suspicion(tag.path, said, f"write a default, {{{name}|unknown}}, or put it into {rule}")


def _may_lack(kind: str, path: str) -> bool:
    """Tell whether there are people, or reasons, without this value."""
    happened = HANDLERS[kind].happened_at if kind in HANDLERS else ""
    is_of_people = path.startswith("user.") and path not in _SURE and path != path_of(happened)
    return is_of_people or path == _OFTEN_ABSENT


def _asks_for(block: Block, name: str) -> bool:
    """Tell whether a rule matches only events that have a value."""
    there = Condition(name, ("true",), Operator.PRESENT)
    return any(implies(condition, there) for condition in terms_of(block.rule).holds)


def _of_other_event(facts: Facts) -> Iterator[Suspicion]:
    for kind, name, path in _asked(facts):
        about = path_of(name).partition(".")[0]
        if kind in HANDLERS and about in _OBJECTS - {"user", *HANDLERS[kind].example}:
            said = f"{kind} tells nothing of {_A.get(about, about)}, so {name} has no value there"
            yield Suspicion(path, said, "use it in an event that has it, or a value of this one")


_A: Final = {"subscription": "a subscription"}


def _asked(facts: Facts) -> Iterator[tuple[str, str, YamlPath]]:
    """Yield each value that an event of the file is asked for: its type, the value's name, and where."""
    file = facts.file
    for block in filter(lambda each: file.is_listed(each.path), file.blocks):
        for word, conditions in (("when", block.rule.when), ("unless", block.rule.unless)):
            for name in dict.fromkeys(condition.name for condition in conditions):
                yield block.kind, name, (*block.path, word, name)
        if block.mapping.at and not block.number:
            yield block.kind, block.mapping.at, (*block.path, "at")
    for tag in (*file.added, *file.removed):
        if file.is_listed(tag.path):
            for name in dict.fromkeys(tag.template.placeholders):
                yield tag.block.kind, name, tag.path
            if tag.template.until:
                yield tag.block.kind, tag.template.until, (*tag.path, "until")


def _for_each_person(facts: Facts) -> Iterator[Suspicion]:
    for tag in facts.file.added:
        own = [
            name
            for name in tag.template.placeholders
            if path_of(name) in TIMES or _OWN.fullmatch(path_of(name))
        ]
        if own:
            most = facts.file.account.options.max_created_tags
            said = (
                f'"{shown(tag.template.text)}" makes a tag of its own for nearly every event, '
                f"and after {most} of them events become dead letters"
            )
            yield Suspicion(tag.path, said, f"send {own[0]} to a custom field in fields")


RULES: Final = (
    LintRule("placeholder-without-default", "a value in braces that may be absent", _no_default),
    LintRule("value-of-other-event", "a value that this event does not have", _of_other_event),
    LintRule("tag-for-each-person", "a tag that has another name for each person", _for_each_person),
)
