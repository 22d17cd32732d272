"""What a comparison with Kit has found, as one can see, keep and carry out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from worker.ledger.drift import DriftRun, FoundPerson
from worker.ops.drift.compare import CLASSES, AccountDrift
from worker.ops.stored_plan import StoredPlan, check_unchanged, load_plan, plan_hash
from worker.subscribers.drifted import DriftKind, DriftRow

FORMAT: Final = "kit-worker drift plan, version 1"
EXAMPLES: Final = 5
TOLD: Final[Mapping[str, str]] = {
    DriftKind.TAG_MISSING: "this worker gave the tag, and Kit lacks it",
    DriftKind.TAG_BACK: "this worker took the tag off, and Kit has it",
    DriftKind.FIELD: "the custom field has another value",
    DriftKind.FIRST_NAME: "the first name is another one",
    DriftKind.ADDRESS: "the subscriber has another address",
    DriftKind.UNSUBSCRIBED: "gets no more mail, and not by this worker",
    DriftKind.DELETED: "Kit has no such subscriber any more",
}
"""What each class means, for people."""


class DriftedPerson(msgspec.Struct, frozen=True):
    """Of whom Kit has something otherwise, and what."""

    email: str
    differences: tuple[DriftRow, ...]


class _StoredDrift(StoredPlan[DriftedPerson], frozen=True, forbid_unknown_fields=True):
    """A plan as it is kept; see `DriftPlan`."""

    asked_at: float


@dataclass(frozen=True, slots=True)
class DriftGroup:
    """All differences of one class, and of one tag or custom field where it is about that.

    Attributes:
        name: Of the tag or the custom field; else empty.
        people: How many people have it.
        examples: The first addresses.
    """

    kind: str
    name: str
    people: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DriftPlan:
    """What Kit has otherwise in an account.

    Attributes:
        account: Its name.
        version: Of the account's file at that time.
        people: By address.
        names: The tags and custom fields that were renamed or deleted: no part of what can be carried out.
        asked_at: When Kit was asked, in seconds since 1970: what events say since then stands.
    """

    account: str
    version: str
    people: list[DriftedPerson] = field(default_factory=list)
    names: tuple[AccountDrift, ...] = ()
    asked_at: float = 0.0

    @property
    def hash(self) -> str:
        """What tells it apart from every other one; empty where nobody has anything otherwise."""
        # The same once more, on another day, is another plan: what came of the first is no answer to it.
        return plan_hash(self.account, f"{self.version} {self.asked_at}", self.people)

    def dump(self) -> bytes:
        """Return it as JSON, to be kept."""
        plan = _StoredDrift(FORMAT, self.hash, self.account, self.version, self.people, self.asked_at)
        return msgspec.json.encode(plan)

    @classmethod
    def load(cls, text: bytes) -> DriftPlan:
        """Return the plan that `dump` wrote.

        Raises:
            NotAPlanError: It is none, or was changed since.
        """
        stored = load_plan(text, FORMAT, _StoredDrift)
        plan = cls(stored.account, stored.version, stored.people, asked_at=stored.asked_at)
        check_unchanged(stored.hash, plan.hash)
        return plan

    def groups(self) -> Iterator[DriftGroup]:
        """Yield the differences by class and name, in the order of the classes."""
        counts, examples = Counter[tuple[str, str]](), dict[tuple[str, str], list[str]]()
        for person in self.people:
            for row in person.differences:
                key = row.kind.value, row.name
                counts[key] += 1
                if len(shown := examples.setdefault(key, [])) < EXAMPLES:
                    shown.append(person.email)
        for kind, name in sorted(counts, key=lambda key: (CLASSES.index(key[0]), key[1].lower())):
            yield DriftGroup(kind, name, counts[kind, name], tuple(examples[kind, name]))

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "account": self.account,
            "hash": self.hash,
            "version": self.version,
            "people": msgspec.to_builtins(self.people),
            "names": [
                {"class": each.kind_of_drift, "name": each.name, "kit": each.kit_name or None,
                 "people": each.people, "told": each.told}
                for each in self.names
            ],
        }  # fmt: skip


def plan_of(run: DriftRun, version: str, found: list[FoundPerson]) -> DriftPlan:
    """Return what a comparison has found."""
    people = [DriftedPerson(each.email, each.rows) for each in found]
    names = (AccountDrift(*name, people=count) for name, count in sorted(run.progress.names.items()))
    return DriftPlan(run.account, version, people, tuple(names), run.asked_at)
