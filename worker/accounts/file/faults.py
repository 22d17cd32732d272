"""From a file's text to its values, and from what is wrong there to problems with their places. Pure."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from worker.accounts.file.errors import label
from worker.accounts.file.odd_characters import plain_text
from worker.accounts.file.source import FileFault, Source, read_yaml
from worker.errors import Problem

P = TypeVar("P", bound=Problem)


def source_of(text: str) -> tuple[Source, list[FileFault]]:
    """Return what a text says, and what is wrong with it as a text."""
    plain, odd = plain_text(text.removeprefix("\ufeff"))
    source = read_yaml(plain)
    # What was only cut off or opened by such a character is no second fault.
    return source, [*odd, *(() if odd and is_unreadable(source) else source.faults)]


def problems_in(path: Path, faults: list[FileFault]) -> list[Problem]:
    """Return faults of a file as problems, in the order of lines."""
    return [problem_of(Problem, path, fault) for fault in _in_order(faults)]


def is_unreadable(source: Source) -> bool:
    """Tell whether the text could not be read to its end, so that what seems missing may well be there."""
    return bool(source.faults) and not source.spots


def problem_of(kind: type[P], path: Path, fault: FileFault) -> P:
    """Return a fault of a file as a problem of some kind."""
    place = label(fault.path)
    text = f"{place}: {fault.text}" if place else fault.text
    return kind(f"{path}:{fault.spot.line}:{fault.spot.column}", text)


def _in_order(faults: list[FileFault]) -> list[FileFault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.spot)
