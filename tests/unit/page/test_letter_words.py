"""What the page says of each reason for a dead letter."""

from __future__ import annotations

import pytest

from worker.errors import Reason
from worker.page.letter_words import words_of

RABBITMQS = ("expired", "maxlen", "rejected", "delivery_limit")


@pytest.mark.parametrize("reason", [*(each.value for each in Reason), *RABBITMQS])
def test_every_reason_has_words_of_its_own(reason: str) -> None:
    words, others = words_of(reason), words_of("of another tool")
    assert words.meaning != others.meaning
    assert words.remedy != others.remedy
    assert all(text.endswith(".") for text in words)
