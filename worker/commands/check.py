"""`kit-worker check`: the connection test."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Final

import typer

from worker.accounts.account import Account
from worker.accounts.file.secrets import exposed
from worker.accounts.load import Loaded
from worker.accounts.reading import secret_files
from worker.clock import Clock
from worker.commands.common import begin, read_accounts, run_async, unknown_account
from worker.commands.exits import ExitCode
from worker.commands.output import AsJson, say, show, show_json, table
from worker.commands.progress import progress
from worker.errors import Problem
from worker.ops.check_broker import BrokerReport, LedgerReport, QueueCheck, check_broker, check_ledger
from worker.ops.check_kit import KitCheck, KitReport, check_kit
from worker.ops.check_topology import check_topology
from worker.ops.examples.files import examples_told
from worker.ops.findings import Weight
from worker.ops.linting import Beside, linted
from worker.settings import Settings
from worker.settings import secret_files as files_of_settings


@dataclass(frozen=True, slots=True)
class _Report:
    """All that was found.

    Attributes:
        exposed: Files with secrets that others may read.
        valid: The accounts whose files are in order.
        lint: How many findings of lint each of them has.
        tests: What their own examples say, by account; those that have none apart.
    """

    problems: tuple[Problem, ...]
    exposed: tuple[Problem, ...]
    valid: tuple[str, ...]
    lint: Mapping[str, int]
    tests: Mapping[str, str]
    broker: BrokerReport
    ledger: LedgerReport
    kit: tuple[KitReport, ...]
    clock: Clock

    @property
    def held(self) -> dict[str, int]:
        """How many new taggings are held in the accounts that were looked at."""
        return {name: count for name, count in self.ledger.held.items() if name in self.valid}

    @property
    def exit_code(self) -> ExitCode:
        """What is first to be mended decides: files, then credentials, then what cannot be reached."""
        differing = any(queue.state is QueueCheck.DIFFERS for queue in self.broker.queues)
        weights = {finding.weight for finding in self.broker.findings}
        wrong = self.problems or differing or Weight.WRONG in weights
        if wrong or any(report.lacks_something for report in self.kit):
            return ExitCode.CONFIGURATION
        if any(report.state is KitCheck.REFUSED for report in self.kit):
            return ExitCode.CREDENTIAL_REFUSED
        down = self.broker.problem or self.ledger.problem
        if down or any(report.state is KitCheck.UNREACHABLE for report in self.kit):
            return ExitCode.UNREACHABLE
        limited = any(report.state is KitCheck.LIMITED for report in self.kit)
        needy = self.exposed or Weight.LOOK in weights or self.clock.problem or self.held or limited
        return ExitCode.NEEDS_A_PERSON if needy else ExitCode.OK


def check(
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="This one only. Default: all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Test the connections: files, broker, ledger, Kit, and what Kit lacks. Changes nothing.

    Exit code: 0 all is well, 2 configuration, 3 Kit refuses the key, 4 one is away, 5 it needs a person.
    """
    settings = begin()
    loaded = read_accounts(settings)
    if account is not None and account not in loaded.names:
        raise unknown_account(account, loaded.names)
    accounts = [each for name, each in sorted(loaded.accounts.items()) if account in (None, name)]
    with progress("asking RabbitMQ, the ledger and Kit", hidden=as_json):
        report = run_async(_check(settings, loaded, accounts, account))
    if as_json:
        _show_json(report)
    else:
        _show(report, settings.events_exchange)
    raise typer.Exit(report.exit_code)


async def _check(settings: Settings, loaded: Loaded, accounts: list[Account], only: str | None) -> _Report:
    clock = Clock()
    broker, topology, ledger, kit = await asyncio.gather(
        check_broker(settings, [each.name for each in accounts]),
        check_topology(settings, accounts),
        check_ledger(settings, clock),
        check_kit(settings, accounts, clock),
    )
    broker = replace(broker, findings=(*broker.findings, *topology))
    problems = loaded.problems if only is None else loaded.problems_of(only)
    faulty = {name for name in loaded.names if loaded.problems_of(name)}
    valid = tuple(each.name for each in accounts if each.name not in faulty)
    lint = Counter(each.account for each in linted(loaded, accounts, Beside()))
    files = tuple(exposed([*files_of_settings(), *secret_files(loaded)]))
    counts, tests = {name: lint[name] for name in valid}, examples_told(settings.config_dir, loaded)
    return _Report(problems, files, valid, counts, tests, broker, ledger, kit, clock)


def _show_json(report: _Report) -> None:
    show_json({
        "exit_code": int(report.exit_code),
        "problems": [str(problem) for problem in report.problems],
        "exposed": [str(problem) for problem in report.exposed],
        "lint": report.lint,
        "tests": report.tests,
        "broker": asdict(report.broker),
        "ledger": asdict(report.ledger),
        "kit": [asdict(each) for each in report.kit],
        "clock": {"problem": report.clock.problem, "agrees_with": report.clock.agreeing},
    })  # fmt: skip


# -- for people -------------------------------------------------------------------------------------------

_Row = tuple[str, str, str]
_KIT_WORDS: Final = {
    KitCheck.REFUSED: "REFUSED",
    KitCheck.LIMITED: Weight.LOOK.value,
    KitCheck.UNREACHABLE: "DOWN",
    KitCheck.NO_SECRET: "WRONG",
}


def _show(report: _Report, exchange: str) -> None:
    rows = [*_file_rows(report), *_broker_rows(report.broker, exchange), _ledger_row(report.ledger)]
    rows += _held_rows(report.held)
    for each in report.kit:
        rows += _kit_rows(each)
    rows.append(_clock_row(report.clock))
    show(table(("What", "", "How it stands"), rows))
    say(_summary(report))


def _file_rows(report: _Report) -> Iterable[_Row]:
    for name in report.valid:
        yield f"file of {name}", "ok", "valid"
        if count := report.lint[name]:
            many = "1 finding" if count == 1 else f"{count} findings"
            yield f"file of {name}", "note", f"lint: {many}; see kit-worker lint {name}"
        if said := report.tests.get(name):
            yield f"tests of {name}", "ok" if said.endswith(" hold") else "note", said
    for problem in report.problems:
        yield "file", "WRONG", str(problem)
    for problem in report.exposed:
        yield "file", Weight.LOOK, str(problem)


def _broker_rows(broker: BrokerReport, exchange: str) -> Iterable[_Row]:
    if broker.problem:
        yield "broker", "DOWN", broker.problem
        return
    yield "broker", "ok", f"{broker.url}, RabbitMQ {broker.version or 'of an unknown version'}"
    for warning in broker.warnings:
        yield "broker", "note", warning
    if not broker.exchange:
        yield (
            "broker",
            "note",
            f"the exchange {exchange} does not exist yet; the worker declares it when it starts",
        )
    for queue in broker.queues:
        if queue.state is QueueCheck.AS_WANTED:
            yield f"queue {queue.queue}", "ok", f"declared as it should be; {queue.ready} waiting"
        elif queue.state is QueueCheck.NOT_YET:
            yield f"queue {queue.queue}", "note", "not declared yet; the worker does that when it starts"
        else:
            word = "note" if queue.state is QueueCheck.OUTDATED else "WRONG"
            yield f"queue {queue.queue}", word, queue.detail
    for finding in broker.findings:
        yield finding.what, finding.weight, finding.text


def _ledger_row(ledger: LedgerReport) -> _Row:
    if ledger.problem:
        return "ledger", "DOWN", ledger.problem
    if not ledger.exists:
        return "ledger", "note", f"{ledger.name} is not there yet; the worker makes it when it starts"
    return "ledger", "ok", ledger.name


def _held_rows(held: Mapping[str, int]) -> Iterable[_Row]:
    for name, count in sorted(held.items()):
        text = f"{count} new taggings are held until somebody allows them: kit-worker allow {name}"
        yield f"tags of {name}", Weight.LOOK, text


def _clock_row(clock: Clock) -> _Row:
    if clock.problem:
        return "clock", Weight.LOOK, f"{clock.problem}; until then the worker holds its accounts"
    if not clock.agreeing:
        return "clock", Weight.NOTE, "there was nobody to compare it with"
    return "clock", "ok", f"agrees with that of {' and '.join(clock.agreeing)}"


def _kit_rows(kit: KitReport) -> Iterable[_Row]:
    what = f"Kit of {kit.account}"
    if kit.state is KitCheck.OK:
        yield what, "ok", f"{kit.name}, plan {kit.plan}"
    else:
        yield what, _KIT_WORDS[kit.state], kit.detail
    for sentence in kit.renamed:
        yield what, "note", sentence
    for kind, names in (("tags", kit.lacking_tags), ("custom fields", kit.lacking_fields)):
        if names and kit.will_create:
            yield what, "note", f"{kind} that Kit lacks and the worker will create: {', '.join(names)}"
        elif names:
            yield what, "WRONG", f"{kind} that Kit lacks, and create_missing is false: {', '.join(names)}"


def _summary(report: _Report) -> str:
    code = report.exit_code
    if code is ExitCode.CONFIGURATION:
        return "Something must be put right first; see WRONG above."
    if code is ExitCode.CREDENTIAL_REFUSED:
        refused = ", ".join(kit.account for kit in report.kit if kit.state is KitCheck.REFUSED)
        return f"Kit cannot be called for {refused}: see REFUSED above."
    if code is ExitCode.UNREACHABLE:
        return "The broker, the ledger or Kit cannot be reached; see DOWN above."
    if code is ExitCode.NEEDS_A_PERSON:
        return "It works, but something needs a person: see LOOK above."
    return "All is well."
