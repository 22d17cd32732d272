"""What holds for every test."""

import os

import pytest
from hypothesis import settings

# Machines differ in speed, so no example has a deadline; pytest's own time limit ends what hangs. In CI the
# examples are the same in each run: a run fails for what was changed, not by chance.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def _no_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given somebody's shell with a real Kit key in it, no test can use it."""
    for name in [name for name in os.environ if name.startswith("KIT_")]:
        monkeypatch.delenv(name)
