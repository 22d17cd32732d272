"""`kit-worker publish`: send events as the platform would."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from worker.broker.queues import connected
from worker.clock import Clock
from worker.commands.common import begin, read_event_file, run_async
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show_json, warn
from worker.commands.progress import Steps, progress
from worker.commands.verdicts_view import show_verdicts
from worker.contract.publish import Addressed, Sent, publish_all
from worker.contract.samples import Sample
from worker.contract.verdict import MAX_ROUTING_KEY, verdict
from worker.errors import BrokerUnavailable
from worker.settings import Settings


def publish(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="EVENT.json…",
            help="Files with one event, an array or JSON lines each; - for standard input.",
        ),
    ],
    app: Annotated[str, typer.Option(help="The app whose event it is; goes into the routing key.")] = "",
    event_type: Annotated[
        str, typer.Option("--type", help="The type of events that do not name theirs.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check each event against the contract, and send nothing; no broker is needed."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send events to the platform's exchange, as the platform would, also such as the worker will refuse.

    Exit code: 0 done, 2 a file or an option is wrong, 4 the broker is away.
    """
    settings = begin()
    samples = [sample for name in files for sample in read_event_file(name, broken=dry_run)]
    addressed = [Addressed(sample, _routing_key(sample, event_type, app)) for sample in samples]
    now = Clock().now()
    verdicts = [verdict(each.sample, each.routing_key, app, now) for each in addressed]
    if dry_run:
        raise typer.Exit(show_verdicts(verdicts, as_json=as_json))
    for each in addressed:
        _refuse_without_key(each)
    for found in verdicts:
        if found.error:
            warn(f"kit-worker: {found.sample.where}: the worker will dead-letter this event: {found.error}")
    _send(settings, addressed, app, as_json=as_json)


def _send(settings: Settings, addressed: list[Addressed], app: str, *, as_json: bool) -> None:
    with progress(f"publishing to {settings.events_exchange}", hidden=as_json) as steps:
        sent = run_async(_publish(settings, addressed, steps))
    _report(sent, settings.events_exchange, as_json=as_json)
    failed = [each for each in sent if each.problem]
    if failed:
        raise BrokerUnavailable(_explained(failed, app))


def _routing_key(sample: Sample, event_type: str, app: str) -> str:
    kind = sample.type or event_type
    return f"{kind}.{app}" if kind and app else kind


def _refuse_without_key(event: Addressed) -> None:
    where = event.sample.where
    if not event.routing_key:
        raise UsageError(f"{where}: the event names no type, so it has no routing key; give --type")
    if len(event.routing_key.encode()) > MAX_ROUTING_KEY:
        raise UsageError(f"{where}: the routing key would be longer than {MAX_ROUTING_KEY} bytes")


async def _publish(settings: Settings, events: list[Addressed], steps: Steps) -> list[Sent]:
    steps.expect(len(events))
    async with connected(settings.amqp_url.get_secret_value(), "publish") as connection:
        return await publish_all(connection, settings.events_exchange, steps.over(events))


def _report(sent: list[Sent], exchange: str, *, as_json: bool) -> None:
    if as_json:
        show_json([
            {
                "where": each.event.sample.where,
                "id": each.event.sample.id or None,
                "type": each.event.sample.type or None,
                "routing_key": each.event.routing_key,
                "published": not each.problem,
                "problem": each.problem or None,
            }
            for each in sent
        ])  # fmt: skip
        return
    keys = Counter(each.event.routing_key for each in sent if not each.problem)
    for key, count in keys.items():
        say(f"{count} event{'s' if count > 1 else ''} published to {exchange} with the routing key {key}.")


def _explained(failed: list[Sent], app: str) -> str:
    first = failed[0]
    several = (
        f"{len(failed)} events were not taken, the first being {first.event.sample.where}: "
        if len(failed) > 1
        else ""
    )
    if "no queue takes" not in first.problem:
        return f"{several}{first.problem}"
    hint = "is the app right?" if app else "is the app missing (--app)?"
    return (
        f"{several}no queue takes the routing key {first.event.routing_key}: "
        f"does an account's file map this type, has a worker run since, and {hint}"
    )
