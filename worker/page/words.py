"""What the page says about states: a sentence, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from worker.ledger.connecting import TAKEN
from worker.ledger.pauses import Pause
from worker.ops.check_kit import KitCheck, KitReport


class Told(NamedTuple):
    """What people are told.

    Attributes:
        mood: `good`, `busy` or `bad`: how it is shown.
        sentence: What is so.
        remedy: What to do; empty where nothing is.
    """

    mood: str
    sentence: str
    remedy: str = ""


REFUSED: Final = Told(
    "bad",
    "Kit refuses the key.",
    "Enter another key, or connect the account again; the events that wait are applied then.",
)
ANOTHERS: Final = Told(
    "bad",
    "Its Kit account belongs to another account here already; events wait, and none is lost.",
    "One Kit account is one account file, in which an operator lists several apps. Or it needs another key.",
)
STATES: Final[Mapping[str, Told]] = MappingProxyType(
    {
        "running": Told("good", "Events are being applied."),
        "waiting": Told("good", "All is well: the next event will be applied as soon as it comes."),
        "held": Told(
            "busy",
            "Nothing is applied at the moment; events wait, and none is lost.",
            "It goes on by itself once the cause is over.",
        ),
        "credential_refused": REFUSED,
        "invalid_config": Told(
            "bad",
            "The account's file has a mistake.",
            "Mend it; it is read again within two seconds.",
        ),
        "queue_missing": Told(
            "bad",
            "The account's queue in RabbitMQ is gone.",
            "It is declared again within a minute; if it is not, the operators' guide has more.",
        ),
    }
)
NOBODY: Final = Told(
    "bad",
    "No worker has this account; events wait, and none is lost.",
    "Start a worker: kit-worker run, or docker compose up.",
)
NOT_KNOWN: Final = Told("busy", "How it stands is not known at the moment.", "Look again in a moment.")
NO_KEY_YET: Final = Told(
    "bad",
    "No API key has been entered yet; the account's events wait, and none is lost.",
    "Copy the key from Kit (Settings, Developer), and enter it on the account's page.",
)
NOT_CONNECTED: Final = Told(
    "bad",
    "The account is not connected with Kit yet; its events wait, and none is lost.",
    "Connect it on the account's page.",
)
NEW_KEY: Final = Told(
    "busy", "The account has just been let into Kit; its workers notice within seconds.", "Wait a moment."
)
BEST_FIRST: Final = ("running", "waiting", "held", "queue_missing", "credential_refused", "invalid_config")
"""States in which several workers may see one account, the one that counts first."""


def no_ledger_key(said: str) -> Told:
    """Return what is so where the page has nothing to encrypt secrets with.

    Args:
        said: What could not be done.
    """
    return Told(
        "bad",
        f"{said}: LEDGER_KEY is not set, with which secrets are encrypted in the ledger.",
        "An operator sets LEDGER_KEY, the same for the page, all workers and commands (kit-worker connect "
        "makes one).",
    )


def of_pause(pause: Pause) -> Told:
    """Return how an account stands that is paused."""
    why = f" ({pause.why})" if pause.why else ""
    said = f"The account is paused{why}: nothing is applied, and its events wait."
    if pause.until is None:
        return Told("busy", said, "It rests until an operator lets it go on.")
    return Told("busy", said, f"It goes on by itself at {day(pause.until)}, or when an operator lets it.")


def day(at: float) -> str:
    """Return a moment, in seconds since 1970, for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def when(text: str) -> str:
    """Return a time of ISO 8601 for people; as it is where it is none."""
    try:
        return day(datetime.fromisoformat(text).timestamp())
    except ValueError:
        return text


def found(count: int | None) -> str:
    """Return how many a look has found; in words where none has found anything yet."""
    return "not known yet" if count is None else f"{count:,}"


def many(count: int, what: str) -> str:
    """Return how many there are of something."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def ago(seconds: float) -> str:
    """Return how long ago something was."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"


def lasting(seconds: float) -> str:
    """Return how long something takes, roughly."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"  # words


def of_kit(report: KitReport) -> Told:
    """Return what the connection test says."""
    if report.state is KitCheck.OK:
        return _works(report)
    if report.detail.startswith(TAKEN):
        return ANOTHERS
    if report.state is KitCheck.REFUSED:
        return Told("bad", f"It does not work: {report.detail}.", REFUSED.remedy)
    if report.state is KitCheck.NO_SECRET:
        return Told(
            "bad", "There is no API key to test.", "Set the variable or file that the account's file names."
        )
    if report.state is KitCheck.LIMITED:
        return Told("busy", f"{report.detail}.")
    return Told("bad", f"Kit could not be asked: {report.detail}.", "Test again in a minute.")


def _works(report: KitReport) -> Told:
    sentences = [f"It works: this is {report.name!r} in Kit, plan {report.plan}."]
    lacking = [
        f"{kind} {', '.join(names)}"
        for kind, names in (("the tags", report.lacking_tags), ("the custom fields", report.lacking_fields))
        if names
    ]
    if not lacking:
        return Told("good", sentences[0], " ".join(f"{each}." for each in report.renamed))
    said = f"Kit lacks {' and '.join(lacking)}"
    if report.will_create:
        return Told("good", f"{sentences[0]} {said}; each is made when it is needed first.")
    return Told("bad", f"{sentences[0]} {said}.", "Make them in Kit: the file has create_missing: false.")
