"""The commands that the README shows, as they are written there and as in a shell that knows of no services.

What counts as one: in a block marked `console`, each line that begins with `$ `. A block runs in one shell,
from the top of the project, and stops at the first command that fails. Before a block that cannot run here
stands `<!-- not run in CI: the reason -->`; of its commands at least names and options are checked.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from tests.conftest import PRIVATE
from worker.cli import command_line

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"(?P<marker><!-- not run in CI: [^\n]+ -->\n)?```console\n(?P<body>.*?)```\n", re.DOTALL)
KIT_WORKER = ".venv/bin/kit-worker"


def blocks(*, run: bool) -> list[str]:
    """Return the blocks of commands, a command a line: those that run here, or those that do not."""
    return [
        "\n".join(line.removeprefix("$ ") for line in block["body"].splitlines() if line.startswith("$ "))
        for block in BLOCK.finditer(README)
        if (block["marker"] is None) is run
    ]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("commands", blocks(run=True))
def test_what_is_shown_works(commands: str) -> None:
    # Of a `make check ARGS=…` around it, nothing is meant for these.
    theirs = {*PRIVATE, "MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS"}
    environment = {name: value for name, value in os.environ.items() if name not in theirs}
    done = subprocess.run(  # noqa: S603  our own README
        ["timeout", "--kill-after=60", "500", "bash", "-exc", commands],  # noqa: S607
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    tells = commands.startswith(f"{KIT_WORKER} explain")  # which ends with 1 where something would change
    assert done.returncode == int(tells), done.stdout + done.stderr


@pytest.mark.parametrize("command", [line for block in blocks(run=False) for line in block.splitlines()])
def test_what_cannot_run_here_at_least_exists(command: str) -> None:
    """Given a command that needs a Kit account, its name and options are kit-worker's."""
    program, *words = shlex.split(command)
    if command in {"make passwords", "nano .env"}:
        assert "\npasswords:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    elif words[:4] == ["compose", "exec", "worker", "kit-worker"]:
        known(words[4:])
    elif program == KIT_WORKER:
        known(words)
    else:
        assert [program, *words[:2]] == ["docker", "compose", "up"]


def known(words: list[str]) -> None:
    """See that kit-worker has such a command, with such options."""
    group = typer.main.get_group(command_line())
    group.commands[words[0]].make_context(words[0], words[1:])


def test_every_command_is_in_such_a_block() -> None:
    """Given blocks of other kinds, nothing would run them, so none of them shows a command."""
    shown = [block for block in (*blocks(run=True), *blocks(run=False)) if block]
    assert len(shown) >= 4
    assert "make demo" in shown
    assert README.count("```console") == len(shown)
    assert re.search(r"```(sh|bash|shell)\b", README) is None
    assert README.count("\n$ ") == sum(len(block.splitlines()) for block in shown)
