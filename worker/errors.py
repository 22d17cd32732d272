"""Every error of this package, classed by what has to be done about it.

::

    KitWorkerError
    ├── EventError            fix the data: the event is dead-lettered with .reason and its text
    │   ├── UndecodableEvent  not a message we can read at all
    │   ├── InvalidEvent      readable, but a value is missing or wrong
    │   │   └── EarlyEvent    dated ahead of this machine's clock, which may be the one that is wrong
    │   ├── IdentityConflict  cannot be told whose it is: publish what may say so, then replay it
    │   │   └── MovesHeld     so many addresses changed at once that it looks like the platform's fault
    │   ├── WrongApp          addressed to an app that this account does not serve
    │   ├── UnknownTag        needs a tag that Kit lacks and that may not be created
    │   ├── PartlyApplied     some of its parts are owed; all its others are applied
    │   ├── KitRejected       Kit says that it can never be applied (422, …)
    │   │   └── KitPlanFull   upgrade the plan in Kit: it takes no more custom fields, or
    │   │       └── NoMoreSubscribers   nobody new
    │   ├── KitUnavailableForChange   Kit kept failing for this change alone
    │   └── HandlerError      fix the code: a handler raised what it never should
    ├── TryLater              wait: nothing is wrong with the event, nothing is lost
    │   ├── RateLimited       Kit says 429 or 413; costs no attempt
    │   ├── KitUnavailable    no answer, or none that can be trusted
    │   └── CallsSuspended    the worker may not call Kit now (broker unheard, or stopping)
    ├── CredentialRefused     fix the credential: Kit says 401
    ├── ConfigurationError    fix a file or a setting: all its problems at once
    ├── BrokerUnavailable     start or reach the broker
    ├── ClockWrong            set this machine's clock
    ├── LedgerUnavailable     mend the ledger, or make room for it; until then the worker holds
    │   └── LedgerNotShared   give all workers one ledger
    ├── EpochLost             nothing: another worker, or a command, has taken the account over
    │   └── LedgerWentBack    find out who put the ledger back: it has lost what was applied since
    ├── CannotEdit            edit the account's file as text, or as the sentence says
    ├── CannotSave            make room, or let the folder be written; the text says what is in the file
    │   └── FileChanged       look at what somebody else has saved, then save again
    └── TopologyMismatch      a queue exists, but with other arguments
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from worker.outside.texts import line


class Reason(StrEnum):
    """Why a message is in the dead-letter queue: the value of its `x-reason` header."""

    UNDECODABLE = "undecodable"
    INVALID_EVENT = "invalid_event"
    WRONG_APP = "wrong_app"
    KIT_REJECTED = "kit_rejected"
    KIT_UNAVAILABLE = "kit_unavailable"
    KIT_PLAN_FULL = "kit_plan_full"
    PARTLY_APPLIED = "partly_applied"
    IDENTITY_CONFLICT = "identity_conflict"
    UNKNOWN_TAG = "unknown_tag"
    HANDLER_ERROR = "handler_error"
    DELIVERY_LIMIT = "delivery_limit"


class KitWorkerError(Exception):
    """The root of all errors that this package raises on purpose.

    Its text is one line that may be printed, logged and kept, whoever said what stands in it: see `outside`.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(line(text))


class EventError(KitWorkerError):
    """An event that can never be applied as it is. Its text is the dead letter's `x-detail`."""

    reason: Reason = Reason.INVALID_EVENT


class UndecodableEvent(EventError):
    """The message is not an event in any of the documented forms."""

    reason = Reason.UNDECODABLE


class InvalidEvent(EventError):
    """The event lacks a value that it needs, or a value cannot be right."""

    reason = Reason.INVALID_EVENT


class EarlyEvent(InvalidEvent):
    """The event is dated so far ahead that it would outrank whatever really happens until then."""


class IdentityConflict(EventError):
    """The event brings a known person's id together with an address that is not the person's."""

    reason = Reason.IDENTITY_CONFLICT


class MovesHeld(IdentityConflict):
    """The event may change a person's address, but so did too many within an hour."""


class WrongApp(EventError):
    """The routing key names an app that does not belong to the account."""

    reason = Reason.WRONG_APP


class UnknownTag(EventError):
    """A tag that Kit lacks, where the account's options forbid creating it."""

    reason = Reason.UNKNOWN_TAG


class PartlyApplied(EventError):
    """Some parts of an event are owed, all others are applied.

    Its text names each part that is owed, and what to do; once that is done, a replay completes just these.
    An event that is refused so is taken in like any other, and ends as a dead letter when all else is done.
    """

    reason = Reason.PARTLY_APPLIED


class KitRejected(EventError):
    """Kit refused the change for good.

    Attributes:
        status: Kit's status; 0 where it was not asked.
    """

    status: int = 0
    reason = Reason.KIT_REJECTED


class KitPlanFull(KitRejected):
    """The account's plan at Kit has no room for what the change would add."""

    reason = Reason.KIT_PLAN_FULL


class NoMoreSubscribers(KitPlanFull):
    """The plan takes nobody new; whoever Kit has can be written as before."""


class KitUnavailableForChange(EventError):
    """Kit failed for this change again and again while others went through."""

    reason = Reason.KIT_UNAVAILABLE


class HandlerError(EventError):
    """A bug: a handler raised something else than an `EventError`."""

    reason = Reason.HANDLER_ERROR


class TryLater(KitWorkerError):
    """Not now. The event stays unsettled and is tried again from memory."""


class RateLimited(TryLater):
    """Kit says 429, or 413 for too much queued bulk data."""


class KitUnavailable(TryLater):
    """Kit gave no answer, or none that can be trusted: the call may or may not have been applied.

    Attributes:
        endpoint: The endpoint that failed, such as `POST /v4/subscribers`; empty where it is not known.
        unanswered: Whether Kit itself said nothing, so that the call may still be under way.
    """

    endpoint: str = ""
    unanswered: bool = False


class CallsSuspended(TryLater):
    """No call to Kit may start now: the broker has not been heard of, or the consumer is stopping."""


class CredentialRefused(KitWorkerError):
    """Kit says 401: a wrong or revoked key, or an account that lost access to the API.

    Or there is no key yet, or it opens what is another account's.
    """


class BrokerUnavailable(KitWorkerError):
    """RabbitMQ cannot be reached, refuses the login, or does not answer in time."""


class ClockWrong(KitWorkerError):
    """This machine's clock is so far off that the times of events cannot be judged by it."""


class LedgerUnavailable(KitWorkerError):
    """The ledger cannot be read or written: gone, full, read-only, corrupt, or out of reach."""


class LedgerNotShared(LedgerUnavailable):
    """Somebody consumes the account's queue whom this ledger does not know."""


class EpochLost(KitWorkerError):
    """Somebody else has begun to write for the account; what this worker holds is no longer its own."""


class LedgerWentBack(EpochLost):
    """The ledger is older than it was: put back from a copy, or a stand-by that had not everything."""


class TopologyMismatch(KitWorkerError):
    """A queue or exchange exists already, with other arguments than this worker declares."""


class CannotEdit(KitWorkerError):
    """An account file's text cannot be changed as was asked, or not without changing more; nothing was."""


class CannotSave(KitWorkerError):
    """A file could not be written, and is whole what it was; or its disk may not keep the new one."""


class FileChanged(CannotSave):
    """A file is no longer the one that was read.

    Attributes:
        present: Its text as it is now; empty where it is gone.
    """

    def __init__(self, text: str, present: str = "") -> None:
        super().__init__(text)
        self.present = present


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a configuration file: where, and what to do about it.

    Attributes:
        where: `file:line:column`, or the name of a setting.
        text: What is wrong, and the likely remedy.
    """

    where: str
    text: str

    def __str__(self) -> str:
        """Return the line that people read and editors jump to."""
        return line(f"{self.where}: {self.text}")


class ConfigurationError(KitWorkerError):
    """A file or a setting is wrong. Carries every problem found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """Return a line for each problem."""
        return "\n".join(map(str, self.problems))
