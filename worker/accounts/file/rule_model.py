"""The model of what an account file says about events: when something is done, and what."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema

from worker.accounts.file.comparison_model import Compared, Switch, ValueName, switch
from worker.accounts.file.comparisons import check_constant
from worker.accounts.file.kit_model import FilePart
from worker.accounts.file.schema import suggesting
from worker.accounts.file.values import PATH_PATTERN, check_name, check_text
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import MAX_NAME_LENGTH

ALL: Final = "all"


BARE: Final = "="
"""In place of a key, where a name stands alone; no file can have it there."""
_NAME: Final[dict[str, Any]] = {"minLength": 1, "maxLength": MAX_NAME_LENGTH, "pattern": r"\S"}

TagName: TypeAlias = Annotated[StrictStr, AfterValidator(check_name), Field(json_schema_extra=_NAME)]
FieldName: TypeAlias = Annotated[StrictStr, AfterValidator(check_text), Field(json_schema_extra=_NAME)]
"""A custom field's label or key; unlike a tag's name it has no placeholders."""
GroupName: TypeAlias = Annotated[StrictStr, AfterValidator(check_text), Field(json_schema_extra=_NAME)]
State: TypeAlias = Literal["active", "inactive"]

PLATFORM: Final = {name: f"The event's {path}." for name, path in PLATFORM_FIELDS.items()}


def _replaced(value: object) -> bool | str:
    """Return what a tag takes the place of: nothing, what the same entry gave, or what a group has."""
    wanted = switch(value)
    if isinstance(wanted, bool):
        return wanted
    if isinstance(wanted, str):
        return check_text(wanted)
    raise ValueError("must be the name of a group of tags, such as plan, or true")


Replaced: TypeAlias = Annotated[
    Any,
    AfterValidator(_replaced),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", **_NAME}]}),
]


class TagPart(FilePart):
    """A tag to add, what it replaces, and when it ends."""

    model_config = ConfigDict(title="Tag")

    tag: TagName = Field(title="Tag", description="The tag's name, with braces.")
    replaces: Replaced = Field(
        default=False,
        title="Replaces",
        description=(
            "The name of a group: people have one tag of it at a time, over all events. true: whatever else "
            "this entry gave the same person before is taken off."
        ),
    )
    until: ValueName | None = Field(
        default=None,
        title="Until",
        description="The value that says when the tag is taken off again, such as mk_access_expires_at.",
    )


def _added(value: object) -> object:
    """Take a bare name for a tag that replaces nothing."""
    return value if isinstance(value, dict) and value.keys() & TagPart.model_fields else {"tag": value}


AddedTag: TypeAlias = Annotated[TagPart, BeforeValidator(_added, json_schema_input_type=TagPart | TagName)]


class GroupPart(FilePart):
    """A group of tags of which none may stay."""

    model_config = ConfigDict(title="Group")

    group: GroupName = Field(title="Group", description="The name that stands behind replaces in add_tags.")


class RemovedPart(FilePart):
    """What is removed: a tag, all of a group, or everything that this worker gave."""

    tag: TagName = Field(default="", alias=BARE)
    group: GroupName = ""
    everything: bool = False


def _removed(value: object) -> object:
    """Take a bare name for a tag."""
    is_spelled_out = isinstance(value, RemovedPart) or (isinstance(value, dict) and set(value) == {"group"})
    return value if is_spelled_out else {BARE: value}


def _all_removed(value: object) -> object:
    return [RemovedPart(everything=True)] if value == ALL else value


RemovedTag: TypeAlias = Annotated[
    RemovedPart, BeforeValidator(_removed, json_schema_input_type=TagName | GroupPart)
]
RemovedTags: TypeAlias = Annotated[
    list[RemovedTag], BeforeValidator(_all_removed, json_schema_input_type=Literal["all"] | list[RemovedTag])
]
Constant: TypeAlias = Annotated[
    Any,
    AfterValidator(check_constant),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class EffectsPart(FilePart):
    """What is done with whom an event is about."""

    add_tags: list[AddedTag] | None = Field(
        default=None,
        title="Tags to add",
        description=(
            "Tags to add. Braces are filled in from the event: any platform field, or a path such as "
            "data.user.locale; of a list, one tag for each value. Without a value the tag is owed: the rest "
            "of the event is applied, and a dead letter names the tag. A default may stand behind a |."
        ),
        examples=[
            ["Active Member"],
            ["{mk_access_level|Basic} access"],
            [{"tag": "Plan {mk_subscription_plan}", "replaces": "plan"}],
            [{"tag": "{mk_access_level} access", "until": "mk_access_expires_at"}],
        ],
    )
    remove_tags: RemovedTags | None = Field(
        default=None,
        title="Tags to remove",
        description=(
            "Tags to remove, before others are added. Braces are filled in from the event. {group: …}: "
            "whatever the group gave. all: all tags that this worker gave."
        ),
        examples=[["Cancelled"], ["Active Member", {"group": "plan"}], "all"],
    )
    set_fields: dict[FieldName, Constant] | None = Field(
        default=None,
        title="Fields to set",
        description="Custom fields, by label or key, that are set to something fixed; null clears one.",
        examples=[{"Source": "app", "Cancelled on": None}],
    )
    clear_fields: Literal["all"] | None = Field(
        default=None,
        title="Fields to clear",
        description="all: all custom fields that this worker set are cleared, and no value is sent.",
    )
    unsubscribe: Switch | None = Field(
        default=None, title="Unsubscribe", description="true: the person gets no more mail from Kit."
    )
    skip: Switch | None = Field(default=None, title="Skip", description="true: nothing of the event is done.")
    create: Switch | None = Field(
        default=None, title="Create", description="false: only for people who are in Kit already."
    )
    subscriber_state: State | None = Field(
        default=None,
        title="State of new subscribers",
        description="State of the people whom this event creates in Kit, in place of the account's option.",
    )


DOES: Final = tuple(EffectsPart.model_fields)
"""The keys of which a rule needs one."""


class RulePart(EffectsPart):
    """What is done for those events only in which all of `when` holds, and none of `unless`."""

    model_config = ConfigDict(
        title="Rule",
        json_schema_extra={
            "allOf": [
                {"anyOf": [{"required": [name]} for name in DOES]},
                {"anyOf": [{"required": ["when"]}, {"required": ["unless"]}]},
            ]
        },
    )

    when: dict[ValueName, Compared] | None = Field(
        default=None,
        min_length=1,
        title="When",
        description=(
            "Values that the event must have, all of them: one value, a list of which one must match, or a "
            "comparison such as {above: 40}. Text is compared to the letter, numbers as numbers."
        ),
        examples=[
            {"mk_subscription_plan": "Annual"},
            {"data.user.locale": ["de", "fr"]},
            {"data.order.total": {"above": 40}},
        ],
        json_schema_extra=suggesting(PATH_PATTERN, PLATFORM),
    )
    unless: dict[ValueName, Compared] | None = Field(
        default=None,
        min_length=1,
        title="Unless",
        description="As when; the rule does not apply if any of these holds.",
        examples=[{"data.order.test": True}],
        json_schema_extra=suggesting(PATH_PATTERN, PLATFORM),
    )


class EventPart(EffectsPart):
    """What one type of event does. It replaces the default of that type; `null` turns the type off."""

    model_config = ConfigDict(title="Event")

    rules: list[RulePart] | None = Field(
        default=None,
        title="Rules",
        description="What is done under a condition. Each rule that matches adds its own; a later one wins.",
    )
    at: ValueName | None = Field(
        default=None,
        title="At",
        description="The value that says when the event takes effect, such as mk_subscription_ends_at.",
    )
    opens: Literal["subscription"] | None = Field(
        default=None, title="Opens", description="subscription: the event opens one, as subscription.started."
    )
    closes: Literal["subscription"] | None = Field(
        default=None,
        title="Closes",
        description="subscription: the event closes one, as subscription.canceled.",
    )


def keys(part: type[FilePart]) -> list[str]:
    """Return what may stand in a part, in the order in which it is told."""
    names = [info.alias or name for name, info in part.model_fields.items()]
    return sorted(names, key=("when", "unless", "add_tags", "remove_tags", "rules", *names).index)
