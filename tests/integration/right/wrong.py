"""What is wrong of the people of a case, in one way of publishing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.integration.right.case import Case, Right
from tests.integration.right.ways import Way
from worker.sandbox import Person


def what_is_wrong(
    case: Case,
    way: Way,
    right: Mapping[str, Right],
    people: Mapping[str, Person],
    dead: Mapping[str, set[tuple[str, str]]],
    *,
    killed: bool,
) -> Iterator[str]:
    """Yield a line for whatever is wrong; `people` are all whom Kit has, `dead` the reasons by event's id."""
    here = {address: person for address, person in people.items() if address.startswith(f"{way.number}.")}
    known = {way.address(address) for address in right}
    if killed:  # a call that made somebody may have landed, and its worker died before it knew
        here = {
            each: person for each, person in here.items() if person.tags or person.fields or each in known
        }
    letters = {n: dead[f"{way.number}-{n}"] for n in range(len(case.events)) if f"{way.number}-{n}" in dead}
    reasons = {number: {reason for reason, _ in said} for number, said in letters.items()}
    told = f"dead letters {letters}" if letters else "no dead letters"
    if case.one_of:
        conflicts = [number for number, said in reasons.items() if said == {"identity_conflict"}]
        applied = len(case.events) - len(conflicts)
        # After a kill the call for one may have landed, and another one have been taken first.
        here = {each: person for each, person in here.items() if person.tags or not killed}
        is_right = (applied <= 1 and len(here) <= 1) if killed else (applied == 1 and len(here) == 1)
        if len(conflicts) != len(reasons) or not is_right:
            yield f"{sorted(here)}, {told}"
        return
    if case.or_conflict and reasons and set().union(*reasons.values()) == {"identity_conflict"}:
        yield from _worse_than_conflicts(way, right, here, case.until_then)
        return
    if reasons != {number: {reason} for number, reason in case.dead.items()}:
        yield told
    wanted = {way.address(address): each for address, each in right.items()}
    if case.moves:
        # Kit keeps whom it had at both addresses; the old one has no tags, and gets no mail.
        here = {each: person for each, person in here.items() if person.tags or person.state != "cancelled"}
    for address in sorted(here.keys() | wanted.keys()):
        yield from _differences(address, here.get(address), wanted.get(address))


def _worse_than_conflicts(
    way: Way, right: Mapping[str, Right], here: Mapping[str, Person], until_then: frozenset[str]
) -> Iterator[str]:
    """Yield what is wrong though some events are dead letters: who is missing, or has what nobody should."""
    allowed = until_then.union(*(each.tags for each in right.values()))
    yield from (f"{way.address(address)} is missing" for address in right if way.address(address) not in here)
    for address, person in here.items():
        if not person.tags <= allowed:
            yield f"{address} has {sorted(person.tags)}, and events are conflicts"


def _differences(address: str, person: Person | None, right: Right | None) -> Iterator[str]:
    if right is None or person is None:
        yield f"{address} is missing" if person is None else f"{person} should not be there"
        return
    if person.tags != right.tags:
        yield f"{address} has {sorted(person.tags)} for {sorted(right.tags)}"
    for name, value in right.fields.items():
        if person.fields.get(name) != value:
            yield f"{address}: {name} is {person.fields.get(name)!r} for {value!r}"
    if person.state != right.state:
        yield f"{address} is {person.state} for {right.state}"
