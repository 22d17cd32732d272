"""Whom a dead letter is about, even where its event could not be read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from worker.broker.topology import work_queue
from worker.dead_letters.letter import DeadLetter
from worker.errors import EventError
from worker.events.json_body import parse_json
from worker.subscribers.identity import person_in, person_key
from worker.subscribers.mentioning import Mentions, bodies, strings_in, text_of


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """Selects the dead letters about one person.

    Attributes:
        addresses: As `normalize_email` writes them.
        user_ids: As `person_key` writes them.
        home_app: The account's; see `person_key`.
    """

    addresses: Collection[str]
    user_ids: Collection[str]
    home_app: str = ""

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is about the person.

        It is where the address stands outside of its body: in an id, a header or a property. Where the body
        names nobody that one could read, it is about whoever's address stands in it, however written.
        """
        found = list(bodies(letter.body))
        people = [_person(body) for body in found]
        apps = _apps(letter, self.home_app)
        if any(self._knows(user_id, apps) for _, user_id in people):
            return True
        if any(email in self.addresses for email, _ in people) or self._names(_around(letter)):
            return True
        return all(email is None for email, _ in people) and self._names(map(text_of, found))

    def is_mentioned(self, letter: DeadLetter) -> bool:
        """Tell whether the address stands anywhere in it, though it may be about somebody else."""
        return self._names([*_around(letter), *map(text_of, bodies(letter.body))])

    def _knows(self, user_id: str | None, apps: Collection[str | None]) -> bool:
        keys = () if user_id is None else (person_key(user_id, app, self.home_app) for app in apps)
        return any(key in self.user_ids for key in keys)

    def _names(self, texts: Iterable[str]) -> bool:
        return Mentions(self.addresses).in_texts(texts)


def _apps(letter: DeadLetter, home_app: str) -> Collection[str | None]:
    """Return of which apps a dead letter may be: the last word of its routing key, or none."""
    _, dot, last = letter.routing_key.rpartition(".")
    routed = {last} if dot and letter.routing_key != work_queue(letter.account) else set[str]()
    return routed if routed and home_app else {None, *routed}


def _around(letter: DeadLetter) -> list[str]:
    """Return all of a dead letter but its body: ids, properties, and headers with all that is in them."""
    own = (letter.id, letter.event_id, letter.event_type, letter.routing_key, letter.detail)
    return [*own, *strings_in(letter.properties), *strings_in(letter.headers)]


def _person(body: bytes) -> tuple[str | None, str | None]:
    try:
        event = parse_json(body)
    except EventError:
        return None, None
    data = event.get("data", event) if isinstance(event, dict) else None  # a binary CloudEvent is all data
    return person_in(data) if isinstance(data, dict) else (None, None)
