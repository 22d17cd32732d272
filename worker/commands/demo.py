"""`kit-worker demo`: see it work."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from worker.commands.common import begin, run_async
from worker.commands.output import say, show, table
from worker.commands.progress import progress
from worker.demo.play import Changed, Played, Review, play, review
from worker.demo.process import DemoFailedError
from worker.demo.stage import KIT_ACCOUNT, YOUR_APP, YOUR_KEY, Stage, page_of, stage
from worker.demo.story import ACCOUNT_FILE, NEVER_TAGGED, SCENES

Keep = Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")]


def demo(*, keep: Keep = False) -> None:
    """See it work: a stand-in for Kit, a worker, a dozen events, and what each of them did."""
    amqp_url = begin().amqp_url.get_secret_value()
    run_async(_demo(amqp_url, keep=keep))


async def _demo(amqp_url: str, *, keep: bool) -> None:
    async with AsyncExitStack() as stack:
        with progress("starting a stand-in for Kit and a worker"):
            on = await stack.enter_async_context(stage(amqp_url))
        _introduce()
        played = []
        async for each in play(on):
            _show_scene(each)
            played.append(each)
        found = await review(on)
        _show_people(found)
        _show_sums(played, found)
        if found.faults:
            raise DemoFailedError("; ".join(found.faults))
        if not keep:
            _explain_more()
        else:
            await stack.enter_async_context(page_of(on))
            _explain_keeping(on, amqp_url)
            with suppress(asyncio.CancelledError):  # Ctrl-C, its ordinary end
                code = await on.worker.ended()
                raise DemoFailedError(f"the worker ended by itself (exit code {code})")


def _explain_more() -> None:
    say(
        "",
        "To keep all of it running: make demo ARGS=--keep, or kit-worker demo --keep where a RabbitMQ runs.",
        "It says what to open then (the people in the stand-in for Kit, the account's file, the worker's",
        "state) and what to try: an event of your own, why somebody has a tag, the dead letter.",
    )


def _introduce() -> None:
    count = sum(len(scene.happenings) for scene in SCENES)
    say(f"RabbitMQ, a worker, a stand-in for Kit, and {count} events of invented people.", style="bold")
    say(f"The file of the account {KIT_ACCOUNT} says:", "")
    say(*(f"    {line}" for line in ACCOUNT_FILE.splitlines()), "", style="dim")
    say("Below => stands what is different in Kit: + a tag that was added, - one that was taken off.", "")


def _show_scene(played: Played) -> None:
    say(
        f"{played.scene.title}  ({played.calls + played.set_up} calls, {played.milliseconds} ms)",
        style="bold",
    )
    for happening, became in zip(played.scene.happenings, played.became, strict=True):
        ended = became.outcome.replace("_", "-")
        line = f"  {happening.type:<22}{happening.email:<20}{ended}"
        if became.reason:
            say(f"{line} ({became.reason}): {became.detail}", style="red")
        else:
            say(line)
    for change in played.changes:
        say(f"    => {_described(change)}", style="green")
    if not played.changes and all(each.outcome == "applied" for each in played.became):
        say("    => nothing new: everything was so already", style="green")


def _described(change: Changed) -> str:
    parts = ["new subscriber"] if change.created else []
    parts += [f"first name {change.first_name}"] if change.first_name else []
    parts += [f"{key} = {value}" for key, value in change.fields.items()]
    parts += [f"- {tag}" for tag in change.removed] + [f"+ {tag}" for tag in change.added]
    return "  ".join(parts)


def _show_people(found: Review) -> None:
    say("", "The subscribers as they stand in Kit", style="bold")
    rows = [
        (
            person.email_address,
            person.first_name or "",
            ", ".join(sorted(person.tags)),
            _fields(person.fields),
        )
        for person in found.people.values()
    ]
    show(table(("Address", "First name", "Tags", "Fields"), rows))


def _fields(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in sorted(fields.items()))


def _show_sums(played: list[Played], found: Review) -> None:
    events = sum(len(each.became) for each in played)
    calls, set_up = sum(each.calls for each in played), sum(each.set_up for each in played)
    say(f"{events} events took {calls} calls to Kit; each by itself would have taken {found.one_by_one}.")
    say(f"{set_up} more were made once, to learn and create tags and custom fields.")
    if found.faults:
        say("Not all came out as it should.", style="bold red")
        return
    email, tag = NEVER_TAGGED
    say(f"{email} was never tagged {tag}, not even for a moment: what waits is folded into one change.")
    say("All came out as it should.", style="bold green")


def _explain_keeping(on: Stage, amqp_url: str) -> None:
    names = ("EVENTS_EXCHANGE", "CONFIG_DIR", "LEDGER_URL", "LEDGER_KEY", "KIT_BASE_URL", "KIT_API_KEY")
    settings = {name: on.environ[name] for name in names}
    if urlsplit(amqp_url).password in {None, "guest"}:  # RabbitMQ's own default is no secret
        settings = {"AMQP_URL": amqp_url, **settings}
    event = '{"type": "user.signed_up", "data": {"user": {"email": "you@example.com"}}}'
    command = _command()
    say("", "Everything goes on running. Open:", style="bold")
    say(
        f"    {on.page_url}  the page: how the account stands; Test connection",
        f"    {on.sandbox.url}  the subscribers, with their tags, in the stand-in for Kit",
        f"    {on.health_url}/readyz  the worker's state; /metrics beside it",
        f"    {on.config_dir}/accounts/{on.account}.yaml  the account's file: save it, and it is in force",
    )
    say("Try, in another terminal:", style="bold")
    say(
        f"    export {' '.join(f'{name}={shlex.quote(value)}' for name, value in settings.items())}",
        f"    echo {shlex.quote(event)} | {command} publish -",
        f"    {command} history --email you@example.com",
        f"    {command} dead-letters list",
        f"    {command} check {on.account}",
    )
    _explain_yours(on, command)
    say("Ctrl-C ends it all and cleans up.")


def _explain_yours(on: Stage, command: str) -> None:
    """Show the way of an account's admin, from the key to somebody who is tagged."""
    data = '{"user": {"email": "me@example.com"}, "subscription": {"plan": "Annual"}}'
    subscribed = f'{{"type": "subscription.started", "data": {data}}}'
    say(f"An account of your own, {on.yours}, whose key nobody has entered yet:", style="bold")
    say(
        f"    1. {on.page_url}/accounts/{on.yours}: enter the API key {YOUR_KEY}, and save it",
        "    2. Events: which tags each event adds and takes off",
        "    3. Fields: where the platform's values go",
        "    4. Connection: Test connection",
        f"    5. echo {shlex.quote(subscribed)} | {command} publish --app {YOUR_APP} -",
        f"       {on.sandbox.url}: me@example.com is tagged in Your Kitchen",
    )


def _command() -> str:
    """Return how another terminal calls this program."""
    beside = Path(sys.executable).with_name("kit-worker")
    return "kit-worker" if shutil.which("kit-worker") or not beside.exists() else shlex.quote(str(beside))
