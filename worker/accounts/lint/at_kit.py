"""What rules of lint look at besides the file: what one Kit account has, and what names have meant in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from worker.kit.names import Shift, shifts
from worker.subscribers.known import KitName
from worker.subscribers.parts import tag_key


class TagAtKit(NamedTuple):
    """A tag in Kit; `people` is how many active subscribers have it, None where Kit does not say."""

    id: int
    name: str
    people: int | None = None


class FieldAtKit(NamedTuple):
    """A custom field in Kit."""

    id: int
    key: str
    label: str


@dataclass(frozen=True)
class AtKit:
    """What one Kit account has.

    Attributes:
        tags: All of them.
        fields: All custom fields.
        meant: What the names in the account's file have meant so far, as the ledger knows it.
        created_tags: How many tags placeholders have created; None where the ledger does not say.
    """

    tags: tuple[TagAtKit, ...] = ()
    fields: tuple[FieldAtKit, ...] = ()
    meant: tuple[KitName, ...] = ()
    created_tags: int | None = None

    @property
    def has_counts(self) -> bool:
        """Whether Kit says how many people have each tag."""
        return all(tag.people is not None for tag in self.tags)

    @cached_property
    def tag_by_key(self) -> Mapping[str, TagAtKit]:
        """The tags, as Kit compares their names."""
        return {tag_key(tag.name): tag for tag in self.tags}

    @cached_property
    def field_by_name(self) -> Mapping[str, FieldAtKit]:
        """The custom fields, by each name that the worker finds them by."""
        found = {field.label.lower(): field for field in self.fields}
        found |= {field.label: field for field in self.fields}
        return found | {field.key: field for field in self.fields}

    def field(self, name: str) -> FieldAtKit | None:
        """Return the custom field with that key or label; None where Kit has none."""
        return self.field_by_name.get(name) or self.field_by_name.get(name.lower())

    @cached_property
    def renamed(self) -> Mapping[tuple[str, str], Shift]:
        """What is called otherwise in Kit by now, by kind and by the name that meant it."""
        tags = shifts(
            (one for one in self.meant if one.kind == "tags"),
            lambda name: self.tag_by_key[name].id if name in self.tag_by_key else None,
            {tag.id: tag.name for tag in self.tags},
        )
        fields = shifts(
            (one for one in self.meant if one.kind == "custom_fields"),
            lambda name: found.id if (found := self.field(name)) else None,
            {field.id: field.label for field in self.fields},
        )
        return {(one.was.kind, one.was.name): one for one in (*tags, *fields)}

    def has_tag(self, name: str) -> bool:
        """Tell whether a name means a tag there, under whatever name."""
        return tag_key(name) in self.tag_by_key or ("tags", tag_key(name)) in self.renamed

    def has_field(self, name: str) -> bool:
        """Tell whether a name means a custom field there, under whatever name."""
        return self.field(name) is not None or ("custom_fields", name) in self.renamed
