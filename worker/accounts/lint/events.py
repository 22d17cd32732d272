"""Rules about event types: what is mapped beside what, and who is created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.lint.facts import Block, Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.spelling import alike
from worker.handlers import HANDLERS
from worker.handlers.base import path_of
from worker.mapping import EventMapping, Rule, Template


def _listed(facts: Facts) -> list[Block]:
    """Return the events of the file, each without its rules."""
    return [block for block in facts.file.blocks if not block.number and facts.file.is_listed(block.path)]


def _default_dropped(facts: Facts) -> Iterator[Suspicion]:
    for block in _listed(facts):
        default = HANDLERS[block.kind].default if block.kind in HANDLERS else None
        wanted = default.base.add_tags if default is not None else ()
        own = [*block.rule.add_tags, *block.rule.remove_tags, *block.rule.remove_groups]
        is_said = facts.file.is_listed((*block.path, "add_tags")) or _by_rules(block, wanted)
        if wanted and not (own or is_said or block.rule.tags_off or block.rule.skip):
            said = (
                f"an event that is listed replaces its default, so {block.kind} no longer adds "
                f'"{wanted[0].text}", nor anything else that is for all'
            )
            remedy = (
                "write its tags here; add_tags: [] if it gives none, or null if nothing of it is to be done"
            )
            yield Suspicion(block.path, said, remedy)


def _by_rules(block: Block, wanted: Iterable[Template]) -> bool:
    """Tell whether rules give tags by the value that the default puts into its tag."""
    needed = {path_of(name) for tag in wanted for name in tag.placeholders}
    compared = {path_of(each.name) for rule in block.mapping.rules if rule.add_tags for each in rule.when}
    return bool(needed) and needed <= compared


def _never_closed(facts: Facts) -> Iterator[Suspicion]:
    for kind, path in _lonely(facts, "opens", "closes"):
        said = f"{kind} opens subscriptions, and no event of this file closes one: members stay for good"
        yield Suspicion(path, said, "list the event that ends one, with closes: subscription")


def _never_opened(facts: Facts) -> Iterator[Suspicion]:
    for kind, path in _lonely(facts, "closes", "opens"):
        said = f"{kind} closes subscriptions, and no event of this file opens one"
        yield Suspicion(path, said, "list the event that starts one, with opens: subscription")


def _lonely(facts: Facts, this: str, that: str) -> Iterator[tuple[str, YamlPath]]:
    """Yield the first event that does this, where none does that, and the one that is turned off."""
    done = {mapping.lifecycle for mapping in facts.file.account.events.values()}
    first = next((block for block in facts.file.blocks if block.mapping.lifecycle == this), None)
    if first is not None and that not in done:
        known = [kind for kind, each in HANDLERS.items() if each.default and each.default.lifecycle == that]
        off = (("events", kind) for kind in known if facts.file.is_listed(("events", kind)))
        yield first.kind, next(off, first.path)


def _creates(rule: Rule) -> bool:
    return rule.create if rule.create is not None else not (rule.unsubscribe or rule.skip)


def _signup_creates_nobody(facts: Facts) -> Iterator[Suspicion]:
    for block in _listed(facts):
        is_for_it = block.kind in HANDLERS and HANDLERS[block.kind].default == EventMapping()
        if is_for_it and block.rule.create is False:
            said = f"{block.kind} is the event that creates people, and here it creates nobody"
            yield Suspicion((*block.path, "create"), said, "delete create: false, or put it into a rule")


def _nobody_is_created(facts: Facts) -> Iterator[Suspicion]:
    blocks = facts.file.blocks
    if blocks and not any(_creates(block.rule) for block in blocks if not block.number or block.rule.create):
        said = (
            "no event of this file creates anybody, so that only people whom Kit has already are kept in step"
        )
        yield Suspicion(("events",), said, "delete create: false in the event that brings new people")


def _state_of_nobody(facts: Facts) -> Iterator[Suspicion]:
    for block in facts.file.blocks:
        if block.rule.subscriber_state and block.rule.create is False:
            said = "subscriber_state is for people whom the event creates, and create: false creates nobody"
            yield Suspicion((*block.path, "subscriber_state"), said, "delete one of the two")


def _similar(facts: Facts) -> Iterator[Suspicion]:
    kinds = {block.kind: block for block in _listed(facts)}
    for kind, other in alike(kinds):
        line = facts.file.line(kinds[other].path)
        said = f"{kind} is nearly {other} in line {line}; an event has one type, to the letter"
        yield Suspicion(kinds[kind].path, said, "keep the one that the platform sends")


RULES: Final = (
    LintRule("default-dropped", "an event that replaces its default by nothing", _default_dropped),
    LintRule("opened-never-closed", "subscriptions that start and never end", _never_closed),
    LintRule("closed-never-opened", "subscriptions that end and never start", _never_opened),
    LintRule("signup-creates-nobody", "a sign-up that creates nobody", _signup_creates_nobody),
    LintRule("nobody-is-created", "an account in which no event creates anybody", _nobody_is_created),
    LintRule("state-of-nobody", "a state for new people where none are created", _state_of_nobody),
    LintRule("similar-events", "two event types that are nearly the same", _similar),
)
