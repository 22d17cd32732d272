"""Rules about how tags and groups of tags are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Facts, TagPlace
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.spelling import alike, misspelt, plain


def _tags(facts: Facts) -> list[TagPlace]:
    """Return all tags that stand in the file, in its order; those of defaults first, which are right."""
    tags = (*facts.file.added, *facts.file.removed)
    spot = facts.file.source.spot
    return sorted(tags, key=lambda tag: (facts.file.is_listed(tag.path), spot(tag.path)))


def _spelled_twice(facts: Facts) -> Iterator[Suspicion]:
    first: dict[str, TagPlace] = {}
    for tag in _tags(facts):
        known = first.setdefault(plain(tag.key), tag)
        if known.words != tag.words:
            where = _where(facts, known)
            one = "Kit takes both for one tag" if known.key == tag.key else "Kit takes them for two tags"
            said = f'"{shown(tag.template.text)}" is "{shown(known.template.text)}" {where}, and {one}'
            yield Suspicion(tag.path, said, "write both alike")


def _where(facts: Facts, tag: TagPlace) -> str:
    return f"in line {facts.file.line(tag.path)}" if facts.file.is_listed(tag.path) else "by default"


def _similar(facts: Facts) -> Iterator[Suspicion]:
    places: dict[str, list[TagPlace]] = defaultdict(list)
    for tag in _tags(facts):
        places[tag.key].append(tag)
    for key, first in misspelt(places):
        tag, other = places[key][0], places[first][0]
        said = (
            f'"{shown(tag.template.text)}" is nearly "{shown(other.template.text)}" '
            f"{_where(facts, other)}, and Kit takes them for two tags"
        )
        yield Suspicion(tag.path, said, "write both alike, if one tag is meant")


def _similar_groups(facts: Facts) -> Iterator[Suspicion]:
    first: dict[str, TagPlace] = {}
    for tag in facts.file.added:
        if tag.group:
            first.setdefault(tag.group, tag)
    for group, other in alike(first):
        line = facts.file.line(first[other].path)
        said = f"{shown(group)} and {shown(other)} in line {line} are two groups, each with a tag of its own"
        yield Suspicion((*first[group].path, "replaces"), said, "write both alike, if one group is meant")


def _in_two_groups(facts: Facts) -> Iterator[Suspicion]:
    first: dict[str, TagPlace] = {}
    for tag in facts.file.added:
        known = first.setdefault(tag.key, tag) if tag.group else tag
        if known.group != tag.group:
            said = (
                f'"{shown(tag.template.text)}" is of the group {shown(tag.group)} here and of '
                f"{shown(known.group)} in line {facts.file.line(known.path)}: neither takes the other's place"
            )
            yield Suspicion((*tag.path, "replaces"), said, "write the same group in both")


def _group_of_one(facts: Facts) -> Iterator[Suspicion]:
    members: dict[str, list[TagPlace]] = defaultdict(list)
    for tag in facts.file.added:
        members[tag.group].append(tag)
    for group, tags in members.items():
        if group and len({tag.key for tag in tags}) == 1 and not tags[0].template.has_placeholders:
            name = shown(tags[0].template.text)
            said = (
                f'"{name}" is the only tag of the group {shown(group)}, so there is nothing that it replaces'
            )
            remedy = "write the tag's name alone, or give the other tags of the group the same replaces"
            yield Suspicion((*tags[0].path, "replaces"), said, remedy)


RULES: Final = (
    LintRule("tag-spelled-twice", "one tag in two spellings", _spelled_twice),
    LintRule("similar-tags", "two tags that differ in one letter", _similar),
    LintRule("similar-groups", "two groups whose names are nearly the same", _similar_groups),
    LintRule("tag-in-two-groups", "one tag in two groups", _in_two_groups),
    LintRule("group-of-one", "a group with one tag", _group_of_one),
)
