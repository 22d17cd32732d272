"""What a file of examples says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from worker.accounts.file.syntax_errors import START, Spot
from worker.errors import Problem
from worker.events.values import Json


@dataclass(frozen=True, slots=True)
class ExampleEvent:
    """An event that comes.

    Attributes:
        at: When it happened, by the platform's clock.
        comes_at: When it comes, unless it is later already: of a copy, when the copy comes.
        app: That its routing key names; empty for none, None for the account's own.
    """

    at: datetime
    comes_at: datetime
    type: str
    id: str
    data: Mapping[str, Json]
    app: str | None = None


@dataclass(frozen=True, slots=True)
class ExamplePerson:
    """Who is looked at: by the id, where there is one that is known, else by the address."""

    email: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedDue:
    """Something that takes effect later.

    Attributes:
        event: The number of the event that asks for it; 0 where any may.
        what: What will be done, as `Later.what` has it, without quotes; more may be.
    """

    at: datetime
    event: int = 0
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedDead:
    """An event that is a dead letter, by its number; with an empty reason, for whichever."""

    event: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be so; None where nothing is said of it.

    Attributes:
        at: When; None where it is right after the last event.
        tags: All tags that the person has.
        has_tags: Some of them.
        not_tags: Some that the person has not.
        fields: Some custom fields, and `first_name`; None for one that is empty.
        state: As Kit has the person; `nobody` where it does not.
        due: All that takes effect later, for whomever.
        dead: All dead letters; None where there are to be none but those that the example has elsewhere.
    """

    spot: Spot
    whom: ExamplePerson
    at: datetime | None = None
    tags: tuple[str, ...] | None = None
    has_tags: tuple[str, ...] = ()
    not_tags: tuple[str, ...] = ()
    fields: Mapping[str, str | None] = field(default_factory=dict)
    state: str = ""
    due: tuple[ExpectedDue, ...] | None = None
    dead: tuple[ExpectedDead, ...] | None = None


@dataclass(frozen=True, slots=True)
class ExampleTest:
    """One test: events, in the order in which they come, and what is then to be so."""

    spot: Spot
    name: str
    events: tuple[ExampleEvent, ...]
    then: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class ExampleFile:
    """A file of examples, read.

    Attributes:
        account: Whose; where that stands is `account_spot`.
        examples: None of a file that is wrong.
        problems: All that is wrong with it.
    """

    path: Path
    account: str = ""
    account_spot: Spot = START
    examples: tuple[ExampleTest, ...] = ()
    problems: tuple[Problem, ...] = ()
