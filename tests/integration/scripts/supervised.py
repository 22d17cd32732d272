"""with-broker and with-postgres as from a shell, in which nothing of either is known."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "scripts"
KNOWN = ("AMQP_URL", "BROKER_CTL", "BROKER_STATE", "POSTGRES_URL", "POSTGRES_CTL", "POSTGRES_STATE")


@contextmanager
def supervised(script: str, *command: str, **known: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script with a command, where the environment says nothing of services beyond `known`."""
    environment = {name: value for name, value in os.environ.items() if name not in KNOWN} | known
    pipe = subprocess.PIPE
    running = subprocess.Popen(  # noqa: S603  our own script
        [str(SCRIPTS / script), *command], env=environment, stdout=pipe, stderr=pipe, text=True
    )
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=30)
