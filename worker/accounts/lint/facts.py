"""What the rules of lint look at: an account, and where in its file each thing stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

from worker.accounts.account import Account
from worker.accounts.file.source import Source, YamlPath, read_yaml
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.lint.last_events import LastEvents
from worker.accounts.lint.spelling import plain
from worker.handlers.base import path_of
from worker.mapping import EventMapping, Rule, Template
from worker.mapping.template import placeholder

_PIECES: Final = re.compile(r"(\{[^{}]*\})")


class Block(NamedTuple):
    """An event's own lists, or one of its rules.

    Attributes:
        kind: The event's type.
        number: 0 for the event's own lists, else the rule's number, from 1.
        rule: What it says.
        path: Where that stands; of a default, where it would stand.
        mapping: The whole of the event.
    """

    kind: str
    number: int
    rule: Rule
    path: YamlPath
    mapping: EventMapping

    @property
    def id(self) -> tuple[str, int]:
        """The event's type and the rule's number."""
        return self.kind, self.number


class TagPlace(NamedTuple):
    """A tag that is added or removed somewhere.

    Attributes:
        key: Equal for tags that are one in Kit, and for equal placeholders, whatever their defaults.
    """

    key: str
    template: Template
    block: Block
    path: YamlPath

    @property
    def words(self) -> str:
        """Its name as it is written, but for what stands in braces."""
        return _words(self.template)

    @property
    def group(self) -> str:
        """The group of tags to which it belongs; empty where it belongs to none."""
        return self.template.replaces if isinstance(self.template.replaces, str) else ""


class AccountText:
    """An account, the text of its file, and where in that things stand.

    Args:
        account: As the file describes it.
        text: Of the file.
    """

    def __init__(self, account: Account, text: str) -> None:
        self.account = account
        self.text = text.removeprefix("\ufeff")

    @cached_property
    def source(self) -> Source:
        """Where everything stands in the file."""
        return read_yaml(self.text)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """What each event does, listed or by default, and each of its rules."""
        return tuple(_blocks(self.account.events.items()))

    @cached_property
    def added(self) -> tuple[TagPlace, ...]:
        """All tags that are added."""
        return tuple(place for block in self.blocks for place in _added(block))

    @cached_property
    def removed(self) -> tuple[TagPlace, ...]:
        """All tags that are removed by their names."""
        return tuple(place for block in self.blocks for place in self._removed(block))

    def is_listed(self, path: YamlPath) -> bool:
        """Tell whether something stands in the file; what is so by default does not."""
        return path in self.source.spots

    def line(self, path: YamlPath) -> int:
        """Return the line of a value."""
        return self.source.spot(path).line

    def _removed(self, block: Block) -> Iterator[TagPlace]:
        path = (*block.path, "remove_tags")
        count = len(block.rule.remove_tags) + len(block.rule.remove_groups)
        # Groups stand in the same list.
        indices = (at for at in range(count) if (*path, at, "group") not in self.source.spots)
        for index, template in zip(indices, block.rule.remove_tags, strict=False):
            yield TagPlace(same_tag(template.text), template, block, (*path, index))


class AllAccounts:
    """All accounts together.

    Args:
        accounts: Those whose files are right.
    """

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.accounts = tuple(accounts)

    @cached_property
    def spellings(self) -> Mapping[str, tuple[str, str]]:
        """How most accounts write a tag, and the first one that does so, by the tag's plain name."""
        found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for account in self.accounts:
            tags = {tag.words: plain(tag.key) for tag in AccountText(account, "").added}
            for words, name in tags.items():
                found[name][words].append(account.name)
        usual = {name: max(spelled.items(), key=lambda each: len(each[1])) for name, spelled in found.items()}
        return {name: (words, names[0]) for name, (words, names) in usual.items()}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account.

    Attributes:
        file: The account, and the text of its file.
        accounts: All accounts there are; None where only this one is known.
        kit: What its Kit account has; None where Kit was not asked.
        events: Which came last; None where the ledger was not asked.
    """

    file: AccountText
    accounts: AllAccounts | None = None
    kit: AtKit | None = None
    events: LastEvents | None = None

    @property
    def counts(self) -> AtKit | None:
        """The same as `kit`, where Kit says how many people have each tag."""
        return self.kit if self.kit is not None and self.kit.has_counts else None


def _words(tag: Template) -> str:
    return "".join("{}" if piece.startswith("{") else piece for piece in _PIECES.split(tag.text))


def same_tag(text: str) -> str:
    """Return what is equal for tags that are one in Kit; of placeholders, only their names count."""
    pieces = _PIECES.split(text.strip())
    return "".join(_filled(piece) if piece.startswith("{") else piece.lower() for piece in pieces)


def _filled(piece: str) -> str:
    return f"{{{path_of(placeholder(piece[1:-1]).name)}}}"


def _blocks(events: Iterable[tuple[str, EventMapping]]) -> Iterator[Block]:
    for kind, mapping in events:
        yield Block(kind, 0, mapping.base, ("events", kind), mapping)
        for index, rule in enumerate(mapping.rules):
            yield Block(kind, index + 1, rule, ("events", kind, "rules", index), mapping)


def _added(block: Block) -> Iterator[TagPlace]:
    for index, template in enumerate(block.rule.add_tags):
        yield TagPlace(same_tag(template.text), template, block, (*block.path, "add_tags", index))
