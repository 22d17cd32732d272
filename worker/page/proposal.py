"""A change of an account's file that somebody asks for by a form, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from worker.accounts.account import Account
from worker.accounts.edit.edits import Edit, edited
from worker.accounts.edit.protected import forbidden
from worker.accounts.edit.restoring import restored
from worker.accounts.reading import AccountFiles
from worker.errors import Problem
from worker.events.body import MAX_BODY_BYTES
from worker.files import MAX_FILE_BYTES
from worker.outside.texts import line
from worker.page.others import without_others

LARGEST_FORM: Final = 4 * MAX_FILE_BYTES
"""Bytes of a form that holds an account's file, in which a letter may take three times its bytes."""
LARGEST_EVENT_FORM: Final = 4 * MAX_BODY_BYTES
"""Likewise of one that holds an event: what is too large for one is told so, and stays in the form."""
MOST_INPUTS: Final = 20_000
LONGEST_LINE: Final = 400
"""Characters of a line that people still read."""


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody sent by a form: names and texts, in their order; a name may be there several times."""

    boxes: tuple[tuple[str, str], ...]

    def __contains__(self, name: str) -> bool:
        """Tell whether a box of that name was sent."""
        return any(each == name for each, _ in self.boxes)

    def all(self, name: str) -> list[str]:
        """Return the texts of all boxes of a name."""
        return [text for each, text in self.boxes if each == name]

    def get(self, name: str, default: str = "") -> str:
        """Return the text of the first box of a name."""
        return next((text for each, text in self.boxes if each == name), default)

    @property
    def button(self) -> str:
        """Which button was pressed."""
        return self.get("do", "review")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to become of a file.

    Attributes:
        of: What it is about, in words, such as an event type.
        edits: One after the other.
        old: A text that the file had before, to go back to; None where it is edited.
        notes: What somebody should know before they save it.
    """

    of: str
    edits: tuple[Edit, ...] = ()
    old: str | None = None
    notes: tuple[str, ...] = ()

    def applied(self, text: str) -> str:
        """Return a file's text with it.

        Raises:
            CannotEdit: The file is written in a way that does not allow it; the text says what to do.
        """
        if self.old is not None:
            return restored(text, self.old)
        for edit in self.edits:
            text = edited(text, edit)
        return text


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a proposal cannot be saved.

    Attributes:
        told: In a sentence; of a text as `kit-worker check` tells it, with file, line and column.
        line: The line of the text; empty where it is none.
    """

    told: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a proposal is not looked at any further; whoever made it goes on with their form."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal that can be saved.

    Attributes:
        present: What is in the file now.
        text: What would be there.
        before: What the present text means; None where it is wrong.
        account: What the new one means.
    """

    proposal: Proposal
    present: str
    text: str
    before: Account | None
    account: Account


def worked_out(proposal: Proposal, present: str, name: str, files: AccountFiles) -> Proposed | Refused:
    """Return what a file would be with a proposal; that takes its time: an event loop calls it in a thread.

    Args:
        proposal: It.
        present: What is in the file now.
        name: The account's.
        files: With those of all others.

    Raises:
        CannotEdit: As `Proposal.applied` raises it.
    """
    text = proposal.applied(present)
    if len(text.encode(errors="surrogatepass")) > MAX_FILE_BYTES:
        return Refused((Fault("The file would be larger than 1 MiB, which no worker reads."),))
    if kept := forbidden(present, text):
        return Refused((Fault(f"Only an operator changes this, in the file itself: {', '.join(kept)}."),))
    draft = files.draft(name, text)
    if draft.account is None:
        return Refused(tuple(_faults(draft.problems, text, files.path_of(name))))
    return Proposed(proposal, present, text, files.account_in(name, present), draft.account)


def _faults(problems: tuple[Problem, ...], text: str, path: Path) -> Iterator[Fault]:
    lines = text.splitlines()
    for problem in problems:
        place = problem.where.removeprefix(f"{path}:").partition(":")[0]
        at = int(place) - 1 if place.isdecimal() else len(lines)
        shown = line(lines[at], LONGEST_LINE, addresses=False) if at < len(lines) else ""
        yield Fault(without_others(str(problem), path.stem), shown)


async def form_in(request: web.Request, largest: int = LARGEST_FORM) -> Form:
    """Return what somebody sent from a form that may hold a whole file, or `largest` bytes."""
    larger = request.clone(client_max_size=largest, client_max_fields=MOST_INPUTS)
    sent = await larger.post()
    return Form(tuple((name, text) for name, text in sent.items() if isinstance(text, str)))
