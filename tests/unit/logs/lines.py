"""What was logged, as lines, and secrets that are to be in none of them."""

from __future__ import annotations

import pytest

PASSWORD = "hunter2secret"
URL = f"amqp://worker:{PASSWORD}@broker:5672/%2F"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""  # results go there, logs do not
    return captured.err.splitlines()
