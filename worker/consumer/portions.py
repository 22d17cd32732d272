"""A large batch in portions, so that other accounts of the ledger can write in between. Pure.

A SQLite file takes one writer at a time, and who waits for it has their turn after a portion, not after a
thousand people. What is known of a person is written with all that has ended of theirs: whoever is killed
between two portions has written everything of some people, and nothing of the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from worker.subscribers.item import Outcome
from worker.subscribers.known import Batch, LetterEntry, Person
from worker.subscribers.record import Record

MOST: Final = 300
"""Records, new people and ends of events in a portion, about; some 60 ms of a SQLite file's writer."""


class Ended(NamedTuple):
    """How an event ended. What is written of it is worked out then: its person may have moved meanwhile.

    Attributes:
        at: When, in seconds since 1970.
        letter: Its dead letter, which is safe by now; None where it became none.
    """

    outcome: Outcome
    at: float
    letter: LetterEntry | None


@dataclass(slots=True)
class _Share:
    """What belongs to one person."""

    records: list[Record] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.records) + len(self.people) + len(self.ended)

    def add(self, other: _Share) -> None:
        """Take in what belongs to another person."""
        self.records += other.records
        self.people += other.people
        self.ended += other.ended


def portions(batch: Batch, ended: Sequence[Ended], most: int = MOST) -> Iterator[tuple[Batch, list[Ended]]]:
    """Yield a batch, and the events that it settles, in portions.

    Args:
        batch: With its records and people, and what is counted, which the first portion has.
        ended: In their order, which those of one person keep.
        most: A portion is complete with so many records, new people and ends.
    """
    whole = _Share(batch.records, batch.people, list(ended))
    if batch.moves or len(whole) <= most:
        yield batch, whole.ended  # who moves takes along what others of the batch may have left
        return
    rest, share = replace(batch, records=[], people=[]), _Share()
    for theirs in _by_person(batch, ended).values():
        share.add(theirs)
        if len(share) >= most:
            yield replace(rest, records=share.records, people=share.people), share.ended
            rest, share = Batch(holds=batch.holds), _Share()
    if share:
        yield replace(rest, records=share.records, people=share.people), share.ended


def _by_person(batch: Batch, ended: Sequence[Ended]) -> Mapping[str | int, _Share]:
    """Return what belongs together, by where an address leads; an event of nobody stands by itself."""
    leads = {record.email: record.moved.to for record in batch.records if record.moved is not None}
    shares: dict[str | int, _Share] = {}
    for each in ended:
        item = each.outcome.item
        of = item.delivery.tag if item.subscriber is None else _end(item.subscriber.record.email, leads)
        shares.setdefault(of, _Share()).ended.append(each)
    for record in batch.records:
        shares.setdefault(_end(record.email, leads), _Share()).records.append(record)
    for person in batch.people:
        shares.setdefault(_end(person.email, leads), _Share()).people.append(person)
    return shares


def _end(email: str, leads: Mapping[str, str]) -> str:
    """Return where an address leads; of a ring, whoever is first in the alphabet."""
    way: list[str] = []
    while email in leads and email not in way:
        way.append(email)
        email = leads[email]
    return min(way[way.index(email) :]) if email in way else email
