"""`scripts/readme-commands FILE…`: run the commands that a document shows, as they are written there.

What counts as a command: in a fenced block marked `console`, each line that begins with `$ `; a backslash at
its end, or `> ` at the beginning of the next line, carries it on. The other lines are output, shown for the
reader and not compared. A block runs in one shell, from the top of the project, and stops at the first
command that fails; nothing carries over from block to block.

    ```console
    $ make install
    $ .venv/bin/kit-worker --help
    ```

A block that cannot run in CI has a marker in the line above it, which gives the reason:

    <!-- not run in CI: needs Docker -->

Blocks marked `sh`, `bash` or `shell` are refused: nothing would ever run them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^\s*(?P<ticks>`{3,}|~{3,})\s*(?P<language>[\w-]*)")
MARKER = re.compile(r"^\s*<!--\s*not run in CI:\s*(?P<reason>.+?)\s*-->\s*$")
NEVER_RUN = {"sh", "bash", "shell"}
SECONDS_TO_END = 60  # for a command that ran out of time to tidy up after itself


class DocumentError(Exception):
    """A document shows commands in a way that this tool cannot check."""


@dataclass(frozen=True, slots=True)
class Block:
    """The commands of one fenced block."""

    place: str
    commands: tuple[str, ...]
    not_run_because: str | None = None


def find_blocks(text: str, name: str) -> list[Block]:
    """Return the blocks with commands in a Markdown text.

    Raises:
        DocumentError: a block is marked as shell code and would never run, or a block has no end.
    """
    blocks = []
    lines = enumerate(text.splitlines(), start=1)
    above = ""
    for number, line in lines:
        fence = FENCE.match(line)
        if fence is None:
            above = line if line.strip() else above
            continue
        place = f"{name}:{number}"
        body = list(_body(lines, fence["ticks"], place))
        if fence["language"] in NEVER_RUN:
            raise DocumentError(
                f"{place}: a block marked '{fence['language']}' never runs: mark it 'console', with '$ ' "
                "before each command."
            )
        marker = MARKER.match(above)
        if fence["language"] == "console" and (commands := tuple(_commands(body))):
            blocks.append(Block(place, commands, marker["reason"] if marker else None))
        above = ""
    return blocks


def _body(lines: Iterator[tuple[int, str]], ticks: str, place: str) -> Iterator[str]:
    for _, line in lines:
        if line.strip().startswith(ticks) and not line.strip().strip(ticks[0]):
            return
        yield line
    raise DocumentError(f"{place}: this block has no end.")


def _commands(body: Iterable[str]) -> Iterator[str]:
    command: list[str] = []
    for line in map(str.strip, body):
        if line.startswith("$ "):
            if command:
                yield "\n".join(command)
            command = [line[2:]]
        elif command and (line.startswith("> ") or command[-1].endswith("\\")):
            command.append(line.removeprefix("> "))
        elif command:
            yield "\n".join(command)
            command = []
    if command:
        yield "\n".join(command)


def run_block(block: Block, folder: Path, seconds: float) -> str | None:
    """Run a block's commands; return None when all succeed, else what went wrong, as a sentence."""
    script = "\n".join(["set -e", *(f"{_announce(command)}\n{command}" for command in block.commands)])
    process = subprocess.Popen(
        ["bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return f"{block.place}: still running after {seconds:g} s."
    finally:
        _end(process)
    return None if code == 0 else f"{block.place}: exit code {code}."


def _announce(command: str) -> str:
    quoted = command.replace("'", "'\\''")
    return f"printf '$ %s\\n' '{quoted}'"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask all that is left of a block to end, give it time to tidy up, then insist."""
    deadline = time.monotonic() + SECONDS_TO_END
    with contextlib.suppress(ProcessLookupError):  # that is when all have ended
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            process.poll()
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_documents(documents: Sequence[Path], folder: Path, seconds: float) -> int:
    """Run what the documents show and say what ran and what did not; return how many blocks failed.

    Raises:
        DocumentError: a document cannot be checked, or there is no command in any of them.
    """
    blocks = [
        block for document in documents for block in find_blocks(document.read_text("utf-8"), document.name)
    ]
    runnable = [block for block in blocks if block.not_run_because is None]
    if not runnable:
        raise DocumentError("there is no command to run in " + ", ".join(map(str, documents)) + ".")
    failures = []
    for block in runnable:
        print(f"── {block.place}", flush=True)
        began = time.monotonic()
        failure = run_block(block, folder, seconds)
        print(f"── {failure or f'done in {time.monotonic() - began:.1f} s'}", flush=True)
        failures += [failure] if failure else []
    for block in blocks:
        if block.not_run_because:
            print(f"not run: {block.place}: {'; '.join(block.commands)} ({block.not_run_because})")
    print(f"documented commands: {len(runnable) - len(failures)} blocks passed, {len(failures)} failed")
    return len(failures)


def main(arguments: Sequence[str]) -> int:
    """Parse the command line and return 0, 1 when a command failed, 2 when a document cannot be checked."""
    parser = argparse.ArgumentParser(prog="readme-commands", description="Run the commands a document shows.")
    parser.add_argument("documents", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for one block (%(default)s)")
    options = parser.parse_args(arguments)
    try:
        return 1 if run_documents(options.documents, ROOT, options.timeout) else 0
    except DocumentError as error:
        print(f"readme-commands: {error}", file=sys.stderr)
        return 2
