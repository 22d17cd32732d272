"""The `kit-worker` command: which commands there are, and how each of them ends."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Final

import typer

from worker import logs
from worker.commands import dead_letters, exits, schema
from worker.commands.check import check
from worker.commands.connect import connect
from worker.commands.demo import demo
from worker.commands.disconnect import disconnect
from worker.commands.exits import ExitCode
from worker.commands.forget import forget
from worker.commands.history import history
from worker.commands.output import say
from worker.commands.pause import pause, resume
from worker.commands.preview import preview
from worker.commands.publish import publish
from worker.commands.remove import remove
from worker.commands.run import run
from worker.commands.sandbox import sandbox
from worker.commands.status import status
from worker.errors import ConfigurationError, KitWorkerError
from worker.metrics import VERSION

app = typer.Typer(
    name="kit-worker",
    help="Keeps Kit accounts in step with a membership platform's events, from RabbitMQ.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_VERSION: Final = "--version"


def _tell_version(asked: bool) -> None:
    if asked:
        say(f"kit-worker {VERSION}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option(_VERSION, help="Show the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command()(run)
app.command()(check)
app.command()(connect)
app.command()(disconnect)
app.command()(preview)
app.command()(publish)
app.add_typer(dead_letters.app, name="dead-letters")
app.command()(status)
app.command()(pause)
app.command()(resume)
app.command()(history)
app.command()(forget)
app.command()(remove)
app.command()(sandbox)
app.command()(demo)
app.add_typer(schema.app, name="schema")


def main() -> None:
    """Run the command that the process was started with, and exit."""
    sys.exit(_outcome())


def _outcome() -> int:
    try:
        # Also behind a command's name: whoever asks for the version is told nothing else.
        app([_VERSION] if _VERSION in sys.argv[1:] else None, prog_name="kit-worker")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return _pipe_closed()
        return _flushed(end.code if isinstance(end.code, int) else ExitCode.OK)
    except KitWorkerError as error:
        _explain(error)
        return exits.exit_code(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    return ExitCode.OK


def _explain(error: KitWorkerError) -> None:
    """Say what is wrong in sentences; a person reads this, who needs no traceback."""
    lines = (
        [str(problem) for problem in error.problems]
        if isinstance(error, ConfigurationError)
        else [str(error)]
    )
    for line in lines:
        logs.tell(f"kit-worker: {line}")  # plain, for logs may not be set up yet


def _flushed(code: int) -> int:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    return code


def _pipe_closed() -> int:
    # What is left in the buffer would raise again while Python shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return ExitCode.PIPE_CLOSED
