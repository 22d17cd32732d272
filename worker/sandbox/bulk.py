"""Bulk requests: what all of them have in common. Each entry is done by itself, or comes back in `failures`.

Up to 100 entries are answered at once. More are done later, `delay` seconds after the call; `callback_url`,
to which Kit would then report, is not called.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from worker.sandbox.faults import Entry, Fault
from worker.sandbox.refusals import InvalidError, RefusalError
from worker.sandbox.state import Account

AT_ONCE = 100  # entries (Kit API reference, endpoints)
DELAY = 5.0

Json = dict[str, object]
Item = Mapping[str, object]


@dataclass(slots=True)
class BulkSettings:
    """How bulk calls are answered; each may be set at any time.

    Attributes:
        delay: seconds until more than 100 entries are done.
        shuffled: answer in any order. Else in Kit's, which is not always that of the request.
        echo_invalid: show an invalid email address in its failure. Else it is null, as in Kit's own example.
        chance: what shuffles.
    """

    delay: float = DELAY
    shuffled: bool = False
    echo_invalid: bool = False
    chance: random.Random = field(default_factory=random.Random)


def nothing_strikes(_: Entry) -> Fault | None:
    """Let every entry go right."""
    return None


@dataclass(frozen=True, slots=True)
class BulkTerms:
    """What one bulk call meets: the settings, and faults that strike single entries of it."""

    settings: BulkSettings = field(default_factory=BulkSettings)
    strike: Callable[[Entry], Fault | None] = nothing_strikes


PLAIN_TERMS = BulkTerms()


@dataclass(frozen=True, slots=True)
class Operation:
    """What a bulk endpoint does with its entries.

    Attributes:
        items: the name of the list in the request.
        item: the name of an entry in `failures`.
        apply: does one entry and gives what is answered for it; refuses it as a single call would be.
        failed: an entry as `failures` shows it.
        email: the address of the subscriber an entry is about, for faults that strike by address.
        answers: the name of the list of what was done; None where the answer has none.
        check: refuses the whole request.
        opposite: whether the answer is in the opposite order of the request.
    """

    items: str
    item: str
    apply: Callable[[Account, Item, float], Json]
    failed: Callable[[Account, Item, BulkSettings], Json]
    email: Callable[[Account, Item], str | None] = lambda _, __: None
    answers: str | None = None
    check: Callable[[Account, Sequence[Item]], None] = lambda _, __: None
    opposite: bool = False


def answer(
    operation: Operation, account: Account, body: Mapping[str, object], terms: BulkTerms, now: float
) -> tuple[int, Json]:
    """Do what a bulk request asks: 200 with what became of each entry, or 202 if that comes later.

    Raises:
        InvalidError: there is no entry, or one is no object.
        RefusalError: the operation refuses the request as a whole.
    """
    items = _items(body.get(operation.items), operation.items)
    operation.check(account, items)
    if len(items) <= AT_ONCE:
        return 200, _process(operation, account, items, terms, now)
    due = now + terms.settings.delay
    account.later(due, lambda at: _process(operation, account, items, terms, at))
    return 202, {}


def _items(given: object, name: str) -> list[Item]:
    if not isinstance(given, list) or not given:
        raise InvalidError(f"No {name.replace('_', ' ')} included for processing")
    if not all(isinstance(item, dict) for item in given):  # Kit's answer to this is not published
        raise InvalidError(f"{name.replace('_', ' ').capitalize()} is invalid")
    return given


def _process(
    operation: Operation, account: Account, items: Sequence[Item], terms: BulkTerms, now: float
) -> Json:
    done: list[Json] = []
    failures: list[Json] = []
    for item in items:
        try:
            done.append(_one(operation, account, item, terms, now))
        except RefusalError as error:
            shown = operation.failed(account, item, terms.settings)
            failures.append({operation.item: shown, "errors": [str(text) for text in error.args]})
    if operation.opposite:
        done.reverse()
    if terms.settings.shuffled:
        terms.settings.chance.shuffle(done)
        terms.settings.chance.shuffle(failures)
    return (
        {"failures": failures}
        if operation.answers is None
        else {operation.answers: done, "failures": failures}
    )


def _one(operation: Operation, account: Account, item: Item, terms: BulkTerms, now: float) -> Json:
    fault = terms.strike(Entry(item, operation.email(account, item)))
    if fault is not None and not fault.applied:
        raise InvalidError(fault.error)
    done = operation.apply(account, item, now)
    if fault is not None:
        raise InvalidError(fault.error)
    return done
