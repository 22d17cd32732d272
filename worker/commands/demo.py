"""`kit-worker demo`: see it work."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlsplit

import typer

from worker.commands.common import begin, run_async
from worker.commands.output import say, show, table
from worker.demo.play import Changed, Played, Review, play, review
from worker.demo.process import DemoFailedError
from worker.demo.stage import KIT_ACCOUNT, Stage, ledger_url, stage
from worker.demo.story import ACCOUNT_FILE, NEVER_TAGGED, SCENES

Keep = Annotated[bool, typer.Option("--keep", help="Leave everything running afterwards, until Ctrl-C.")]


def demo(*, keep: Keep = False) -> None:
    """See it work: a stand-in for Kit, a worker, a dozen events, and what each of them did."""
    amqp_url = begin().amqp_url.get_secret_value()
    run_async(_demo(amqp_url, keep=keep))


async def _demo(amqp_url: str, *, keep: bool) -> None:
    async with stage(amqp_url) as on:
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
        if keep:
            _explain_keeping(on, amqp_url)
            with suppress(asyncio.CancelledError):  # Ctrl-C, its ordinary end
                code = await on.worker.ended()
                raise DemoFailedError(f"the worker ended by itself (exit code {code})")


def _introduce() -> None:
    count = sum(len(scene.happenings) for scene in SCENES)
    say(f"RabbitMQ, a worker, a stand-in for Kit, and {count} events of invented people.", style="bold")
    say(f"The file of the account {KIT_ACCOUNT} says:", "")
    say(*(f"    {line}" for line in ACCOUNT_FILE.splitlines()), "", style="dim")


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
    settings = {
        "EVENTS_EXCHANGE": on.exchange,
        "CONFIG_DIR": str(on.config_dir),
        "LEDGER_URL": ledger_url(on.config_dir),
    }
    if urlsplit(amqp_url).password in {None, "guest"}:  # RabbitMQ's own default is no secret
        settings = {"AMQP_URL": amqp_url, **settings}
    event = '{"type": "user.signed_up", "data": {"user": {"email": "you@example.com"}}}'
    say(
        "",
        "Everything goes on running.",
        f"The subscribers are shown at {on.sandbox.url}, the worker's state at {on.health_url}/readyz",
        f"Save the account's file, and it is read again: {on.config_dir}/accounts/{on.account}.yaml",
        "In another terminal:",
        f"    export {' '.join(f'{name}={shlex.quote(value)}' for name, value in settings.items())}",
        f"    echo {shlex.quote(event)} | kit-worker publish -",
        "    kit-worker history --email you@example.com",
        "    kit-worker dead-letters list",
        "Ctrl-C ends it all and cleans up.",
    )
