"""Whom a dead letter is about, even where its event could not be read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from worker.dead_letters.letter import DeadLetter
from worker.errors import EventError
from worker.events.json_body import parse_json
from worker.subscribers.identity import id_key, person_in


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """Selects the dead letters about one person.

    Attributes:
        addresses: As `normalize_email` writes them.
        user_ids: As `id_key` writes them.
    """

    addresses: Collection[str]
    user_ids: Collection[str]

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is about the person.

        Where a body names nobody that one could read, it is about whoever's address stands in it.
        """
        email, user_id = _person(letter.body)
        known = user_id is not None and id_key(user_id) in self.user_ids
        if email is not None:
            return known or email in self.addresses
        return known or self._names_address(letter.body)

    def _names_address(self, body: bytes) -> bool:
        text = body.decode("utf-8", errors="replace")
        # Not within a longer address: ann@example.com is not joann@example.com, nor ann@example.com.au.
        patterns = (rf"(?<![\w.+-]){re.escape(address)}(?![\w-]|\.\w)" for address in self.addresses)
        return any(re.search(pattern, text, re.IGNORECASE) for pattern in patterns)


def _person(body: bytes) -> tuple[str | None, str | None]:
    try:
        event = parse_json(body)
    except EventError:
        return None, None
    data = event.get("data", event) if isinstance(event, dict) else None  # a binary CloudEvent is all data
    return person_in(data) if isinstance(data, dict) else (None, None)
