"""Account files of tests: the smallest one, and reading one from its text."""

from __future__ import annotations

from pathlib import Path

from worker.accounts.account import Account
from worker.accounts.load import parse_account

PATH = Path("config/accounts/default.yaml")
KEY = "kit_0123456789abcdef0123456789abcdef"
KIT = "kit: {api_key_env: KIT_API_KEY}\n"
"""All that a file needs."""
SHIPPED = Path(__file__).parents[3] / "config"
"""The configuration folder of this repository."""


def parse(text: str, **environ: str) -> Account:
    """The account that a file's text describes; raises as `parse_account` does."""
    return parse_account(text, PATH, {"KIT_API_KEY": KEY, **environ})
