"""Rules about all accounts together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.accounts.lint.spelling import plain


def _without_app(facts: Facts) -> Iterator[Suspicion]:
    accounts = facts.accounts.accounts if facts.accounts is not None else ()
    ours = facts.file.account
    others = [each for each in accounts if each.name != ours.name]
    if others and not ours.apps and all(each.apps for each in others):
        said = "this account takes the events that name no app, while all others name theirs"
        yield Suspicion(("app",), said, "add app:, or delete the file if it is only the one that was shipped")


def _spelled_differently(facts: Facts) -> Iterator[Suspicion]:
    spellings = facts.accounts.spellings if facts.accounts is not None else {}
    ours = {tag.words for tag in facts.file.added}
    first = {tag.words: tag for tag in reversed(facts.file.added)}
    for words, tag in first.items():
        usual, name = spellings.get(plain(tag.key), (words, ""))
        if usual not in ours and facts.file.is_listed(tag.path):
            said = f'"{shown(tag.template.text)}" is "{shown(usual)}" in the account {name}'
            yield Suspicion(tag.path, said, "write both alike, so that people can compare accounts")


RULES: Final = (
    LintRule("account-without-app", "one account of several that names no app", _without_app, "accounts"),
    LintRule(
        "accounts-differ", "a tag that other accounts spell otherwise", _spelled_differently, "accounts"
    ),
)
