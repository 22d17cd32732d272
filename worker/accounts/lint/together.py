"""Rules about the rules of one event together: which of them come to nothing beside others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from worker.accounts.file.field_checks import field_key
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import AccountText, Block, Facts, same_tag
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.logic import Terms, Values, always_also, implies, never_both, terms_of, turned
from worker.mapping import Rule

_ALL_TAGS: Final = "all tags"


class _Effects:
    """What one rule does, by what another one may undo."""

    def __init__(self, rule: Rule) -> None:
        self.adds = {same_tag(tag.text): tag for tag in rule.add_tags}
        self.removes = {same_tag(tag.text): tag.text for tag in rule.remove_tags}
        self.gives = {
            tag.replaces: same_tag(tag.text) for tag in rule.add_tags if isinstance(tag.replaces, str)
        }
        self.empties = set(rule.remove_groups)
        self.sets = {field_key(name): (name, value) for name, value in rule.set_fields.items()}
        self.all_off = rule.tags_off
        self.touched = [
            *(f"tag {key}" for key in (*self.adds, *self.removes)),
            *(f"group {group}" for group in (*self.gives, *self.empties)),
            *(f"field {key}" for key in self.sets),
            *([_ALL_TAGS] if self.all_off else []),
        ]

    def is_within(self, other: _Effects) -> bool:
        """Tell whether another rule does all of it, too."""
        return (
            self.adds.items() <= other.adds.items()
            and self.removes.keys() <= other.removes.keys()
            and self.sets.items() <= other.sets.items()
        )

    def undone_by(self, later: _Effects) -> str:
        """Return what of it a later rule undoes, in words; empty where nothing is undone."""
        for key, tag in self.adds.items():
            if key in later.removes or later.all_off:
                return f'adds "{shown(tag.text)}"'
        for key, name in self.removes.items():
            if key in later.adds:
                return f'removes "{shown(name)}"'
        for group, key in self.gives.items():
            if group in later.empties or later.gives.get(group, key) != key:
                return f'adds "{shown(self.adds[key].text)}"'
        for key, (label, value) in self.sets.items():
            if key in later.sets and later.sets[key][1] != value:
                return f"sets {shown(label)}"
        return ""


class _Ruled(NamedTuple):
    """A rule, when it matches, and what it does."""

    block: Block
    terms: Terms
    effects: _Effects

    @property
    def name(self) -> str:
        return f"rule {self.block.number}"


@lru_cache(maxsize=1)  # several rules of lint ask for them, one after the other
def _events(file: AccountText) -> tuple[list[_Ruled], ...]:
    """Return of each event its rules, in order."""
    by_kind: dict[str, list[_Ruled]] = defaultdict(list)
    for block in file.blocks:
        if block.number:
            by_kind[block.kind].append(_Ruled(block, terms_of(block.rule), _Effects(block.rule)))
    return tuple(by_kind.values())


def _skipped(facts: Facts) -> Iterator[Suspicion]:
    for rules in _events(facts.file):
        skips = [each for each in rules if each.block.rule.skip]
        for one in rules:
            for skip in skips:
                both = always_also(one.terms, skip.terms)
                is_twin = one.block.rule.skip and one.block.number < skip.block.number
                if skip is not one and both and not (is_twin and always_also(skip.terms, one.terms)):
                    said = f"{skip.name} skips every event that this rule matches, so it never does anything"
                    yield Suspicion(one.block.path, said, "delete it, or let the other rule skip less")
                    break


class _Clash(NamedTuple):
    """A rule, a later one that undoes something of it where both match, and what."""

    one: _Ruled
    later: _Ruled
    undone: str


@lru_cache(maxsize=1)  # as above
def _clashes(file: AccountText) -> tuple[_Clash, ...]:
    """Return all of them; what the same two rules undo besides is left out."""
    found = []
    for rules in _events(file):
        values = Values([each.terms for each in rules])
        touching: dict[str, list[int]] = defaultdict(list)
        for at, one in enumerate(rules):
            for key in one.effects.touched:
                touching[key].append(at)
        for at, one in enumerate(rules):
            keys = [*one.effects.touched, *([_ALL_TAGS] if one.effects.adds else [])]
            others = {other for key in keys for other in touching[key] if other > at}
            for later in (rules[other] for other in sorted(others) if values.may_meet(at, other)):
                undone = one.effects.undone_by(later.effects)
                if undone and not never_both(one.terms, later.terms):
                    found.append(_Clash(one, later, undone))
    return tuple(found)


def _overridden(facts: Facts) -> Iterator[Suspicion]:
    told = set()
    for one, later, undone in _clashes(facts.file):
        if one.block.id not in told and always_also(one.terms, later.terms):
            told.add(one.block.id)
            said = f"it {undone}, and {later.name}, which matches whenever this one does, undoes that"
            yield Suspicion(one.block.path, said, "change their order, or narrow the later one")


def _fighting(facts: Facts) -> Iterator[Suspicion]:
    told = set()
    for one, later, undone in _clashes(facts.file):
        # What is narrower and comes later is an exception, and meant.
        is_free = not always_also(one.terms, later.terms) and not always_also(later.terms, one.terms)
        if later.block.id not in told and is_free:
            told.add(later.block.id)
            said = f"{one.name} {undone}, and this one undoes that for events which match both"
            remedy = f"say in unless of {one.name} when it is not meant to apply"
            yield Suspicion(later.block.path, said, remedy)


def _bare(rule: Rule) -> str:
    """Return what is equal for rules that do the same, whenever they match."""
    return repr(replace(rule, when=(), unless=()))


def _doubled(facts: Facts) -> Iterator[Suspicion]:
    for rules in _events(facts.file):
        seen: dict[tuple[object, ...], _Ruled] = {}
        for each in rules:
            rule = each.block.rule
            first = seen.setdefault((frozenset(rule.when), frozenset(rule.unless), _bare(rule)), each)
            if first is not each:
                said = f"this is {first.name} once more"
                yield Suspicion(each.block.path, said, "delete one of them")


def _covering(facts: Facts) -> Iterator[Suspicion]:
    for rules in _events(facts.file):
        alike: dict[str, list[_Ruled]] = defaultdict(list)
        for each in rules:
            if len(each.terms.holds) == 1 and not (each.terms.fails or each.terms.more):
                others = alike[_bare(each.block.rule)]
                if first := next((one for one in others if _one_holds(one.terms, each.terms)), None):
                    said = f"it does what {first.name} does, and every event matches one of the two"
                    yield Suspicion(
                        each.block.path, said, "put both conditions into one rule, or use no rule"
                    )
                others.append(each)


def _one_holds(one: Terms, other: Terms) -> bool:
    """Tell whether every event matches one of two rules with a single condition."""
    opposite = turned(one.holds[0])
    return opposite is not None and implies(opposite, other.holds[0])


def _repeating(facts: Facts) -> Iterator[Suspicion]:
    for rules in _events(facts.file):
        base = _Effects(rules[0].block.mapping.base)
        undone = any(base.undone_by(each.effects) or each.effects.all_off for each in rules)
        for each in rules:
            if _is_plain(each.block.rule) and each.effects.is_within(base) and not undone:
                said = f"{each.block.kind} does all of this already, whether this rule matches or not"
                remedy = "delete the rule, or take it out of the event's own lists"
                yield Suspicion(each.block.path, said, remedy)


def _is_plain(rule: Rule) -> bool:
    """Tell whether a rule only adds tags, removes some and sets fields."""
    plain = Rule(rule.add_tags, rule.remove_tags, rule.when, rule.unless, set_fields=rule.set_fields)
    return rule == plain and not any(tag.replaces for tag in rule.add_tags)


RULES: Final = (
    LintRule("rule-hidden-by-skip", "a rule whose events another one skips", _skipped),
    LintRule("rule-overridden", "a rule that a later one always undoes", _overridden),
    LintRule("rules-fight", "two rules of which one undoes the other", _fighting),
    LintRule("duplicate-rule", "a rule that stands there twice", _doubled),
    LintRule("rules-cover-everything", "two rules that together match every event", _covering),
    LintRule("rule-repeats-event", "a rule that does what its event does anyway", _repeating),
)
