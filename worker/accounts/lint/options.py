"""Rules about an account's options: those without effect, and those that miss what they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from worker.accounts.lint.facts import Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.mapping import FIRST_NAME, Options
from worker.mapping.options import ANY, NEVER


def _no_first_name(facts: Facts) -> Iterator[Suspicion]:
    path = ("options", "first_name")
    targets = {target.target for target in facts.file.account.fields}
    sets = {name for block in facts.file.blocks for name in block.rule.set_fields}
    if facts.file.is_listed(path) and FIRST_NAME not in targets | sets:
        said = "no value goes to Kit's first name, so this says nothing"
        yield Suspicion(path, said, "delete the line, or take mk_first_name: null out of fields")


def _no_effect(facts: Facts) -> Iterator[Suspicion]:
    options, is_listed = facts.file.account.options, facts.file.is_listed
    path = ("options", "address_changes")
    if options.identity == "email" and is_listed(path) and options.address_changes != (NEVER,):
        said = "with identity: email another address is another person, so no event changes one"
        yield Suspicion(path, said, "delete this line, or use identity: user_id")
    path = ("options", "max_created_tags")
    if not options.create_missing and is_listed(path):
        said = "with create_missing: false no tag is created, so there is nothing to count"
        yield Suspicion(path, said, "delete this line")


def _not_mapped(facts: Facts) -> Iterator[Suspicion]:
    account, path = facts.file.account, ("options", "address_changes")
    kinds = account.options.address_changes
    if not facts.file.is_listed(path) or {ANY, NEVER}.intersection(kinds):
        return
    unmapped = [kind for kind in kinds if kind not in account.events]
    # Who names both defaults and lists one of them has said enough.
    odd = unmapped if len(unmapped) == len(kinds) else set(unmapped) - set(Options().address_changes)
    for at, kind in enumerate(kinds):
        if kind in odd:
            said = f"{kind} may change an address, and is not listed in events, so that it never comes"
            place = (*path, at) if facts.file.is_listed((*path, at)) else path
            yield Suspicion(place, said, f"add {kind}: {{}} to events")


RULES: Final = (
    LintRule("first-name-without-source", "first_name where no value goes there", _no_first_name),
    LintRule("option-without-effect", "an option that another one makes void", _no_effect),
    LintRule("address-change-not-mapped", "an address change that no event brings", _not_mapped),
)
