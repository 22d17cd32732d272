"""What the page says about dead letters: what each reason means, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class ReasonWords(NamedTuple):
    """A reason, for people.

    Attributes:
        meaning: What happened.
        remedy: What to do.
    """

    meaning: str
    remedy: str


_WORDS: Final[Mapping[str, ReasonWords]] = MappingProxyType(
    {
        "undecodable": ReasonWords(
            "The message is no event: it cannot be read at all.",
            "The platform has to publish it again, as JSON in UTF-8. Mend the body here if you know what is "
            "meant, or discard it.",
        ),
        "invalid_event": ReasonWords(
            "A value of the event is missing or wrong, such as the email address.",
            "Mend the body here and replay it, or have the platform publish it again. To replay it as it is "
            "changes nothing.",
        ),
        "wrong_app": ReasonWords(
            "The event names an app that this account does not serve.",
            "If it is this account's, put the app into its file and replay; otherwise have the platform "
            "address it rightly, and discard it here.",
        ),
        "kit_rejected": ReasonWords(
            "Kit refuses the change for good, and says why.",
            "Do in Kit, or in the account's file, what the detail says; try one, then replay the others.",
        ),
        "kit_unavailable": ReasonWords(
            "Kit failed for this change again and again while others went through.",
            "Try one: Kit may be well again. If it fails again, ask Kit's support with the detail.",
        ),
        "kit_plan_full": ReasonWords(
            "The plan of the Kit account has no room for what the event adds.",
            "Upgrade the plan in Kit, or make room there; then replay them all.",
        ),
        "identity_conflict": ReasonWords(
            "The event brings a known person's id with another address; nothing of it was applied.",
            "Have the platform publish user.updated with the new address, or user.previous_email; then "
            "replay. If many addresses changed at once, look at what the platform publishes first.",
        ),
        "partly_applied": ReasonWords(
            "Parts of the event could not be applied; all its others are.",
            "Do what the detail says for each part; a replay completes just these.",
        ),
        "unknown_tag": ReasonWords(
            "The event needs a tag that Kit lacks and that may not be made.",
            "Make the tag in Kit, or allow create_missing in the account's file; then replay.",
        ),
        "handler_error": ReasonWords(
            "A fault of this program.",
            "Report it with the worker's log. Once it is mended, replay them.",
        ),
        "delivery_limit": ReasonWords(
            "RabbitMQ delivered it 100 times, and no worker settled it.",
            "Look at what ended the workers then, and try one before you replay the others.",
        ),
        "expired": ReasonWords(
            "It waited in the queue for longer than it was allowed to.",
            "Take away the policy or the expiration that limits it; then replay.",
        ),
        "maxlen": ReasonWords(
            "The queue was full.",
            "Take away the policy that limits its length; then replay.",
        ),
        "rejected": ReasonWords(
            "Something else than a worker consumed it, and rejected it.",
            "Find out what that was, and replay.",
        ),
    }
)
_OTHER: Final = ReasonWords(
    "Something else put it into the queue.", "Look at one of them; then replay, archive or discard them."
)


def words_of(reason: str) -> ReasonWords:
    """Return what a reason means, and what to do about it."""
    return _WORDS.get(reason, _OTHER)


ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "replay": "Replay",
        "dry_run": "Dry run",
        "discard": "Discard",
        "archive": "Archive",
        "restore": "Restore",
    }
)


def shown_time(text: str) -> str:
    """Return a time to the second, which is what people compare; what is no time stays as it is."""
    return f"{text[:10]} {text[11:19]} UTC" if len(text) >= 20 and text[10] == "T" else text or "not known"
