"""scripts/with-postgres as a person uses it: a private server, its end, and what it can do."""

import os
import signal
import sys

import pytest

from tests.integration.scripts.supervised import ended, nothing_is_left

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


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_it_however_it_ends(ending: signal.Signals) -> None:
    """Given a command under way, when with-postgres is told to end or is killed, then no server is left."""
    nothing_is_left("with-postgres", "POSTGRES_CONTROL", "postgres", ending)


@pytest.mark.parametrize("fault", ["kill", "stop"])
def test_what_was_committed_outlives_the_server(fault: str) -> None:
    """Given a row and a half-done transaction, when the server goes and comes back, then there is the row."""
    code, said, errors = ended("with-postgres", sys.executable, "-c", ROWS_BEFORE_AND_AFTER, fault, "start")
    assert code == 0, errors
    assert said.splitlines() == ["on on", "closed", "[1]"]


def test_the_control_program_does_no_harm_out_of_turn() -> None:
    """Given a server that runs, a start is nothing; given one that was killed, so are a stop and a kill."""
    commands = ["start", "stop", "stop", "start", "kill", "kill", "stop", "start", "start"]
    script = "\n".join(f"$POSTGRES_CTL {command} || exit" for command in commands)
    assert ended("with-postgres", "sh", "-c", script) == (0, "", "")


def test_nobody_else_can_lay_anything_into_its_folder() -> None:
    """Given root, for whom the server runs as another user, the log and the control socket are root's."""
    script = 'cd $(dirname $POSTGRES_CONTROL); stat --format "%u %A" . output.log control'
    code, said, errors = ended("with-postgres", "sh", "-c", script)
    assert code == 0, errors
    for line in said.splitlines():
        owner, mode = line.split()
        assert int(owner) == os.geteuid()
        assert mode[5] == "-", "its group may write"
        assert mode[7:10] == "---" or mode[0] != "d", "others may look into it"


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -KILL $$", 137)])
def test_it_exits_as_the_command_did(script: str, code: int) -> None:
    assert ended("with-postgres", "sh", "-c", script) == (code, "", "")


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_a_signal_that_asks_for_an_end_is_the_commands_to_answer(name: str) -> None:
    """Given a command that tidies up on that signal, it gets the time to, and its exit code counts."""
    script = f"trap 'echo tidied; exit 3' {name}; kill -{name} $PPID; while :; do sleep 0.05; done"
    assert ended("with-postgres", "sh", "-c", script) == (3, "tidied\n", "")


def test_a_command_that_is_not_there_is_named_before_anything_starts() -> None:
    code, _, said = ended("with-postgres", "no-such-command")
    assert (code, said) == (127, "with-postgres: there is no command 'no-such-command' here.\n")


def test_a_given_database_is_used_and_cannot_be_stopped() -> None:
    """Given POSTGRES_URL, the command gets that one, and no means to stop what is somebody else's."""
    inner = f"{sys.executable} scripts/with-postgres sh -c 'echo $POSTGRES_URL,$POSTGRES_CTL'"
    script = f"echo $POSTGRES_URL; unset POSTGRES_CTL; {inner}"
    code, said, errors = ended("with-postgres", "sh", "-c", script)
    assert code == 0, errors
    outer, seen = said.splitlines()
    assert seen == f"{outer},"


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    """Given POSTGRES_URL of a server that is down, it says so in one sentence and exits 4."""
    url = "postgresql+asyncpg://me:secret@127.0.0.1:1/kit"
    code, _, said = ended("with-postgres", "true", POSTGRES_URL=url)
    assert code == 4
    assert "postgresql+asyncpg://me:***@127.0.0.1:1/kit" in said
    assert "no PostgreSQL answers there" in said
    assert "secret" not in said


def test_it_goes_together_with_a_broker() -> None:
    """Given with-broker around with-postgres, the command has both."""
    both = "import os; print(all(os.environ[f'{name}_URL'] for name in ('AMQP', 'POSTGRES')))"
    code, said, errors = ended("with-broker", "scripts/with-postgres", sys.executable, "-c", both)
    assert (code, said) == (0, "True\n"), errors
