"""What names mean in Kit: somebody may rename a tag or a custom field there, and its id stays. Pure.

The file's words win: whatever bears a name in Kit is what the name means. A name that Kit no longer has goes
on meaning what it meant, as long as that is there, under whatever name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from worker.subscribers.known import KitName


@dataclass(frozen=True, slots=True)
class Shift:
    """A name whose tag or custom field is called otherwise in Kit now.

    Attributes:
        was: What the name meant, and what that is called now.
        bearer: Another one that bears the name now; None where there is none, so that the name goes on
            meaning what it meant.
    """

    was: KitName
    bearer: KitName | None

    @property
    def now(self) -> KitName:
        """What the name means from now on."""
        return self.bearer or self.was

    def __str__(self) -> str:
        """Return the sentence for people."""
        name, now = self.was.name, self.was.kit_name
        if self.bearer is None:
            return f'"{name}" is called "{now}" in Kit now, and still meant by it'
        return f'"{name}" is another one in Kit now; what it meant before is called "{now}" there'


def shifts(
    known: Iterable[KitName], bearer: Callable[[str], int | None], called: Mapping[int, str]
) -> list[Shift]:
    """Return what is called otherwise.

    Args:
        known: Of one kind.
        bearer: Returns the id of what bears a name in Kit.
        called: The names of all of that kind in Kit, by id.
    """
    known = list(known)
    borne = {one.name: bearer(one.name) for one in known}
    found = list[Shift]()
    for one in known:
        # Where another name of the file bears it, the two are not made one: each is noted by itself.
        if one.kit_id in called and one.kit_id not in borne.values():
            id_ = borne[one.name]
            other = None if id_ is None else one._replace(kit_id=id_, kit_name=called[id_])
            found.append(Shift(one._replace(kit_name=called[one.kit_id]), other))
    return found


class Names:
    """What an account's names mean, and what of that the ledger does not know yet."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], KitName] = {}
        self._new: dict[tuple[str, str], KitName] = {}

    def recall(self, names: Iterable[KitName]) -> None:
        """Begin with what the ledger knows; whatever else was known has to be noted again."""
        self._known, self._new = {(one.kind, one.name): one for one in names}, {}

    def of(self, kind: str) -> list[KitName]:
        """Return what the names of one kind mean."""
        return [one for one in self._known.values() if one.kind == kind]

    def note(self, name: KitName) -> bool:
        """Note what a name means; tell whether that is new."""
        key = name.kind, name.name
        if self._known.get(key) == name:
            return False
        self._known[key] = self._new[key] = name
        return True

    @property
    def has_new(self) -> bool:
        """Whether there is anything to be written into the ledger."""
        return bool(self._new)

    def take_new(self) -> list[KitName]:
        """Return what is to be written into the ledger, once."""
        new, self._new = list(self._new.values()), {}
        return new
