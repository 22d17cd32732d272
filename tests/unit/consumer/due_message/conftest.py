from __future__ import annotations

import pytest

from worker.broker import frames


@pytest.fixture(autouse=True, scope="module")
def _tolerant() -> None:
    frames.install()
