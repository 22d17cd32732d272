"""Lists every exit code of `kit-worker`, and which error ends with which. The numbers are a contract."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from worker.errors import (
    BrokerUnavailable,
    ConfigurationError,
    CredentialRefused,
    KitWorkerError,
    LedgerUnavailable,
    TopologyMismatch,
    TryLater,
)
from worker.outside.texts import redacted


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """A bug, or a demo that did not come out as it should."""
    SOMETHING = 1
    """There is something to see: a change, a finding, a difference; 0 where there is nothing."""
    CONFIGURATION = 2
    """A file, a setting, an option or an argument is wrong."""
    CREDENTIAL_REFUSED = 3
    """Kit refuses the API key."""
    UNREACHABLE = 4
    """The broker, the ledger or Kit cannot be reached, or cannot take a message."""
    NEEDS_A_PERSON = 5
    """It works, but something needs a person: dead letters, say."""
    DEAD_LETTER = 6
    """An event would become a dead letter."""
    INTERRUPTED = 130
    """Ctrl-C."""
    PIPE_CLOSED = 141
    """Whoever read the output stopped reading, as `head` does."""


class UsageError(KitWorkerError):
    """The command was given something that it cannot work with, or not told something that it needs.

    Its text may have several lines, and repeats what was typed.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.args = (redacted(text, addresses=False),)


class OutputError(KitWorkerError):
    """What the command found out cannot be written where it was sent: the disk is full, say."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"the output cannot be written: {error.strerror}")


_BY_ERROR: Final = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (UsageError, ExitCode.CONFIGURATION),
    (OutputError, ExitCode.CONFIGURATION),
    (TopologyMismatch, ExitCode.CONFIGURATION),
    (CredentialRefused, ExitCode.CREDENTIAL_REFUSED),
    (BrokerUnavailable, ExitCode.UNREACHABLE),
    (LedgerUnavailable, ExitCode.UNREACHABLE),
    (TryLater, ExitCode.UNREACHABLE),
)


def exit_code(error: KitWorkerError) -> ExitCode:
    """Return the code with which a command ends when this error ends it."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)
