"""Which facts have taken effect, and in which order. Pure."""

from __future__ import annotations

from datetime import datetime

from worker.subscribers.fact import Fact, Facts


def in_effect(facts: Facts) -> list[Fact]:
    """Return the facts that have taken effect, in the order in which they did.

    What takes effect later than its event is taken back by any newer event of the same subscription.
    """
    at_once = [fact for fact in facts if fact.due is None]
    later = [
        fact for fact in facts if fact.due is not None and not fact.waits and not _taken_back(fact, facts)
    ]
    for fact in sorted(later, key=_due):
        before = [other.order.time <= _due(fact) for other in at_once]
        at_once.insert(before.index(False) if False in before else len(before), fact)
    return at_once


def _due(fact: Fact) -> datetime:
    return fact.due or fact.order.time


def _taken_back(fact: Fact, facts: Facts) -> bool:
    return any(other.place > fact.place and _is_of_the_same(other, fact) for other in facts)


def _is_of_the_same(other: Fact, fact: Fact) -> bool:
    if not may_be_one(other.user, fact.user):
        return False
    return other.subscription == fact.subscription or not (other.opens or other.subscription)


def may_be_one(user: str, other: str) -> bool:
    """Tell whether two events can be about one user: where an event names none, its address does."""
    return not (user and other) or user == other
