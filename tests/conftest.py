"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from worker.outside.texts import SECRETS

# Machines differ in speed, so no example has a deadline; pytest's own time limit ends what hangs. In CI the
# examples are the same in each run: a run fails for what was changed, not by chance.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With pytest-xdist, begin with what may take longest, so that nobody waits for it in the end."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return

    def seconds(item: pytest.Item) -> float:
        limit = item.get_closest_marker("timeout")
        return float(limit.args[0]) if limit else 0.0

    items.sort(key=seconds, reverse=True)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests() -> Iterator[None]:
    """Given a test whose password is a word of other tests' sentences, theirs stay as they are."""
    yield
    SECRETS.clear()


@pytest.fixture(autouse=True)
def _no_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given somebody's shell with a real Kit key in it, no test can use it."""
    for name in [name for name in os.environ if name.startswith("KIT_")]:
        monkeypatch.delenv(name)
