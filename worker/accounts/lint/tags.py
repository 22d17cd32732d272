"""Rules about tags over all events: who takes them off again, and who gives them to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Literal

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import AccountText, Block, Facts, TagPlace
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.handlers import HANDLERS
from worker.mapping.options import ANY, NEVER

_BRACES: Final = re.compile(r"\{[^{}]*\}")
_ENDINGS: Final = frozenset({"deleted", "erased", "removed", "forgotten"})
"""Last words of the types of events after which nothing of a person is wanted."""


def _of(file: AccountText, lifecycle: Literal["opens", "closes"]) -> list[Block]:
    return [block for block in file.blocks if block.mapping.lifecycle == lifecycle]


def _covers(removed: TagPlace, added: TagPlace) -> bool:
    """Tell whether what is taken off may be what was given."""
    if removed.key == added.key:
        return True
    pieces = _BRACES.split(removed.key)
    return (
        len(pieces) > 1
        and not added.template.has_placeholders
        and bool(re.fullmatch(".*".join(map(re.escape, pieces)), added.key))
    )


def _is_taken_off(file: AccountText, tag: TagPlace, blocks: Iterable[Block]) -> bool:
    """Tell whether one of these takes a tag off, by its name, by its group or with all others."""
    kinds = {(block.kind, block.number) for block in blocks}
    group = tag.template.replaces if isinstance(tag.template.replaces, str) else None
    in_group = any(
        other.template.replaces == group and other.key != tag.key
        for other in file.added
        if group and (other.block.kind, other.block.number) in kinds
    )
    return (
        in_group
        or any(block.rule.tags_off or group in block.rule.remove_groups for block in blocks)
        or any(_covers(off, tag) for off in file.removed if (off.block.kind, off.block.number) in kinds)
    )


def _place(file: AccountText, path: YamlPath, blocks: Iterable[Block]) -> YamlPath:
    """Return a path, or where it is by default the first of the events that stand in the file instead."""
    listed = (block.path for block in blocks if file.is_listed(block.path))
    return path if file.is_listed(path) else next(listed, path)


def _never_removed(facts: Facts) -> Iterator[Suspicion]:
    file = facts.file
    openers, closers = _of(file, "opens"), _of(file, "closes")
    others = [block for block in file.blocks if block.mapping.lifecycle != "opens"]
    given_at_the_end = {tag.key for tag in file.added if tag.block in closers}
    for tag in file.added:
        is_for_good = tag.block.mapping.lifecycle == "opens" and not tag.template.until
        if not closers or not is_for_good or tag.key in given_at_the_end:
            continue
        if not _is_taken_off(file, tag, [*others, *openers]):
            name, ends = shown(tag.template.text), closers[0].kind
            said = f'"{name}" is given when a subscription starts, and {ends} does not take it off again'
            path = _place(file, tag.path, closers)
            yield Suspicion(path, said, f"name it in remove_tags of {ends}, or give it an until")


def _stays_after_return(facts: Facts) -> Iterator[Suspicion]:
    file = facts.file
    openers = _of(file, "opens")
    for kind, handler in HANDLERS.items():
        mapping = file.account.events.get(kind)
        ours = [tag for tag in file.added if tag.block.kind == kind and not tag.block.number]
        is_closing = mapping is not None and mapping.lifecycle == "closes" and handler.default is not None
        lasting = [tag for tag in ours if not tag.template.until]
        if not is_closing or not openers or not lasting:
            continue
        if not any(_is_taken_off(file, tag, openers) for tag in lasting):
            name, starts = shown(lasting[0].template.text), openers[0].kind
            said = f'whoever comes back keeps "{name}", which {kind} gives: {starts} does not take it off'
            yield Suspicion(
                _place(file, lasting[0].path, openers), said, f'add "{name}" to remove_tags of {starts}'
            )


def _of_start_and_end(facts: Facts) -> Iterator[Suspicion]:
    at_start = {
        tag.key: tag
        for tag in facts.file.added
        if tag.block.mapping.lifecycle == "opens" and not tag.block.number
    }
    for tag in facts.file.added:
        first = at_start.get(tag.key)
        if tag.block.mapping.lifecycle == "closes" and not tag.block.number and first is not None:
            name = shown(tag.template.text)
            said = f'"{name}" is given when a subscription starts and when it ends, so it tells nobody apart'
            yield Suspicion(tag.path, said, "take it off at the end, or delete it in one of the two")


def _given_by_nothing(facts: Facts) -> Iterator[Suspicion]:
    file = facts.file
    for off in file.removed:
        if off.template.has_placeholders and not any(_covers(off, tag) for tag in file.added):
            if any(_covers(tag, off) for tag in file.added):
                continue
            said = f'nothing in this file gives "{shown(off.template.text)}", so there is nothing to take off'
            yield Suspicion(off.path, said, "write it as add_tags has it, with the same braces")


def _to_everybody(facts: Facts) -> Iterator[Suspicion]:
    options = facts.file.account.options
    kinds = {kind for kind in options.address_changes if kind not in (ANY, NEVER)}
    for tag in facts.file.added:
        if tag.block.kind in kinds and not tag.block.number and not tag.template.has_placeholders:
            name, kind = shown(tag.template.text), tag.block.kind
            said = (
                f'{kind} comes with every change of a profile, so that "{name}" goes to everybody in the end'
            )
            yield Suspicion(
                tag.path, said, "put it into a rule with when, or into the event that it is meant for"
            )


def _kept_by_the_deleted(facts: Facts) -> Iterator[Suspicion]:
    for block in facts.file.blocks:
        rule, word = block.rule, block.kind.rpartition(".")[2]
        takes_off = rule.tags_off or rule.remove_tags or rule.remove_groups
        if word in _ENDINGS and rule.unsubscribe and not takes_off and not block.number:
            said = f"{block.kind} unsubscribes the person, who keeps every tag all the same"
            path = (*block.path, "unsubscribe")
            yield Suspicion(path, said, "add remove_tags: all")


RULES: Final = (
    LintRule("tag-never-removed", "a tag of a subscription that stays when it ends", _never_removed),
    LintRule("tag-stays-after-return", "a tag of the end that who comes back keeps", _stays_after_return),
    LintRule("tag-of-start-and-end", "a tag that start and end both give", _of_start_and_end),
    LintRule(
        "removed-tag-never-given", "a tag with braces to take off that nothing gives", _given_by_nothing
    ),
    LintRule("tags-everybody", "a tag that every change of a profile gives", _to_everybody),
    LintRule("deleted-keeps-tags", "a deletion that leaves tags", _kept_by_the_deleted),
)
