"""A rule of an event, as a form of the page has it: one condition, tags to add and tags to take off. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from worker.accounts.edit.render import inline

GIVEN: Final = "given"
NOT_GIVEN: Final = "not given"
SIZES: Final = ("above", "at_least", "below", "at_most")
HOW: Final = ("is", "not", *SIZES, "like", GIVEN, NOT_GIVEN)
"""How a form compares a value."""

_KNOWN: Final = frozenset({"when", "add_tags", "remove_tags"})
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule.

    Attributes:
        at: Its place in the file's list; None where it is new.
        name: Of the value that is compared.
        how: One of `HOW`.
        values: With what.
        adds: Tags to add.
        removes: Tags to take off.
        is_gone: Whether it is to be taken out.
        kept: What the file says there, where a form cannot say it; it stays, and the rest here is empty.
        has_more: Whether the file's rule does more than a form shows; that stays.
    """

    at: int | None
    name: str = ""
    how: str = "is"
    values: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    is_gone: bool = False
    kept: str = ""
    has_more: bool = False

    @property
    def says_something(self) -> bool:
        """Whether anything is filled in."""
        return bool(self.name.strip() or self.values or self.adds or self.removes)

    @property
    def needs_values(self) -> bool:
        """Whether it compares with something."""
        return self.how not in (GIVEN, NOT_GIVEN)


def sayable(said: object) -> bool:
    """Tell whether a value is a text that comes back from a box of a form as it was."""
    return isinstance(said, str) and bool(said) and said == said.strip() and said.isprintable()


def named(said: object) -> str:
    """Return a value of a file in one line, for people."""
    return inline(said)


def row_of_rule(at: int, rule: object) -> RuleRow:
    """Return a rule as a form has it; one that a form cannot say is kept."""
    condition = _condition(rule)
    if condition is None or not isinstance(rule, Mapping):
        return RuleRow(at, kept=named(rule))
    name, how, values = condition
    tags = [rule.get(key) or [] for key in ("add_tags", "remove_tags")]
    if not all(isinstance(each, list) and all(map(sayable, each)) for each in tags):
        return RuleRow(at, kept=named(rule))
    adds, removes = map(tuple, tags)
    return RuleRow(
        at, name, how, tuple(map(_text, values)), adds, removes, has_more=bool(rule.keys() - _KNOWN)
    )


def _condition(rule: object) -> tuple[str, str, list[Any]] | None:
    """Return the only condition of a rule: whose value is compared, how, and with what."""
    when = rule.get("when") if isinstance(rule, Mapping) and "unless" not in rule else None
    if not isinstance(when, Mapping) or len(when) != 1 or not all(map(sayable, when)):
        return None
    ((name, said),) = when.items()
    if not isinstance(said, Mapping):
        return _checked(name, "is", said)
    if len(said) != 1:
        return None
    ((how, wanted),) = said.items()
    if how == "present":
        return (name, GIVEN if wanted else NOT_GIVEN, []) if isinstance(wanted, bool) else None
    return _checked(name, how, wanted) if how in HOW and how != "is" else None


def _checked(name: str, how: str, said: object) -> tuple[str, str, list[Any]] | None:
    values = said if isinstance(said, list) else [said]
    is_fine = bool(values) and all(isinstance(each, bool | int | float) or sayable(each) for each in values)
    return (name, how, values) if is_fine else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def rule_of(row: RuleRow, there: object) -> object:
    """Return what a file says by a row.

    Args:
        row: As somebody has filled it in.
        there: What the file said at its place; None where it is new.
    """
    before = there if isinstance(there, Mapping) else {}
    if row.at is not None and before and row_of_rule(row.at, before) == row:
        return there
    condition = {row.name.strip(): _compared(row, before)} if row.name.strip() else {}
    said = {"when": condition, "add_tags": list(row.adds), "remove_tags": list(row.removes)}
    rule = {name: of for name, of in before.items() if name not in said or said[name]}
    return {**rule, **{name: of for name, of in said.items() if of}}


def _compared(row: RuleRow, before: Mapping[str, Any]) -> object:
    condition = _condition(before)
    as_before = {_text(value): value for value in condition[2]} if condition else {}
    values = [as_before[text] if text in as_before else _value(text) for text in row.values]
    if row.how in (GIVEN, NOT_GIVEN):
        return {"present": row.how == GIVEN}
    said = values[0] if len(values) == 1 else values
    return said if row.how == "is" else {row.how: said}


def _value(text: str) -> object:
    """Return what somebody has typed: a number compares as one, and is the text that looks like it, too."""
    text = text.strip()
    return json.loads(text) if _NUMBER.fullmatch(text) else text
