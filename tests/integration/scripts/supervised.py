"""with-broker and with-postgres as from a shell, in which nothing of either is known."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.machine import wait_until

SCRIPTS = Path(__file__).parents[3] / "scripts"
KNOWN = ("AMQP_URL", "BROKER_CTL", "BROKER_CONTROL", "POSTGRES_URL", "POSTGRES_CTL", "POSTGRES_CONTROL")
SHOW_AND_WAIT = "import os, signal, sys; print(os.environ[sys.argv[1]], flush=True); signal.pause()"


@contextmanager
def supervised(script: str, *command: str, **known: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script with a command, where the environment says nothing of services beyond `known`."""
    environment = {name: value for name, value in os.environ.items() if name not in KNOWN} | known
    pipe = subprocess.PIPE
    running = subprocess.Popen(  # noqa: S603  our own script
        [str(SCRIPTS / script), *command],
        env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=30)


def ended(script: str, *command: str, **known: str) -> tuple[int, str, str]:
    """Run a script with a command to its end and return its exit code, output and errors."""
    with supervised(script, *command, **known) as running:
        out, err = running.communicate(timeout=100)
    return running.returncode, out, err


def processes_in(folder: Path) -> list[str]:
    """Return the names of all running processes that work in a folder, or in one below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to look at
            if str((process / "cwd").readlink()).startswith(str(folder)):
                found.append((process / "comm").read_text().strip())
    return found


def nothing_is_left(script: str, control: str, program: str, ending: signal.Signals) -> None:
    """Check that a script which is told to end, or killed, in mid-command leaves no process.

    Args:
        script: The script.
        control: The variable that names a file in the private service's folder.
        program: What must have run there.
        ending: How the script is ended.
    """
    with supervised(script, sys.executable, "-c", SHOW_AND_WAIT, control) as running:
        assert running.stdout is not None
        folder = Path(running.stdout.readline().strip()).parent
        assert program in processes_in(folder)

        running.send_signal(ending)
        running.communicate(timeout=30)

        assert running.returncode != 0
        assert wait_until(lambda: not processes_in(folder), seconds=10)
        assert folder.exists() is (ending == signal.SIGKILL)
    if folder.exists():
        subprocess.run(["rm", "-r", str(folder)], check=True)  # noqa: S603, S607  our own folder
