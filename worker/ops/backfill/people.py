"""Whose rows are whose, and in which order they are taken. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from worker.events.event import OrderKey


@dataclass(slots=True)
class PeopleInFile:
    """The rows of a file by person, as far as the file itself tells.

    Rows with one address or one id are one person's. So what is found out of a person's rows needs none of
    the others, whichever file it is.
    """

    _by_sign: dict[str, int] = field(default_factory=dict)
    _joined: list[int] = field(default_factory=list)
    _rows: list[tuple[int, OrderKey]] = field(default_factory=list)
    _addresses: dict[int, set[str]] = field(default_factory=dict)

    def add(self, address: str, others: Iterable[str], order: OrderKey) -> None:
        """Add the next row.

        Args:
            address: That it names.
            others: What else says whose it is.
            order: Its place among the events of its person.
        """
        person = self._person(address)
        self._addresses.setdefault(person, set()).add(address)
        for sign in others:
            person = self._join(person, self._person(sign))
        self._rows.append((person, order))

    def in_order(self) -> Iterator[list[int]]:
        """Yield the numbers of each person's rows, from 0, in the order in which they are to be taken.

        The newest come first: an older one then undoes nothing, so that nobody has a tag for a moment only.
        Of whom the file names several addresses the oldest do, as it may tell how one became the other.
        """
        people = dict[int, list[int]]()
        for number, (person, _) in enumerate(self._rows):
            people.setdefault(self._root(person), []).append(number)
        for person, rows in people.items():
            newest_first = len(self._addresses.get(person, ())) == 1
            yield sorted(rows, key=lambda row: self._rows[row][1], reverse=newest_first)

    def _person(self, sign: str) -> int:
        if (known := self._by_sign.get(sign)) is not None:
            return self._root(known)
        self._by_sign[sign] = person = len(self._joined)
        self._joined.append(person)
        return person

    def _root(self, person: int) -> int:
        while self._joined[person] != person:
            self._joined[person] = self._joined[self._joined[person]]
            person = self._joined[person]
        return person

    def _join(self, one: int, other: int) -> int:
        one, other = sorted((self._root(one), self._root(other)))
        if one != other:
            self._joined[other] = one
            self._addresses.setdefault(one, set()).update(self._addresses.pop(other, ()))
        return one
