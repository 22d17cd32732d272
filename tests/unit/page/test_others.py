"""What an account's admin reads names no other account, whoever has written it."""

from __future__ import annotations

import pytest

from worker.ledger.connecting import taken
from worker.page.others import without_others


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/etc/accounts/sunny.yaml:1:6: app: wrong", "sunny.yaml:1:6: app: wrong"),
        (
            "accounts/sunny.yaml: 'x' belongs to accounts/rainy.yaml already",
            "sunny.yaml: 'x' belongs to another account's file already",
        ),
        ("no (and C f/accounts/rainy day.yml is invalid)", "no (and C another account's file is invalid)"),
        (taken("rainy"), "its Kit account is another account's already"),
        ("https://api.kit.com: Kit does not answer", "https://api.kit.com: Kit does not answer"),
    ],
)
def test_a_text_without_others(text: str, told: str) -> None:
    assert without_others(text, "sunny") == told
