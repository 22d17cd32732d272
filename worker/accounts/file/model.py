"""The model of an account file: its parts, their types and names, and the JSON Schema for editors.

Each check of a single value stands at its type and raises a `ValueError` whose text is a sentence for the
admin. What concerns several values at once is in `cross_checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    WithJsonSchema,
)

from worker.accounts.file.kit_model import FilePart, KitPart
from worker.accounts.file.schema import finished, one_or_more, suggesting
from worker.accounts.file.source import Unclear
from worker.accounts.file.values import (
    APP_PATTERN,
    EVENT_PATTERN,
    PATH_PATTERN,
    check_app,
    check_event_type,
    check_name,
    check_text,
    check_value_name,
    check_when,
)
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import FIRST_NAME, MAX_NAME_LENGTH, Options


def _listed(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _switch(value: object) -> object:
    """Take YAML's `no` for what it can only mean here."""
    return value.value if isinstance(value, Unclear) and value.value is not None else value


AppName: TypeAlias = Annotated[StrictStr, AfterValidator(check_app)]
EventType: TypeAlias = Annotated[StrictStr, AfterValidator(check_event_type)]
ValueName: TypeAlias = Annotated[StrictStr, AfterValidator(check_value_name)]
TagName: TypeAlias = Annotated[
    StrictStr,
    AfterValidator(check_name),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME_LENGTH, "pattern": r"\S"}),
]
FieldName: TypeAlias = Annotated[
    StrictStr,
    AfterValidator(check_text),
    Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME_LENGTH, "pattern": r"\S"}),
]
"""A custom field's label or key; unlike a tag's name it has no placeholders."""

_APP_SCHEMA: Final = {"type": "string", "pattern": APP_PATTERN}
_WHEN_SCHEMA: Final = {"type": ["string", "number", "boolean"]}

Apps: TypeAlias = Annotated[
    list[AppName],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_APP_SCHEMA, unique=True)),
]
WhenValues: TypeAlias = Annotated[
    list[Annotated[Any, AfterValidator(check_when)]],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_WHEN_SCHEMA)),
]
Switch: TypeAlias = Annotated[StrictBool, BeforeValidator(_switch, json_schema_input_type=bool)]

_PLATFORM: Final = {name: f"The event's {path}." for name, path in PLATFORM_FIELDS.items()}
_EVENTS: Final = {
    kind: f"{handler.meaning[:1].upper()}{handler.meaning[1:]}." for kind, handler in HANDLERS.items()
}


class TagPart(FilePart):
    """A tag to add, and what becomes of the tags that this entry gave the same person before."""

    model_config = ConfigDict(title="Tag")

    tag: TagName = Field(title="Tag", description="The tag's name, with braces.")
    replaces: Switch = Field(
        default=False,
        title="Replaces",
        description="true: whatever else this entry gave the same person before is taken off.",
    )


def _spelled_out(value: object) -> object:
    """Take a bare name for a tag that replaces nothing."""
    return value if isinstance(value, dict) and value.keys() & TagPart.model_fields else {"tag": value}


AddedTag: TypeAlias = Annotated[
    TagPart, BeforeValidator(_spelled_out, json_schema_input_type=TagPart | TagName)
]


class _Tags(FilePart):
    add_tags: list[AddedTag] | None = Field(
        default=None,
        title="Tags to add",
        description=(
            "Tags to add. Braces are filled in from the event: any platform field, or a path such as "
            "data.user.locale. Without that value the tag is owed: the rest of the event is applied, and a "
            "dead letter names the tag. "
            "With replaces: true, what the same entry gave the person before is taken off."
        ),
        examples=[
            ["Active Member"],
            ["{mk_access_level} access"],
            [{"tag": "{mk_access_level} access", "replaces": True}],
        ],
    )
    remove_tags: list[TagName] | None = Field(
        default=None,
        title="Tags to remove",
        description="Tags to remove, before others are added. Braces are filled in from the event.",
        examples=[["Cancelled"]],
    )


class RulePart(_Tags):
    """Tags for those events only in which every line of `when` holds."""

    model_config = ConfigDict(
        title="Rule", json_schema_extra={"anyOf": [{"required": ["add_tags"]}, {"required": ["remove_tags"]}]}
    )

    when: dict[ValueName, WhenValues] = Field(
        min_length=1,
        title="When",
        description=(
            "Values that the event must have, all of them: one value or a list of which one must match. "
            "Compared to the letter, upper and lower case included."
        ),
        examples=[{"mk_subscription_plan": "Annual"}, {"data.user.locale": ["de", "fr"]}],
        json_schema_extra=suggesting(PATH_PATTERN, _PLATFORM),
    )


class EventPart(_Tags):
    """What one type of event does. It replaces the default of that type; `null` turns the type off."""

    model_config = ConfigDict(title="Event")

    rules: list[RulePart] | None = Field(
        default=None,
        title="Rules",
        description="Further tags under a condition. Each rule that matches adds its own; a later one wins.",
    )


class OptionsPart(FilePart):
    """How this account is kept."""

    model_config = ConfigDict(title="Options")

    subscriber_state: Literal["active", "inactive"] = Field(
        default=Options().subscriber_state,
        title="State of new subscribers",
        description="State of the people whom this worker creates in Kit.",
    )
    first_name: Literal["always", "if_created"] = Field(
        default=Options().first_name,
        title="First name",
        description="always: overwrite the first name in Kit. if_created: set it on new people only.",
    )
    create_missing: Switch = Field(
        default=Options().create_missing,
        title="Create what is missing",
        description=(
            "true: create tags and custom fields that Kit lacks. false: such events become dead letters."
        ),
    )
    max_created_tags: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=Options().max_created_tags,
        title="Most tags to create",
        description=(
            "How many tags placeholders may create in this account. After that, an event that needs another "
            "new tag becomes a dead letter."
        ),
    )


class AccountFile(FilePart):
    """One Kit account: whose events it takes, and what each of them does there."""

    model_config = ConfigDict(title="kit-worker account", extra="forbid", frozen=True)

    app: Apps = Field(
        default=[],
        title="App",
        description="Whose events: one app or a list. Without it, the events that name no app.",
        examples=["sunny-kitchen", ["sunny-kitchen", "moon-bakery"]],
    )
    kit: KitPart
    events: dict[EventType, EventPart | None] | None = Field(
        default=None,
        title="Events",
        description=(
            "What each type of event does. A type that is not listed keeps its default; null turns it off."
        ),
        json_schema_extra=suggesting(EVENT_PATTERN, _EVENTS),
    )
    fields: dict[ValueName, FieldName | None] | None = Field(
        default=None,
        title="Fields",
        description=(
            "Which value goes to which custom field in Kit, by its label or key. By default each platform "
            f"field goes to a custom field of the same name, and mk_first_name to {FIRST_NAME}, which means "
            "Kit's own first name. null: do not send it."
        ),
        examples=[
            {"mk_subscription_plan": "Subscription plan", "data.user.locale": "Locale", "mk_user_id": None}
        ],
        json_schema_extra=suggesting(PATH_PATTERN, _PLATFORM),
    )
    options: OptionsPart | None = Field(
        default=None, title="Options", description="How this account is kept."
    )


def account_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of account files, for editors and other programs."""
    return finished(AccountFile.model_json_schema())
