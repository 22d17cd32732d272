"""Rules about the custom fields in the file beside those in Kit, and about what was renamed there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.lint.by_kit import kit_of, lacking, named_tags_in, near_in_kit, told
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.fields import MOST_FIELDS, labels
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.kit.names import Shift
from worker.mapping import FIRST_NAME

ROOM: Final = 10
"""Custom fields for which an account should still have room."""


def _fields(facts: Facts) -> dict[str, YamlPath]:
    """Return the custom fields to which something is written, by the file's names for them."""
    written = {target.target for target in facts.file.account.fields}
    for block in facts.file.blocks:
        written |= {name for name, value in block.rule.set_fields.items() if value is not None}
    return {name: path for name, path in labels(facts).items() if name in written and name != FIRST_NAME}


def _lacking_fields(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    near, by_default = _near_fields(facts, kit), []
    for name, path in _fields(facts).items():
        if kit.has_field(name) or name in near:
            continue
        if path == ("fields",):
            by_default.append(name)
        else:
            yield lacking(facts, path, f"the custom field {told(name)}", "fills it")
    if by_default:
        many = "the custom field" if len(by_default) == 1 else "the custom fields"
        said = f"{many} {', '.join(by_default)}, filled by default"
        yield _lacking_default_fields(facts, said)


def _lacking_default_fields(facts: Facts, said: str) -> Suspicion:
    if facts.file.account.options.create_missing:
        remedy = "write null in fields for what nobody needs: mk_user_id: null"
        return Suspicion(("fields",), f"Kit lacks {said}: the first event makes them", remedy)
    text = f"Kit lacks {said}, and create_missing is false: each event that fills one becomes a dead letter"
    return Suspicion(("fields",), text, "make them in Kit, or write null in fields for what nobody needs")


def _near_fields(facts: Facts, kit: AtKit) -> Mapping[str, str]:
    """Return the custom fields that Kit lacks and has under nearly the same label."""
    named = _fields(facts)
    names = [name for name in named if not kit.has_field(name)]
    taken = {found.id for name in named if (found := kit.field(name))}
    return near_in_kit(names, [field.label for field in kit.fields if field.id not in taken])


def _field_otherwise(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    near = _near_fields(facts, kit)
    for name, path in _fields(facts).items():
        there = kit.field(name)
        if name in near:
            said = f"Kit has no custom field {told(name)}, but {told(near[name])}: to Kit, those are two"
            yield Suspicion(path, said, "write it as Kit has it, if that one is meant")
        elif there is not None and name not in {there.label, there.key}:
            said = f"{told(name)} is {told(there.label)} in Kit: one field, which goes on being called so"
            yield Suspicion(path, said, "write it as Kit has it, so that people find it by its name")


def _near_field_limit(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    names = [name for name in _fields(facts) if not kit.has_field(name)]
    makes = len(names) if facts.file.account.options.create_missing else 0
    if not makes and len(kit.fields) <= MOST_FIELDS:
        return
    if len(kit.fields) + makes > MOST_FIELDS - ROOM:
        there = f"Kit has {len(kit.fields)} custom fields and room for {MOST_FIELDS}"
        said = f"{there}; this file wants {makes} more" if makes else there
        remedy = "delete in Kit what no mail uses, or write null in fields for what nobody needs"
        yield Suspicion(("fields",), said, remedy)


def _renamed(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    for key, tag in named_tags_in(facts).items():
        if shift := kit.renamed.get(("tags", key)):
            yield _shifted(tag.path, tag.words, shift, "tag")
    for name, path in _fields(facts).items():
        if shift := kit.renamed.get(("custom_fields", name)):
            yield _shifted(path, name, shift, "custom field")


def _shifted(path: YamlPath, name: str, shift: Shift, what: str) -> Suspicion:
    now = told(shift.was.kit_name)
    if shift.bearer is None:
        said = f"the {what} {told(name)} was renamed in Kit: it is called {now} there, and still meant"
        return Suspicion(path, said, f"write {now} here, or give it its name back in Kit")
    said = f"{told(name)} is another {what} in Kit now; the one that it meant is called {now} there"
    return Suspicion(path, said, "write the name of the one that is meant")


RULES: Final = (
    LintRule("field-not-in-kit", "a custom field that Kit does not have", _lacking_fields, "kit"),
    LintRule(
        "field-otherwise-in-kit", "a field that Kit has under almost that name", _field_otherwise, "kit"
    ),
    LintRule("field-limit-near", "no room in Kit for more custom fields", _near_field_limit, "kit"),
    LintRule("renamed-in-kit", "a tag or a custom field that was renamed in Kit", _renamed, "kit"),
)
