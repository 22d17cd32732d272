"""The parts of an event that cannot be applied, each as a sentence. Pure."""

from __future__ import annotations

from types import TracebackType

from worker.errors import InvalidEvent


class Owed(list[str]):
    """The parts that cannot be applied: `with owed:` notes the one inside, and goes on after it."""

    def __enter__(self) -> None: ...

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> bool:
        if not isinstance(error, InvalidEvent):
            return False
        self.note(error)
        return True

    def note(self, error: InvalidEvent) -> None:
        """Note a part; what costs several parts is told once."""
        if str(error) not in self:
            self.append(str(error))
