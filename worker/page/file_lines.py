"""Where each rule stands in the accounts' files, each read once for each of its versions."""

from __future__ import annotations

import asyncio
from typing import Final

from worker.accounts.account import Account
from worker.accounts.file.lines import RuleLines, rule_lines

NO_LINES: Final[RuleLines] = {}


class FileLines:
    """The lines of all accounts' files."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, RuleLines]] = {}

    async def of(self, account: Account) -> RuleLines:
        """Return where the rules of an account stand; nothing where its file cannot be read now."""
        version, lines = self._known.get(account.name, ("", NO_LINES))
        if version == account.version:
            return lines
        try:
            lines = rule_lines(await asyncio.to_thread(account.path.read_text, encoding="utf-8"))
        except (OSError, ValueError):
            return NO_LINES
        self._known[account.name] = account.version, lines
        return lines
