"""Texts of the loader and of workers without what an account's admin may not hear: which others there are."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final

from worker.ledger.connecting import TAKEN
from worker.page.rights import Visitor

_FILES: Final = re.compile(r"(?:[^\s;,(]*/)?accounts/[^/\n]+?\.ya?ml")
"""Account files, wherever the folder is for whoever has written the text."""


def told_to(visitor: Visitor, text: str, account: str) -> str:
    """Return a text about an account as this visitor may read it: whole for operators alone."""
    return text if visitor.is_operator else without_others(text, account)


def without_others(text: str, account: str) -> str:
    """Return a text about an account that names no other one, nor where files are."""
    before, taken, _owner = text.partition(TAKEN)
    return _FILES.sub(lambda match: _of(match[0], account), before + taken)


def _of(file: str, account: str) -> str:
    path = PurePath(file)
    return path.name if path.stem == account else "another account's file"
