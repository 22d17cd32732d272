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
    FINDINGS = 1
    """It has found what it looks for: what is probably wrong in a file, say."""
    CONFIGURATION = 2
    """A file, a setting, an option or an argument is wrong."""
    CREDENTIAL_REFUSED = 3
    """Kit refuses the API key."""
    UNREACHABLE = 4
    """The broker, the ledger or Kit cannot be reached, or cannot take a message."""
    NEEDS_A_PERSON = 5
    """It works, but something needs a person: dead letters, say."""
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


_BY_ERROR: Final = (
    (ConfigurationError, ExitCode.CONFIGURATION),
    (UsageError, ExitCode.CONFIGURATION),
    (TopologyMismatch, ExitCode.CONFIGURATION),
    (CredentialRefused, ExitCode.CREDENTIAL_REFUSED),
    (BrokerUnavailable, ExitCode.UNREACHABLE),
    (LedgerUnavailable, ExitCode.UNREACHABLE),
    (TryLater, ExitCode.UNREACHABLE),
)


def exit_code(error: KitWorkerError) -> ExitCode:
    """Return the code with which a command ends when this error ends it."""
    return next((code for kind, code in _BY_ERROR if isinstance(error, kind)), ExitCode.FAILED)
