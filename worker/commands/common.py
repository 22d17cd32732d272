"""What commands share: settings and loop, the ledger, and finding the account, person or events meant."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import typer

from worker import logs
from worker.accounts.account import Account
from worker.accounts.load import Loaded, load_accounts
from worker.clock import Clock
from worker.commands.exits import UsageError
from worker.contract.samples import NotJsonError, Sample, read_samples
from worker.errors import ConfigurationError, LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.settings import Settings, environment, load_settings
from worker.subscribers.identity import normalize_email

STDIN: Final = "-"
COLLECT_AFTER: Final = 20_000
"""New objects until Python looks for reference cycles; 700 by default. See docs/performance.md."""

T = TypeVar("T")

AccountName: TypeAlias = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="The account, as its file is named.")
]


# -- settings and the event loop --------------------------------------------------------------------------


def begin() -> Settings:
    """Return the settings, with logging set up as they say.

    Raises:
        ConfigurationError: A setting is wrong.
    """
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    return settings


def collect_seldom() -> None:
    """Let Python look seldom for reference cycles, for what takes long: there are hardly any."""
    gc.freeze()  # what was imported stays for good
    gc.set_threshold(COLLECT_AFTER)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; SIGTERM ends it as Ctrl-C does, so that it cleans up.

    Raises:
        KeyboardInterrupt: It was told to end.
    """
    try:
        return asyncio.run(_cancelled_by_sigterm(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _cancelled_by_sigterm(work: Coroutine[Any, Any, T]) -> T:
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def says_yes(question: str) -> bool:
    """Return what somebody at the terminal answers.

    Raises:
        KeyboardInterrupt: They went away, by Ctrl-C for example.
    """
    with _interrupted_at_once():
        try:
            return typer.confirm(question, err=True)  # noqa: TID251  # the one place
        except typer.Abort:
            raise KeyboardInterrupt from None


@contextmanager
def _interrupted_at_once() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end what waits for somebody to type.

    Those of an event loop are only noted meanwhile: it does not turn before something was typed.
    """
    meant = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.default_int_handler) for number in meant]
    try:
        yield
    finally:
        for number, handler in zip(meant, before, strict=True):
            signal.signal(number, handler)


# -- the ledger -------------------------------------------------------------------------------------------


@asynccontextmanager
async def opened_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Hold the workers' ledger, which the settings name; no command ever makes one.

    Raises:
        UsageError: There is none. A command that made one would only hide that it is the wrong place.
        LedgerUnavailable: It could not be used.
    """
    database = Database(settings.ledger_url.get_secret_value())
    if not await database.version():
        raise UsageError(
            f"there is no ledger at {database.name}: set LEDGER_URL as the workers have it (a relative path "
            "of a file begins in the folder where the worker was started); the first worker makes one"
        )
    async with Ledger(database, worker="kit-worker", clock=Clock()) as ledger:
        yield ledger


# -- the accounts -----------------------------------------------------------------------------------------


def read_accounts(settings: Settings) -> Loaded:
    """Return all accounts as the workers read them: where a file is wrong, who had what before counts."""
    loaded = load_accounts(settings.config_dir, environment())
    if loaded.problems:
        # Without a ledger nobody has had anything; that it is away is said by what needs it.
        with suppress(LedgerUnavailable, UsageError):
            return load_accounts(settings.config_dir, environment(), run_async(_claims(settings)))
    return loaded


async def _claims(settings: Settings) -> dict[str, str]:
    async with opened_ledger(settings) as ledger:
        return await Registry(ledger, "kit-worker").claims()


# -- which account, person and events ---------------------------------------------------------------------


def one_account(loaded: Loaded, name: str | None) -> Account:
    """Return the account of that name; without a name, the only one there is.

    Raises:
        UsageError: There is none of that name, or there are several and no name was given.
        ConfigurationError: Its file is invalid, or there is no file at all.
    """
    if not loaded.names:
        raise ConfigurationError(list(loaded.problems))
    if name is None:
        if len(loaded.names) > 1:
            raise UsageError(f"there are several accounts: say --account with one of {_listed(loaded.names)}")
        (name,) = loaded.names
    if name in loaded.accounts:
        return loaded.accounts[name]
    if name not in loaded.names:
        raise unknown_account(name, loaded.names)
    raise ConfigurationError(list(loaded.problems_of(name)))


def unknown_account(name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that no file has."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"there is {_listed(names)}"
        if names
        else "there are no account files"
    )
    return UsageError(f"there is no account {name}; {hint}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def an_address(text: str) -> str:
    """Return an address as the ledger keeps it.

    Raises:
        UsageError: It is no address.
    """
    try:
        return normalize_email(text)
    except ValueError as error:
        raise UsageError(f"{text} is {error}") from error


def read_event_file(name: str, *, broken: bool = False) -> list[Sample]:
    """Return the events in a file, or on standard input for `-`.

    Args:
        name: The file.
        broken: Return what is not JSON as well, as it stands there.

    Raises:
        UsageError: It cannot be read, or holds no JSON.
    """
    try:
        text = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return read_samples(text, "standard input" if name == STDIN else name, broken=broken)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read: {error.strerror}") from error
    except NotJsonError as error:
        raise UsageError(str(error)) from error
