"""The tags and custom fields of one account: what may exist, under which name, without HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from worker.sandbox.records import CustomField, Tag, field_key, timestamp
from worker.sandbox.refusals import InvalidError
from worker.sandbox.tables import Table


class Tags(Table[Tag]):
    """An account's tags, each name at most once in any case."""

    def __init__(self, ids: Iterator[int]) -> None:
        super().__init__()
        self._ids = ids
        self._by_name: dict[str, int] = {}

    def named(self, name: str) -> Tag | None:
        """The tag of that name, compared without case."""
        tag_id = self._by_name.get(name.lower())
        return None if tag_id is None else self.rows[tag_id]

    def create(self, name: str, now: float) -> tuple[Tag, bool]:
        """The tag of that name and whether it was created by this call.

        Raises:
            InvalidError: the name is blank.
        """
        if not name.strip():
            raise InvalidError("Name can't be blank")
        existing = self.named(name)
        if existing is not None:
            return existing, False
        tag = Tag(next(self._ids), name, timestamp(now))
        self._by_name[name.lower()] = tag.id
        return self.put(tag, now), True

    def rename(self, tag_id: int, name: str, now: float) -> Tag:
        """Give a tag another name.

        Raises:
            NotFoundError: there is no such tag.
            InvalidError: the name is blank, or another tag's (Kit's text for the latter is not published).
        """
        tag = self.get(tag_id)
        if not name.strip():
            raise InvalidError("Name can't be blank")
        if self._by_name.get(name.lower(), tag_id) != tag_id:
            raise InvalidError("Name has already been taken")
        del self._by_name[tag.name.lower()]
        self._by_name[name.lower()] = tag_id
        return self.put(replace(tag, name=name), now)

    def delete(self, tag_id: int, now: float) -> None:
        """Delete a tag that exists; the subscribers' taggings are the account's to remove."""
        del self._by_name[self.get(tag_id).name.lower()]
        self.remove(tag_id, now)


class CustomFields(Table[CustomField]):
    """An account's custom fields, each label and each key at most once."""

    def __init__(self, ids: Iterator[int]) -> None:
        super().__init__()
        self._ids = ids
        self.by_key: dict[str, int] = {}

    def has(self, label: str) -> bool:
        """Whether there is a custom field with the key that this label makes."""
        return field_key(label) in self.by_key

    def keys_seen(self, now: float) -> Mapping[str, int]:
        """The fields' ids by their keys, as a list or a filter sees them at `now`."""
        seen = self.seen(now)
        return self.by_key if seen is self.rows else {row.key: row.id for row in seen.values()}

    def create(self, label: str, now: float) -> tuple[CustomField, bool]:
        """The custom field of that label and whether it was created by this call.

        Raises:
            InvalidError: the label is blank, or makes a key that another field has.
        """
        label = label.strip()
        key = self._key_for(label)
        holder = self.by_key.get(key)
        if holder is not None:
            return self._same_label(self.rows[holder], label), False
        field_id = next(self._ids)
        self.by_key[key] = field_id
        name = f"ck_field_{field_id}_{key}"
        return self.put(CustomField(field_id, name, key, label, timestamp(now)), now), True

    def relabel(self, field_id: int, label: str, now: float) -> CustomField:
        """Give a field another label: its key changes, its name remains.

        Raises:
            NotFoundError: there is no such field.
            InvalidError: the label is blank, or makes a key that another field has.
        """
        custom_field = self.get(field_id)
        label = label.strip()
        key = self._key_for(label)
        if self.by_key.get(key, field_id) != field_id:
            raise InvalidError("Key has already been taken")
        del self.by_key[custom_field.key]
        self.by_key[key] = field_id
        return self.put(replace(custom_field, key=key, label=label), now)

    def delete(self, field_id: int, now: float) -> None:
        """Delete a field that exists; its values vanish with it."""
        del self.by_key[self.get(field_id).key]
        self.remove(field_id, now)

    @staticmethod
    def _key_for(label: str) -> str:
        if not label:
            raise InvalidError("Label can't be blank")
        key = field_key(label)
        if not key:  # nothing of it is ASCII; Kit's text for this is not published
            raise InvalidError("Key can't be blank")
        return key

    @staticmethod
    def _same_label(custom_field: CustomField, label: str) -> CustomField:
        # Keys are unique in an account; a label that is another one, yet makes the same key, is taken to be
        # refused. Kit's text for this is not published.
        if custom_field.label.lower() != label.lower():
            raise InvalidError("Key has already been taken")
        return custom_field
