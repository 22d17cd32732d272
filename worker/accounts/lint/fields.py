"""Rules about custom fields: too many, never filled, or filled by two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from worker.accounts.file.field_checks import field_key
from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.spelling import alike
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS, path_of
from worker.kit.plan import MAX_FIELDS
from worker.mapping import FIRST_NAME, FieldTarget

MOST_FIELDS: Final = 140
"""Custom fields that a Kit account holds, and that one of its subscribers may have."""


def place(facts: Facts, target: FieldTarget) -> YamlPath:
    """Return where an entry of `fields` or `kit_fields` stands; of a default, `fields`."""
    paths: tuple[YamlPath, ...] = (("kit_fields", target.target), ("fields", target.source))
    return next((path for path in paths if facts.file.is_listed(path)), ("fields",))


def labels(facts: Facts) -> dict[str, YamlPath]:
    """Return each custom field that the account knows, by its label or key, and where it is named first."""
    found = {target.target: place(facts, target) for target in facts.file.account.fields}
    for block in facts.file.blocks:
        for name in block.rule.set_fields:
            found.setdefault(name, (*block.path, "set_fields", name))
    return {name: path for name, path in found.items() if name != FIRST_NAME}


def _too_many(facts: Facts) -> Iterator[Suspicion]:
    for block in facts.file.blocks:
        if len(block.rule.set_fields) > MAX_FIELDS:
            count = len(block.rule.set_fields)
            said = (
                f"{count} fields are set here, and a call takes {MAX_FIELDS}: each such event costs one more"
            )
            yield Suspicion(
                (*block.path, "set_fields"), said, "set fewer, or be sure that the calls are there"
            )
    count = len({field_key(name) for name in labels(facts)})
    if count > MOST_FIELDS:
        said = f"this file fills {count} custom fields, and Kit has room for {MOST_FIELDS}"
        yield Suspicion(("fields",), said, "send null for those that nobody needs, such as mk_user_id: null")


def _hidden(facts: Facts) -> Iterator[Suspicion]:
    sources = {field_key(target.target): target.source for target in facts.file.account.fields}
    for block in facts.file.blocks:
        carried = {"user", *HANDLERS[block.kind].example} if block.kind in HANDLERS else ()
        for name, value in block.rule.set_fields.items() if not block.number else ():
            source = sources.get(field_key(name), "")
            if (
                value is not None
                and source in PLATFORM_FIELDS
                and path_of(source).partition(".")[0] in carried
            ):
                said = (
                    f"{shown(name)} gets {source} from {block.kind}, and this takes its place every time: "
                    "what the event says is never seen"
                )
                yield Suspicion((*block.path, "set_fields", name), said, "delete it, or put it into a rule")


def _never_filled(facts: Facts) -> Iterator[Suspicion]:
    kinds = facts.file.account.events
    if not kinds.keys() <= HANDLERS.keys():
        return  # what other events carry, nobody knows
    carried = {"user", *(about for kind in kinds for about in HANDLERS[kind].example)}
    for target in facts.file.account.fields:
        where = place(facts, target)
        heads = {path_of(name).partition(".")[0] for name in target.sources if name in PLATFORM_FIELDS}
        if len(where) > 1 and heads and not heads & carried and all(map(PLATFORM_FIELDS.get, target.sources)):
            said = f"no event of this file carries {target.source}, so {shown(target.target)} is never filled"
            yield Suspicion(where, said, "delete the entry, or list the event that carries it")


def _similar(facts: Facts) -> Iterator[Suspicion]:
    found = labels(facts)
    first: dict[str, str] = {}
    for name in found:
        first.setdefault(field_key(name), name)
    for name, other in alike(first.values()):
        if len(found[name]) > 1:
            said = f'"{shown(name)}" and "{shown(other)}" are two custom fields, and nearly called the same'
            yield Suspicion(found[name], said, "write both alike, if one field is meant")


RULES: Final = (
    LintRule("too-many-fields", "more fields than a call takes, or Kit", _too_many),
    LintRule("set-field-hides-value", "a constant in the place of what the event says", _hidden),
    LintRule("field-never-filled", "a field whose value no event carries", _never_filled),
    LintRule("similar-fields", "two custom fields whose names are nearly the same", _similar),
)
