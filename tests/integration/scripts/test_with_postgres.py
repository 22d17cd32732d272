"""scripts/with-postgres as a person uses it: a private server, its end, and what it can do."""

import signal
import sys
from pathlib import Path

import pytest

from scripts.postgres.probe import greets
from scripts.services.waiting import accepts, wait_until
from tests.integration.scripts.supervised import supervised

SHOW_AND_WAIT = """
import os, signal
print(os.environ["POSTGRES_URL"].split(":")[-1].split("/")[0], os.environ["POSTGRES_STATE"], flush=True)
signal.pause()
"""
ROWS_BEFORE_AND_AFTER = """
import asyncio, asyncpg, os, subprocess, sys

async def main():
    url = os.environ["POSTGRES_URL"].replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept (number int)")
    await connection.execute("INSERT INTO kept VALUES (1)")
    print(await connection.fetchval("SHOW fsync"), await connection.fetchval("SHOW synchronous_commit"))
    half_way = connection.transaction()
    await half_way.start()
    await connection.execute("INSERT INTO kept VALUES (2)")
    for command in sys.argv[1:]:
        subprocess.run([os.environ["POSTGRES_CTL"], command], check=True)
    print("closed" if connection.is_closed() or await lost(connection) else "still open")
    connection.terminate()
    connection = await asyncpg.connect(url)
    print([row["number"] for row in await connection.fetch("SELECT number FROM kept")])
    await connection.close()

async def lost(connection):
    try:
        await connection.fetchval("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    return False

asyncio.run(main())
"""


def processes_of(folder: str) -> list[str]:
    """Return the names of all running processes that have that folder, or one in it, as theirs."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(folder):
                found.append((process / "comm").read_text().strip())
        except OSError:  # it ended meanwhile, or is not ours to look at
            continue
    return found


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_it_however_it_ends(ending: signal.Signals) -> None:
    """Given a command under way, when with-postgres is told to end or is killed, then no server is left."""
    with supervised("with-postgres", sys.executable, "-c", SHOW_AND_WAIT) as running:
        assert running.stdout is not None
        port, state = running.stdout.readline().split()
        folder = Path(state).parent
        assert greets("127.0.0.1", int(port))
        assert "postgres" in processes_of(str(folder))

        running.send_signal(ending)
        running.communicate(timeout=30)

        assert running.returncode != 0
        assert wait_until(lambda: not processes_of(str(folder)), seconds=10)
        assert not accepts("127.0.0.1", int(port))
    if ending != signal.SIGKILL:  # what that leaves, the next run removes
        assert not folder.exists()
        return
    with supervised("with-postgres", "true") as running:
        running.communicate(timeout=60)
    assert not folder.exists()


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_what_was_committed_outlives_the_server(fault: str) -> None:
    """Given a row and a half-done transaction, when the server goes and comes back, then there is the row."""
    command = (sys.executable, "-c", ROWS_BEFORE_AND_AFTER, fault, "start")
    with supervised("with-postgres", *command) as running:
        said, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    assert said.splitlines() == ["on on", "closed", "[1]"]


def test_the_control_program_does_no_harm_out_of_turn() -> None:
    """Given a server that runs, a start is nothing; given one that was killed, so are a stop and a kill."""
    commands = ["start", "stop", "stop", "start", "kill", "kill", "stop", "start", "start"]
    script = "\n".join(f"$POSTGRES_CTL {command} || exit" for command in commands)
    with supervised("with-postgres", "sh", "-c", script) as running:
        _, errors = running.communicate(timeout=100)
    assert (running.returncode, errors) == (0, "")


def test_it_exits_as_the_command_did() -> None:
    """Given a command that fails, its exit code comes through."""
    with supervised("with-postgres", "sh", "-c", "exit 7") as running:
        running.communicate(timeout=60)
    assert running.returncode == 7


def test_a_given_database_is_used_and_cannot_be_stopped() -> None:
    """Given POSTGRES_URL, the command gets that one, and no means to stop what is somebody else's."""
    inner = f"{sys.executable} scripts/with-postgres sh -c 'echo $POSTGRES_URL,$POSTGRES_CTL'"
    with supervised(
        "with-postgres", "sh", "-c", f"echo $POSTGRES_URL; unset POSTGRES_CTL; {inner}"
    ) as running:
        said, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    outer, seen = said.splitlines()
    assert seen == f"{outer},"


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    """Given POSTGRES_URL of a server that is down, it says so in one sentence and exits 4."""
    url = "postgresql+asyncpg://me:secret@127.0.0.1:1/kit"
    with supervised("with-postgres", "true", POSTGRES_URL=url) as running:
        _, said = running.communicate(timeout=30)
    assert running.returncode == 4
    assert "postgresql+asyncpg://me:***@127.0.0.1:1/kit" in said
    assert "no PostgreSQL answers there" in said
    assert "secret" not in said


def test_it_goes_together_with_a_broker() -> None:
    """Given with-broker around with-postgres, the command has both."""
    both = "import os; print(all(os.environ[f'{name}_URL'] for name in ('AMQP', 'POSTGRES')))"
    with supervised("with-broker", "scripts/with-postgres", sys.executable, "-c", both) as running:
        said, errors = running.communicate(timeout=100)
    assert (running.returncode, said) == (0, "True\n"), errors
