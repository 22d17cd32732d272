"""What happens in the demo, and what should come of it. All people are invented."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

ACCOUNT_FILE: Final = """\
kit: {api_key_env: KIT_API_KEY}
events:
  user.signed_up: {add_tags: [New Member]}
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules:
      - {when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}
  subscription.canceled:
    add_tags: [Cancelled]
    remove_tags: [Active Member]
    rules:
      - {when: {mk_subscription_plan: Annual}, remove_tags: [Annual Plan]}
  # access.granted keeps its default
fields:
  mk_subscription_plan: Plan
  mk_subscription_status: Status
  mk_access_level: Access level
"""

YOUR_FILE: Final = """\
app: {app}
kit: {{api_key: stored}}   # it is entered on the page
events:
  user.signed_up: {{add_tags: [New Member]}}
  # the others keep their defaults
"""

_NOT_SENT: Final = (
    "mk_user_id", "mk_last_name", "mk_signed_up_at", "mk_subscription_id", "mk_subscription_started_at",
    "mk_subscription_canceled_at", "mk_subscription_ends_at", "mk_cancel_reason", "mk_access_granted_at",
    "mk_access_expires_at",
)  # fmt: skip
"""Left out for the sake of brevity."""


def account_file() -> str:
    """Return the whole account file."""
    return ACCOUNT_FILE + "".join(f"  {name}: null\n" for name in _NOT_SENT)


@dataclass(frozen=True, slots=True)
class Happening:
    """One event.

    Attributes:
        id: By which its outcome is recognised.
        email: As the event gives it, right or wrong.
    """

    id: str
    type: str
    email: str
    data: Mapping[str, Any]

    def body(self, time: datetime) -> bytes:
        """Return the event as the platform would publish it."""
        event = {"id": self.id, "type": self.type, "time": time.isoformat(), "data": self.data}
        return json.dumps(event, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Scene:
    """Some events that are published together.

    Attributes:
        title: What the audience is told.
        slow: Seconds that Kit takes for its first answer; only meanwhile the other events are published.
    """

    title: str
    happenings: tuple[Happening, ...]
    slow: float = 0.0


@dataclass(frozen=True, slots=True)
class Ending:
    """What should be true of a person in the end."""

    first_name: str
    tags: frozenset[str]
    fields: Mapping[str, str] = field(default_factory=dict)


def _happening(number: int, kind: str, name: str, email: str = "", **objects: Mapping[str, str]) -> Happening:
    user = {"email": email or f"{name.lower()}@example.com", "first_name": name}
    return Happening(f"demo-{number:02}", kind, user["email"], {"user": user, **objects})


_ANNUAL: Final = {"plan": "Annual"}
_MONTHLY: Final = {"plan": "Monthly"}
_GOLD: Final = {"level": "Gold"}
_SILVER: Final = {"level": "Silver"}

SCENES: Final = (
    Scene("Ada signs up", (_happening(1, "user.signed_up", "Ada"),)),
    Scene("Ada pays for a year", (_happening(2, "subscription.started", "Ada", subscription=_ANNUAL),)),
    Scene("Ada may use what Gold members may", (_happening(3, "access.granted", "Ada", access=_GOLD),)),
    Scene("Ben signs up", (_happening(4, "user.signed_up", "Ben"),)),
    Scene("Ben pays for a month", (_happening(5, "subscription.started", "Ben", subscription=_MONTHLY),)),
    Scene("Ben cancels", (_happening(6, "subscription.canceled", "Ben", subscription=_MONTHLY),)),
    Scene(
        "Cleo signs up; and while Kit is slow to answer, she pays and cancels",
        (
            _happening(7, "user.signed_up", "Cleo"),
            _happening(8, "subscription.started", "Cleo", subscription=_MONTHLY),
            _happening(9, "subscription.canceled", "Cleo", subscription=_MONTHLY),
        ),
        slow=1.0,
    ),
    Scene(
        "Dan's address has a slip in it",
        (_happening(10, "access.granted", "Dan", email="dan(at)example.com", access=_SILVER),),
    ),
    Scene("Dan again, and right", (_happening(11, "access.granted", "Dan", access=_SILVER),)),
    Scene("Ada's last event once more", (_happening(3, "access.granted", "Ada", access=_GOLD),)),
)

ENDINGS: Final = {
    "ada@example.com": Ending(
        "Ada",
        frozenset({"New Member", "Active Member", "Annual Plan", "Gold access"}),
        {"plan": "Annual", "status": "active", "access_level": "Gold"},
    ),
    "ben@example.com": Ending(
        "Ben", frozenset({"New Member", "Cancelled"}), {"plan": "Monthly", "status": "canceled"}
    ),
    "cleo@example.com": Ending(
        "Cleo", frozenset({"New Member", "Cancelled"}), {"plan": "Monthly", "status": "canceled"}
    ),
    "dan@example.com": Ending("Dan", frozenset({"Silver access"}), {"access_level": "Silver"}),
}

NEVER_TAGGED: Final = ("cleo@example.com", "Active Member")
"""Paid and cancelled while both events waited: the tag is never added, so no automation starts."""

DEAD_LETTERS: Final = {"demo-10": "invalid_event"}
"""By event, the reason of the dead letter that it should become."""


def times(now: datetime) -> list[datetime]:
    """Return when each event happened: a minute apart, the last of them just now."""
    count = sum(len(scene.happenings) for scene in SCENES)
    return [now - timedelta(minutes=count - at) for at in range(1, count + 1)]
