"""What holds for every test."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from worker.outside.texts import SECRETS

HOW_TO_RUN = "'make test', or 'scripts/with-broker .venv/bin/pytest tests/integration tests/page'"
SCRIPTS = Path(__file__).parents[1] / "scripts"
# How the private services of scripts/with-broker and scripts/with-postgres are told to a command.
PRIVATE = ("AMQP_URL", "BROKER_CTL", "BROKER_CONTROL", "POSTGRES_URL", "POSTGRES_CTL", "POSTGRES_CONTROL")
SHOW_AND_WAIT = "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"

# Machines differ in speed, so no example has a deadline; pytest's own time limit ends what hangs. In CI the
# examples are the same in each run: a run fails for what was changed, not by chance.
# To explain a failure, each line of all code would be traced: 5 MB an example where a worker is at work.
PHASES = [phase for phase in Phase if phase is not Phase.explain]
settings.register_profile("here", deadline=None, phases=PHASES)
settings.register_profile("ci", deadline=None, phases=PHASES, derandomize=True)
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


@pytest.fixture(scope="session")
def services() -> Iterator[None]:
    """Private services: those that pytest was started with, or, from xdist's second process on, others.

    What was named by AMQP_URL before is nobody's to stop, and so all processes share it.
    """
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0" or "BROKER_CTL" not in os.environ:
        yield
        return
    running = subprocess.Popen(  # noqa: S603  our own scripts
        [SCRIPTS / "with-postgres", SCRIPTS / "with-broker", sys.executable, "-c", SHOW_AND_WAIT],
        env={name: value for name, value in os.environ.items() if name not in PRIVATE},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert running.stdout is not None
    shown = json.loads(running.stdout.readline())
    os.environ.update({name: shown[name] for name in PRIVATE})
    yield
    running.communicate()


@pytest.fixture(scope="session")
def amqp_url(services: None) -> str:  # noqa: ARG001  they may set it
    """A real RabbitMQ; without one a test fails, it is never skipped.

    All tests of a process share one. With pytest-xdist each process has its own, since some tests stop it.
    """
    url = os.environ.get("AMQP_URL")
    if not url:
        pytest.fail(f"AMQP_URL is not set, and this test needs a RabbitMQ: use {HOW_TO_RUN}.", pytrace=False)
    return url
