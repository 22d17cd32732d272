"""`kit-worker sandbox`: a local stand-in for Kit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Final

import typer

from worker.commands.common import run_async
from worker.commands.exits import UsageError
from worker.commands.output import say
from worker.outside.network import not_listening
from worker.sandbox import Plan, Sandbox, serve
from worker.sandbox.oauth import TOKEN_LIFE

PORT: Final = 8025


def sandbox(  # noqa: PLR0913  # one for each switch of the sandbox
    *,
    port: Annotated[
        int, typer.Option(help="Port to listen on; 0 takes any free one.", min=0, max=65535)
    ] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for other machines too.")
    ] = "127.0.0.1",
    key: Annotated[
        list[str] | None,
        typer.Option(
            help="Accept only this API key; KEY=NAME names its Kit account. Repeatable. Default: any."
        ),
    ] = None,
    client: Annotated[
        list[str] | None,
        typer.Option(
            help="Accept only this OAuth client: ID=SECRET, or ID for PKCE. Repeatable. Default: any."
        ),
    ] = None,
    token_life: Annotated[
        float, typer.Option(help="Seconds that access tokens given by OAuth are good.", min=1)
    ] = TOKEN_LIFE,
    latency: Annotated[float, typer.Option(help="Seconds that every answer takes.", min=0)] = 0.0,
    list_lag: Annotated[float, typer.Option(help="Seconds by which lists lag behind writes.", min=0)] = 0.0,
    limit: Annotated[
        int | None,
        typer.Option(help="Calls in 60 s for an API key; 0 for no limit. Default: Kit's 120.", min=0),
    ] = None,
    plan: Annotated[str, typer.Option(help="The Kit accounts' plan.")] = "creator",
    max_custom_fields: Annotated[
        int | None, typer.Option(help="How many custom fields that plan has room for.", min=0)
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="What goes wrong, such as 'hang' or 'status status=503 probability=0.1'. Repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="For faults that strike by chance.")] = 0,
) -> None:
    """Run a local Kit v4: same answers, limits and errors, and a page that shows its subscribers."""
    box = Sandbox(
        keys=_keys(key) if key else None,
        limit=True if limit is None else (limit or False),
        latency=latency,
        list_lag=list_lag,
        plan=Plan(plan) if max_custom_fields is None else Plan(plan, custom_field_limit=max_custom_fields),
        seed=seed,
        token_life=token_life,
    )
    for text in client or ():
        client_id, has_secret, secret = text.partition("=")
        box.oauth.client(client_id, secret if has_secret else None)
    ready = partial(_welcome, "one-of-the-keys" if key else "any-key")
    _serve(box, host, port, fault or (), ready)


def _serve(box: Sandbox, host: str, port: int, faults: Sequence[str], ready: Callable[[str], None]) -> None:
    try:
        with suppress(KeyboardInterrupt, asyncio.CancelledError):  # its ordinary end
            run_async(serve(box, host=host, port=port, faults=faults, ready=ready))
    except ValueError as error:
        raise UsageError(f"--fault: {error}") from error
    except OSError as error:
        remedy = "say another --port (0 takes any free one), or --host"
        raise UsageError(f"{not_listening(error, host, port)}; {remedy}") from error


def _keys(texts: list[str]) -> dict[str, str]:
    """Return account names by API key."""
    pairs = (text.partition("=") for text in texts)
    return {secret: name or f"Sandbox account {number}" for number, (secret, _, name) in enumerate(pairs, 1)}


def _welcome(key: str, url: str) -> None:
    say(f"A stand-in for Kit answers at {url}; its subscribers, tags and fields are shown on that page.")
    say(f"To use it: KIT_BASE_URL={url} KIT_API_KEY={key} kit-worker run")
    say(f"For OAuth: {url}/v4/oauth/authorize asks whose consent it is; the page shows who is connected.")
    say("Ctrl-C ends it, and it forgets everything.")
