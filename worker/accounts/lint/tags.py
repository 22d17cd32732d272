"""Rules about tags over all events: who takes them off again, and who gives them to everybody."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import AccountText, Block, Facts, TagPlace
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.handlers import HANDLERS
from worker.handlers.base import path_of
from worker.mapping import Options

_BRACES: Final = re.compile(r"\{[^{}]*\}")
_HEAD: Final = re.compile(r"\{([^{}.]*)")
_PLURAL: Final = re.compile(r"s(?=\})")
_DELETED: Final = re.compile(
    r"(user|person|profile|account|customer|contact|member)\.(deleted|erased|removed|forgotten)"
)
"""Types of events after which nothing of a person is wanted."""
_CHANGED: Final = re.compile(r".*[._](updated|changed)")
"""Types of events that come with every change of a profile, where they may change an address."""


class _TakenOff:
    """What some events take off again: by its name, by its group, or with all else.

    Args:
        file: The account's file.
        blocks: The events, and their rules.
    """

    def __init__(self, file: AccountText, blocks: list[Block]) -> None:
        ids = {block.id for block in blocks}
        removed = [tag for tag in file.removed if tag.block.id in ids]
        self._names = {tag.key for tag in removed}
        self._patterns = [_pattern(tag) for tag in removed if tag.template.has_placeholders]
        self._groups = {group for block in blocks for group in block.rule.remove_groups}
        # Who is deleted loses all, and that is nobody's end of a subscription.
        self._all = any(block.rule.tags_off and block.mapping.lifecycle for block in blocks)
        # What takes a tag's place in its group does so for everybody only where subscriptions start or end.
        self._instead = {
            (tag.template.replaces, tag.key)
            for tag in file.added
            if tag.block.id in ids and tag.block.mapping.lifecycle and tag.group
        }

    def has(self, tag: TagPlace) -> bool:
        """Tell whether a tag goes off again."""
        return (
            self._all
            or tag.key in self._names
            or tag.group in self._groups
            or any(group == tag.group and key != tag.key for group, key in self._instead)
            or (not tag.template.has_placeholders and any(each.fullmatch(tag.key) for each in self._patterns))
        )


def _pattern(tag: TagPlace) -> re.Pattern[str]:
    """Return how the names look that a tag with braces may have; of braces alone, nothing can be told."""
    pieces = _BRACES.split(tag.key)
    return re.compile(".*".join(map(re.escape, pieces)) if any(map(str.strip, pieces)) else r"\b\B")


def _of(file: AccountText, lifecycle: str) -> list[Block]:
    return [block for block in file.blocks if block.mapping.lifecycle == lifecycle]


def _counterpart(kind: str, blocks: list[Block]) -> Block:
    """Return which of these goes with an event: gift.ended with gift.started; else the first."""
    about = kind.partition(".")[0]
    return next((block for block in blocks if block.kind.partition(".")[0] == about), blocks[0])


def _place(file: AccountText, path: YamlPath, blocks: Iterable[Block]) -> YamlPath:
    """Return a path, or where it is by default the first of the events that stand in the file instead."""
    listed = (block.path for block in blocks if file.is_listed(block.path))
    return path if file.is_listed(path) else next(listed, path)


def _remedy(file: AccountText, name: str, block: Block) -> str:
    """Return how to have an event take a tag off."""
    if file.is_listed(block.path):
        return f'add "{name}" to remove_tags of {block.kind}'
    return f'list {block.kind}, with what it does by default and "{name}" in remove_tags'


def _never_removed(facts: Facts) -> Iterator[Suspicion]:
    file = facts.file
    closers = _of(file, "closes")
    at_the_end = {tag.key for tag in file.added if tag.block.mapping.lifecycle == "closes"}
    taken_off = _TakenOff(file, [block for block in file.blocks if block.mapping.lifecycle != "opens"])
    for tag in file.added if closers else ():
        is_for_good = tag.block.mapping.lifecycle == "opens" and not tag.template.until
        if is_for_good and not _is_of_person(tag) and tag.key not in at_the_end and not taken_off.has(tag):
            name, end = shown(tag.template.text), _counterpart(tag.block.kind, closers)
            said = f'"{name}" is given when a subscription starts, and {end.kind} does not take it off again'
            yield Suspicion(_place(file, tag.path, closers), said, _remedy(file, name, end))


def _is_of_person(tag: TagPlace) -> bool:
    """Tell whether a tag says something of the person, such as a language, rather than of a subscription."""
    rule = tag.block.rule
    names = [*tag.template.placeholders, *(condition.name for condition in (*rule.when, *rule.unless))]
    return bool(names) and all(path_of(name).startswith("user.") for name in names)


def _stays_after_return(facts: Facts) -> Iterator[Suspicion]:
    file = facts.file
    openers = _of(file, "opens")
    taken_off = _TakenOff(file, openers)
    for kind in HANDLERS if openers else ():
        mapping = file.account.events.get(kind)
        if mapping is None or mapping.lifecycle != "closes":
            continue
        ours = [tag for tag in file.added if tag.block.id == (kind, 0) and not tag.template.until]
        if ours and not any(map(taken_off.has, ours)):
            name, start = shown(ours[0].template.text), _counterpart(kind, openers)
            said = f'whoever comes back keeps "{name}", which {kind} gives: {start.kind} does not take it off'
            yield Suspicion(_place(file, ours[0].path, openers), said, _remedy(file, name, start))


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
    # Of a list that one event has, another one may name an item: products, product.
    given = {_PLURAL.sub("", tag.key) for tag in file.added}
    plain = {tag.key for tag in file.added if not tag.template.has_placeholders}
    # One event may say in `seat.team` what another one says in `team.name`.
    elsewhere = {_BRACES.sub("{}", tag.key): _HEAD.findall(tag.key) for tag in file.added}
    for off in file.removed:
        heads = elsewhere.get(_BRACES.sub("{}", off.key))
        is_known = _PLURAL.sub("", off.key) in given or (
            heads is not None and heads != _HEAD.findall(off.key)
        )
        if off.template.has_placeholders and not is_known and not any(map(_pattern(off).fullmatch, plain)):
            said = f'nothing in this file gives "{shown(off.template.text)}", so there is nothing to take off'
            yield Suspicion(off.path, said, "write it as add_tags has it, with the same braces")


def _to_everybody(facts: Facts) -> Iterator[Suspicion]:
    options = facts.file.account.options
    kinds = set(filter(_CHANGED.fullmatch, (*Options().address_changes, *options.address_changes)))
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
        rule = block.rule
        takes_off = rule.tags_off or rule.remove_tags or rule.remove_groups
        if _DELETED.fullmatch(block.kind) and rule.unsubscribe and not takes_off and not block.number:
            said = f"{block.kind} unsubscribes the person, who keeps every tag all the same"
            path = (*block.path, "unsubscribe")
            yield Suspicion(path, said, "add remove_tags: all")


RULES: Final = (
    LintRule(
        "tag-never-removed", "a subscription's tag that stays when the subscription ends", _never_removed
    ),
    LintRule(
        "tag-stays-after-return", "a tag of the end that people keep when they come back", _stays_after_return
    ),
    LintRule("tag-of-start-and-end", "a tag that both start and end give", _of_start_and_end),
    LintRule(
        "removed-tag-never-given", "a tag with braces that is taken off and never given", _given_by_nothing
    ),
    LintRule("tags-everybody", "a tag that every change of a profile gives", _to_everybody),
    LintRule("deleted-keeps-tags", "a deletion that leaves tags", _kept_by_the_deleted),
)
