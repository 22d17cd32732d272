"""What another file would do otherwise, in words, for those who read no YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from worker.accounts.account import Account
from worker.accounts.file.field_checks import field_key
from worker.accounts.file.values import suggestion
from worker.mapping import FIRST_NAME, EventMapping, FieldTarget
from worker.mapping.words import in_words, name_of, text_of
from worker.ops.check_kit import named_fields, named_tags
from worker.page.kit_names import KitLists
from worker.subscribers.parts import TagWish, tag_key


@dataclass(frozen=True, slots=True)
class Difference:
    """One event type, or one value, that is treated otherwise.

    Attributes:
        of: Which.
        before: What is done with it now, a sentence each; empty where nothing is.
        after: What would be done.
    """

    of: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def differences(before: Account | None, after: Account) -> list[Difference]:
    """Return what another file would do otherwise; all that it does, where the present one cannot be read."""
    old = Account(after.name) if before is None else before
    return [*_of_events(old, after), *_of_fields(old, after)]


def _of_events(before: Account, after: Account) -> Iterator[Difference]:
    for kind in sorted({*before.events, *after.events}):
        old, new = before.events.get(kind), after.events.get(kind)
        if old != new:
            yield Difference(kind, _words(old), _words(new))


def _words(mapping: EventMapping | None) -> tuple[str, ...]:
    return () if mapping is None else tuple(text_of(sentence) for sentence in in_words(mapping))


def _of_fields(before: Account, after: Account) -> Iterator[Difference]:
    old, new = _by_source(before.fields), _by_source(after.fields)
    for source in sorted({*old, *new}):
        if old.get(source) != new.get(source):
            yield Difference(f"the {name_of(source)}", old.get(source, ()), new.get(source, ()))


def _by_source(fields: Iterable[FieldTarget]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for target in fields:
        name = "first name, which Kit has by itself" if target.target == FIRST_NAME else target.target
        said = f"goes to {name}{', as a date' if target.format else ''}"
        for source in target.sources:
            found[source] = (*found.get(source, ()), said)
    return found


def warnings(before: Account | None, after: Account, kit: KitLists) -> list[str]:
    """Return what somebody should know before such a file is saved.

    Args:
        before: The account by the present file; None where that cannot be read.
        after: The account by the other one.
        kit: What Kit has, as far as that is known.
    """
    old = Account(after.name) if before is None else before
    found = list(_lacking(old, after, kit)) if kit.is_known else []
    if {tag_key(each.name) for each in named_tags(old)} - {tag_key(each.name) for each in named_tags(after)}:
        found.append("Whoever has a tag keeps it: a file is about events that come from now on.")
    return found


def _lacking(before: Account, after: Account, kit: KitLists) -> Iterator[str]:
    had = {tag_key(each.name) for each in named_tags(before)}
    tags = {tag_key(name) for name in kit.tags}
    for wish in named_tags(after):
        if tag_key(wish.name) not in had | tags:
            yield f"Kit has no tag {wish.name}{_hint(wish.name, kit.tags)} {_then(after, wish)}"
    named, labels = set(named_fields(before)), {field_key(label) for label in kit.fields}
    for name in named_fields(after):
        if name not in named and field_key(name) not in labels:
            yield f"Kit has no custom field {name}{_hint(name, kit.fields)} {_then(after)}"


def _hint(name: str, known: Iterable[str]) -> str:
    return suggestion(name, known, 0.8) or "."


def _then(after: Account, wish: TagWish | None = None) -> str:
    if wish is not None and not wish.present:
        return "So there is none to take off."
    if after.options.create_missing:
        return "It is made when it is needed first."
    return "Make it there: the file has create_missing: false, and such events would become dead letters."
