"""`kit-worker explain`, also called `preview`: what an event would do, before it does it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.accounts.account import Account
from worker.accounts.preview import preview as preview_of
from worker.broker.queues import connected
from worker.clock import Clock
from worker.commands import explain_view as view
from worker.commands.common import (
    STDIN,
    begin,
    one_account,
    opened_ledger,
    read_accounts,
    read_event_file,
    run_async,
)
from worker.commands.exits import UsageError
from worker.commands.explain_view import Explained
from worker.commands.output import AsJson, warn
from worker.contract.samples import made_up
from worker.dead_letters.finding import as_replayed, find_letter
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery
from worker.events.times import parse_time
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.history import Line, find_history
from worker.ledger.person import known_person
from worker.ledger.store import Ledger
from worker.ops.kit_reads import KitReads
from worker.ops.known_values import known_user, known_values
from worker.ops.trying import Trying
from worker.settings import Settings

LETTER_WITHIN: Final = 30.0
"""Seconds for which a dead letter is looked for."""


@dataclass(frozen=True, slots=True)
class EventSource:
    """Where the events are: one of `event`, `id` and `letter`; the others are empty.

    Attributes:
        event: A file, `-`, or an event type.
        values: With a type, its values.
        id: Of an event that came lately.
        letter: The id of a dead letter.
        app: In the routing key; None for the account's own.
    """

    event: str
    values: Sequence[str]
    id: str
    letter: str
    app: str | None

    def check(self, *, offline: bool) -> None:
        """Raise a `UsageError` unless it is clear which event is meant, and what is asked for it."""
        if sum(map(bool, (self.event, self.id, self.letter))) != 1:
            raise UsageError("say which event: a file, a type, --event with its id, or --letter with its id")
        if self.values and (self.id or self.letter or self.is_file):
            raise UsageError("--set goes with an event type, not with a file")
        if offline and (self.id or self.letter):
            raise UsageError("--offline asks nobody, so it goes with a file or a type only")

    @property
    def is_file(self) -> bool:
        """Whether `event` is a file, and no event type."""
        name = self.event
        return name == STDIN or Path(name).exists() or name.endswith((".json", ".jsonl")) or "/" in name

    def deliveries(self, account: Account) -> list[Delivery]:
        """Return the events of a file, or the one of a type, as a worker would receive them."""
        now = Clock().now()
        try:
            samples = read_event_file(self.event) if self.is_file else [made_up(self.event, self.values, now)]
        except UnicodeEncodeError as error:
            raise UsageError("what was typed is not UTF-8 text") from error
        except ValueError as error:
            raise UsageError(f"--set {error}") from error
        return [sample.delivery(self.key(sample.type, account), now) for sample in samples]

    def key(self, event_type: str, account: Account) -> str:
        """Return the routing key of an event type."""
        app = next(iter(account.apps), "") if self.app is None else self.app
        return f"{event_type}.{app}" if app else event_type


def explain(  # noqa: PLR0913  # one for each option
    event: Annotated[
        str, typer.Argument(help="A file with an event as JSON, - for standard input, or an event type.")
    ] = "",
    *,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="With an event type: a platform field or a path, such as mk_subscription_plan=Annual or "
            "user.locale=de. Values are text; null is null, and JSON is read as such. Repeatable.",
        ),
    ] = None,
    id_: Annotated[
        str, typer.Option("--event", metavar="ID", help="An event that came lately, in place of a file.")
    ] = "",
    letter: Annotated[
        str,
        typer.Option(
            "--letter", metavar="ID", help="A dead letter, by its id or its event's, as it would be replayed."
        ),
    ] = "",
    account: Annotated[
        str | None, typer.Option(help="Whose mapping; needed where there are several.")
    ] = None,
    app: Annotated[
        str | None, typer.Option(help="The app in the routing key. Default: the account's own.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="By the account's file alone: ask neither ledger nor Kit.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what an event would do: by each rule, by the ledger, and in Kit. Sends nothing.

    Exit code: 0 nothing changes, 1 something does, 2 usage, 4 broker or ledger is away, 6 a dead letter.
    """
    source = EventSource(event, set_ or [], id_, letter, app)
    source.check(offline=offline)
    settings = begin()
    chosen = one_account(read_accounts(settings), account)
    if offline or not run_async(_may_be_asked(settings, source)):
        previews = [preview_of(delivery, chosen) for delivery in source.deliveries(chosen)]
        view.show_previews(previews, as_json=as_json)
        raise typer.Exit(max(map(view.code_offline, previews)))
    explained = run_async(_explained(settings, chosen, source))
    view.show_explained(explained, chosen, as_json=as_json)
    raise typer.Exit(max(view.code(each.tried) for each in explained))


preview = explain


async def _may_be_asked(settings: Settings, source: EventSource) -> bool:
    """Tell whether there is a ledger; where there is none yet, nobody is known."""
    database = Database(settings.ledger_url.get_secret_value())
    if source.id or await database.version():
        return True
    warn(
        f"kit-worker: there is no ledger at {database.name}, so nobody is known, and Kit was not asked: set "
        "LEDGER_URL as the workers have it, or say --offline"
    )
    return False


async def _explained(settings: Settings, account: Account, source: EventSource) -> list[Explained]:
    async with opened_ledger(settings) as ledger:
        if source.letter:
            asked: list[tuple[Delivery, Line | None]]
            asked = [(await _of_letter(settings, account, source.letter), None)]
        elif source.id:
            asked = [await _of_history(ledger, account, source)]
        else:
            asked = [(delivery, None) for delivery in source.deliveries(account)]
        reads, kit = KitReads(), KitAccess(settings, ledger)
        limit = settings.kit_rate_limit or (account.credential.limit if account.credential else 0)
        explained = []
        for delivery, came in asked:
            room = reads.take(account.name, limit, ledger.clock.monotonic())
            trying = Trying(account, ledger, kit if room else None, settings.known_state_ttl)
            explained.append(Explained(await trying.event(delivery), delivery, came))
        return explained


async def _of_letter(settings: Settings, account: Account, letter: str) -> Delivery:
    url = settings.amqp_url.get_secret_value()
    try:
        async with asyncio.timeout(LETTER_WITHIN), connected(url, "explain") as connection:
            found = await find_letter(connection, account.name, letter, by_event=True)
    except TimeoutError:
        raise BrokerUnavailable(f"the dead letter was not found within {LETTER_WITHIN:.0f} s") from None
    if found is None:
        raise UsageError(f"{account.name} has no dead letter {letter}, or somebody else looks at it just now")
    return as_replayed(found, Clock().now())


async def _of_history(ledger: Ledger, account: Account, source: EventSource) -> tuple[Delivery, Line | None]:
    """Return an event that came lately, with what is known of its person for the values that it had."""
    lines = await find_history(ledger.database, event_id=source.id, account=account.name, limit=1)
    if not lines:
        raise UsageError(f"the history of {account.name} has no event {source.id}")
    line, values = lines[-1], dict[str, str]()
    if line.email:
        known = await known_person(ledger.database, account.name, line.email)
        if known.record is not None:
            values = {"user.id": known_user(known.record), **known_values(known.record, account)}
        values["user.email"] = line.email
    given = [f"{name}={value}" for name, value in values.items() if value]
    sample = made_up(line.event_type, given, parse_time("time", line.event_time), source.id)
    return sample.delivery(source.key(line.event_type, account), Clock().now()), line
