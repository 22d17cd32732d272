"""Keeps the messages of a file's rows outside memory, to be read again in another order."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Self

import msgspec

from worker.subscribers.due_effect import DueEffect


@dataclass(slots=True)
class Spool:
    """Timers of rows, in a file that nobody else sees and that is gone when this ends."""

    _file: IO[bytes] = field(default_factory=TemporaryFile)
    _at: array[int] = field(default_factory=lambda: array("q", [0]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._at) - 1

    def add(self, timer: DueEffect) -> None:
        """Keep one more."""
        self._at.append(self._at[-1] + self._file.write(msgspec.msgpack.encode(timer)))

    def __getitem__(self, number: int) -> DueEffect:
        """Return the one that was added at that place, from 0."""
        self._file.seek(self._at[number])
        kept = self._file.read(self._at[number + 1] - self._at[number])
        return msgspec.msgpack.decode(kept, type=DueEffect)

    def some(self, numbers: Sequence[int]) -> list[DueEffect]:
        """Return those that were added at these places."""
        return [self[number] for number in numbers]
