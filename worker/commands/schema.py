"""`kit-worker schema …`: what files and events look like, for editors and for other programs."""

from __future__ import annotations

import typer

from worker.accounts.examples.schema import examples_schema
from worker.accounts.file.model import account_schema
from worker.commands.common import begin
from worker.commands.output import show_json
from worker.contract.asyncapi import asyncapi_document

app = typer.Typer(no_args_is_help=True, help="What files and events look like, as JSON.")


@app.command()
def account() -> None:
    """Print the JSON Schema of an account file."""
    show_json(account_schema())


@app.command()
def tests() -> None:
    """Print the JSON Schema of a file of examples, as `kit-worker test` reads it."""
    show_json(examples_schema())


@app.command()
def events() -> None:
    """Print the AsyncAPI document of the platform's events."""
    show_json(asyncapi_document(begin().events_exchange))
