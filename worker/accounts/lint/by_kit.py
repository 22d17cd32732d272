"""Rules about the tags in the file beside those that its Kit account has now."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.lint.facts import Facts, TagPlace
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.spelling import misspelt, plain
from worker.outside.texts import line
from worker.subscribers.parts import tag_key

_NEARLY: Final = 0.9
"""Of the tags that placeholders may create."""
_BRACES: Final = re.compile(r"\{[^{}]*\}")
NO_COUNTS: Final = "tag-of-nobody"
"""The rule that is left out where Kit does not say how many people have a tag."""


def told(name: str) -> str:
    """Return a name of Kit's as a sentence may have it."""
    return f'"{shown(line(name))}"'


def kit_of(facts: Facts) -> AtKit:
    """Return what Kit has; rules that need it are not asked without."""
    return facts.kit or AtKit()


# -- which names the file has --------------------------------------------------------------------------------


def _tags(facts: Facts, *, added: bool, by_default: bool = False) -> dict[str, TagPlace]:
    """Return the tags without braces, by `tag_key`, each where it is named first: in the file, or not."""
    places = facts.file.added if added else facts.file.removed
    of_kind = [tag for tag in places if facts.file.is_listed(tag.path) is not by_default]
    return {tag_key(tag.words): tag for tag in reversed(of_kind) if not tag.template.has_placeholders}


def named_tags_in(facts: Facts) -> dict[str, TagPlace]:
    """Return all tags that stand in the file without braces, by `tag_key`."""
    return {**_tags(facts, added=False), **_tags(facts, added=True)}


# -- tags ----------------------------------------------------------------------------------------------------


def _lacking_tags(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    near = _near_tags(facts, kit)
    for key, tag in _tags(facts, added=True).items():
        if not kit.has_tag(key) and key not in near:
            yield lacking(facts, tag.path, f"the tag {told(tag.words)}", "gives it")
    defaults = _tags(facts, added=True, by_default=True)
    listed = named_tags_in(facts)
    names = [tag.words for key, tag in defaults.items() if not kit.has_tag(key) and key not in listed]
    if names:
        many = "the tag" if len(names) == 1 else "the tags"
        said = f"{many} {', '.join(map(told, sorted(names)))}, given by default"
        yield lacking(facts, ("events",), said, "gives it")
    added = {**_tags(facts, added=True), **defaults}
    for key, tag in _tags(facts, added=False).items():
        if not kit.has_tag(key) and key not in {*added, *near} and not _may_give(facts, key):
            said = f"Kit has no tag {told(tag.words)}, and no event of this file gives it: none is taken off"
            yield Suspicion(tag.path, said, "write it as Kit has it, or delete it here")


def lacking(facts: Facts, path: YamlPath, what: str, does: str) -> Suspicion:
    """Return what is so of something that Kit does not have: `what`, which events want that do `does`."""
    if facts.file.account.options.create_missing:
        said = f"Kit lacks {what}: the first event that {does} makes it, and nothing in Kit uses it yet"
        return Suspicion(path, said, "make it in Kit first, with what is to follow on it")
    said = f"Kit lacks {what}, and create_missing is false: each event that {does} becomes a dead letter"
    return Suspicion(path, said, "make it in Kit")


def _may_give(facts: Facts, key: str) -> bool:
    """Tell whether a tag with braces may be called so."""
    patterns = (_BRACES.split(tag.key) for tag in facts.file.added if tag.template.has_placeholders)
    return any(re.fullmatch(".*".join(map(re.escape, pieces)), key) for pieces in patterns)


def _near_tags(facts: Facts, kit: AtKit) -> dict[str, str]:
    """Return the tags that Kit lacks and has under nearly the same name, by `tag_key`, with that name."""
    lacking = {key: tag.words for key, tag in named_tags_in(facts).items() if not kit.has_tag(key)}
    others = [tag.name for key, tag in kit.tag_by_key.items() if key not in named_tags_in(facts)]
    return {tag_key(name): other for name, other in near_in_kit(lacking.values(), others).items()}


def near_in_kit(names: Collection[str], others: Collection[str]) -> dict[str, str]:
    """Return which of some names are nearly one of Kit's."""
    if not names:
        return {}
    by_plain = {plain(other): other for other in others}
    found = {name: by_plain[plain(name)] for name in names if plain(name) in by_plain}
    slips = misspelt([*others, *names])
    return {**{name: first for name, first in slips if name in names and first in others}, **found}


def _tag_otherwise(facts: Facts) -> Iterator[Suspicion]:
    kit = kit_of(facts)
    near = _near_tags(facts, kit)
    for key, tag in named_tags_in(facts).items():
        there = kit.tag_by_key.get(key)
        if key in near:
            said = f"Kit has no tag {told(tag.words)}, but {told(near[key])}: to Kit, those are two"
            yield Suspicion(tag.path, said, "write it as Kit has it, if that one is meant")
        elif there is not None and there.name.strip() != tag.words.strip():
            said = f"{told(tag.words)} is {told(there.name)} in Kit: one tag, which goes on being called so"
            yield Suspicion(tag.path, said, "write it as Kit has it, so that people find it by its name")


def _of_nobody(facts: Facts) -> Iterator[Suspicion]:
    kit, given = kit_of(facts), _tags(facts, added=True)
    for key, tag in named_tags_in(facts).items():
        there = kit.tag_by_key.get(key)
        if there is None or there.people != 0:
            continue
        if key in given:
            said = f"no active subscriber in Kit has {told(tag.words)}, though {tag.block.kind} gives it"
            remedy = f"see by kit-worker lint --events 500 whether {tag.block.kind} comes, and matches"
        else:
            said = f"no active subscriber in Kit has {told(tag.words)}, so there is none to take it off from"
            remedy = "write the tag that people have, or delete it here"
        yield Suspicion(tag.path, said, remedy)


def _near_max_created(facts: Facts) -> Iterator[Suspicion]:
    created, options = kit_of(facts).created_tags, facts.file.account.options
    templates = [tag for tag in facts.file.added if tag.template.has_placeholders]
    if created is None or not templates or not options.create_missing:
        return
    if created >= options.max_created_tags * _NEARLY:
        listed = ("options", "max_created_tags")
        path = listed if facts.file.is_listed(listed) else templates[0].path
        then = "each further one" if created >= options.max_created_tags else "what comes beyond that"
        said = (
            f"placeholders have created {created} tags, and max_created_tags allows "
            f"{options.max_created_tags}: {then} becomes a dead letter"
        )
        yield Suspicion(path, said, "raise it, if so many are meant, or send the value to a custom field")


RULES: Final = (
    LintRule("tag-not-in-kit", "a tag that Kit does not have", _lacking_tags, "kit"),
    LintRule("tag-otherwise-in-kit", "a tag that Kit has under almost that name", _tag_otherwise, "kit"),
    LintRule(NO_COUNTS, "a tag that nobody has", _of_nobody, "counts"),
    LintRule("max-created-tags-near", "almost all tags that placeholders may make", _near_max_created, "kit"),
)
