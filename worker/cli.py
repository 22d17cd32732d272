"""The `kit-worker` command: which commands there are, and how each of them ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Final

import typer

from worker import logs
from worker.commands import exits
from worker.commands.exits import ExitCode, OutputError
from worker.commands.output import say
from worker.errors import ConfigurationError, KitWorkerError
from worker.metrics import VERSION

COMMANDS: Final = {
    "run": "run",
    "page": "page",
    "page-link": "page_link",
    "check": "check",
    "connect": "connect",
    "disconnect": "disconnect",
    "explain": "explain",
    "preview": "explain",
    "lint": "lint",
    "impact": "impact",
    "apply": "apply",
    "drift": "drift",
    "backfill": "backfill",
    "test": "test",
    "publish": "publish",
    "dead-letters": "dead_letters",
    "status": "status",
    "pause": "pause",
    "resume": "pause",
    "allow": "allow",
    "history": "history",
    "forget": "forget",
    "remove": "remove",
    "sandbox": "sandbox",
    "demo": "demo",
    "schema": "schema",
}
"""By command, its file in `worker/commands/`: a function of its name there, or `app`, with subcommands."""

_VERSION: Final = "--version"
_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
"""In the order of their descriptors, as the system gives out the lowest that is free."""


def _tell_version(asked: bool) -> None:
    if asked:
        say(f"kit-worker {VERSION}")
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool, typer.Option(_VERSION, help="Show the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    pass


def command_line(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """Return what reads the command line, with these commands.

    Only their files are imported: all of them together keep whoever waits for one waiting for a second.
    """
    app = typer.Typer(
        name="kit-worker",
        help="Keeps Kit accounts in step with a membership platform's events, from RabbitMQ.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name in names:
        file = import_module(f"worker.commands.{COMMANDS[name]}")
        if hasattr(file, "app"):
            app.add_typer(file.app, name=name)
        else:
            app.command(name)(getattr(file, name.replace("-", "_")))
    return app


def main() -> None:
    """Run the command that the process was started with, and exit."""
    _stand_in_for_closed()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: not every terminal is UTF-8
    sys.exit(_outcome())


def _stand_in_for_closed() -> None:
    """Open what was closed before the start, as `>&-` does, to nowhere.

    Else the first file or socket that is opened would take its number, and what is printed would go there.
    """
    for name, mode in _STREAMS:
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115  # until the process ends
            setattr(sys, name, nowhere)


def _outcome() -> int:
    arguments = sys.argv[1:]
    if _VERSION in arguments:
        arguments = [_VERSION]  # also behind a command's name: whoever asks for it is told nothing else
    try:
        command_line(_meant(arguments))(arguments, prog_name="kit-worker")
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return _pipe_closed()
        return _flushed(end.code if isinstance(end.code, int) else ExitCode.OK)
    except KitWorkerError as error:
        _explain(error)
        return _flushed(exits.exit_code(error))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        return _pipe_closed()
    return _flushed(ExitCode.OK)


def _meant(arguments: Sequence[str]) -> Iterable[str]:
    """Return the command that is named; all, where nobody has named one, and so has to be told of them."""
    if arguments == [_VERSION]:
        return ()
    return arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS


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
    except OSError as error:
        _drop_what_is_left()
        if code != (refused := exits.exit_code(not_written := OutputError(error))):
            _explain(not_written)
        return refused
    return code


def _pipe_closed() -> int:
    _drop_what_is_left()
    return ExitCode.PIPE_CLOSED


def _drop_what_is_left() -> None:
    # In the buffer it would raise again while Python shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
