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
            "Ask the platform to send it again, as JSON in UTF-8. Mend the letter's body if you know what is "
            "meant, or discard it.",
        ),
        "invalid_event": ReasonWords(
            "A value of the event is missing or wrong, such as the email address.",
            "Mend the letter's body and replay it, or ask the platform to send it again, and discard this "
            "one. To replay it as it is changes nothing.",
        ),
        "wrong_app": ReasonWords(
            "The event names an app that this account does not serve.",
            "If it is this account's, have an operator put the app into its file, and replay; otherwise ask "
            "the platform to send it to the right account, and discard it here.",
        ),
        "kit_rejected": ReasonWords(
            "Kit refuses the change for good, and says why.",
            "Put right in Kit, under Events or under Fields what each letter says; try one, then replay the "
            "others.",
        ),
        "kit_unavailable": ReasonWords(
            "Kit failed for this change again and again while others went through.",
            "Try one: Kit may be well again. If it fails again, ask Kit's support with what the letter says.",
        ),
        "kit_plan_full": ReasonWords(
            "The plan of the Kit account has no room for what the event adds.",
            "Upgrade the plan in Kit, or make room there; then replay them all.",
        ),
        "identity_conflict": ReasonWords(
            "The event brings a known person's id with another address; nothing of it was applied.",
            "Ask the platform to send user.updated with the new address, or user.previous_email; then "
            "replay. If many addresses changed at once, find out first whether the platform means it.",
        ),
        "partly_applied": ReasonWords(
            "Parts of the event could not be applied; all its others are.",
            "Do what the letter says of each part, then replay it; that completes just these.",
        ),
        "unknown_tag": ReasonWords(
            "The event needs a tag that Kit lacks and that may not be made.",
            "Make the tag in Kit, or write create_missing: true under options in the account's file; then "
            "replay.",
        ),
        "handler_error": ReasonWords(
            "A fault of this program.",
            "Tell an operator, who reports it with the worker's log. Once it is mended, replay them.",
        ),
        "delivery_limit": ReasonWords(
            "Workers were given it 100 times, and none came to its end.",
            "Have an operator find out what ended the workers then; try one before you replay the others.",
        ),
        "expired": ReasonWords(
            "It waited in the queue for longer than it was allowed to.",
            "Replay it. So that it does not happen again, an operator takes away RabbitMQ's policy that "
            "limits it, or the platform its expiration.",
        ),
        "maxlen": ReasonWords(
            "The queue was full.",
            "Have an operator take away the policy in RabbitMQ that limits its length; then replay.",
        ),
        "rejected": ReasonWords(
            "Something else than a worker consumed it, and rejected it.",
            "Replay it, and have an operator find out what that was.",
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
