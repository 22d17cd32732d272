"""The model of an account file: its parts, their types and names, and the JSON Schema for editors.

Each check of a single value stands at its type and raises a `ValueError` whose text is a sentence for the
admin. What concerns several values at once is in `cross_checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictStr, WithJsonSchema

from worker.accounts.file.comparison_model import Switch, ValueName, listed
from worker.accounts.file.kit_model import FilePart, KitPart
from worker.accounts.file.rule_model import PLATFORM, EventPart, FieldName, State
from worker.accounts.file.schema import finished, one_or_more, suggesting
from worker.accounts.file.source import Unclear
from worker.accounts.file.timezones import check_timezone
from worker.accounts.file.values import APP_PATTERN, EVENT_PATTERN, PATH_PATTERN, check_app, check_event_type
from worker.handlers import HANDLERS
from worker.mapping import FIRST_NAME, Options
from worker.mapping.options import ANY, NEVER

AppName: TypeAlias = Annotated[StrictStr, AfterValidator(check_app)]
EventType: TypeAlias = Annotated[StrictStr, AfterValidator(check_event_type)]

_APP_SCHEMA: Final = {"type": "string", "pattern": APP_PATTERN}
_TYPE_SCHEMA: Final = {"type": "string", "pattern": EVENT_PATTERN}

Apps: TypeAlias = Annotated[
    list[AppName],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_APP_SCHEMA, unique=True)),
]
EventTypes: TypeAlias = Annotated[
    list[EventType],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_TYPE_SCHEMA, unique=True)),
]
ValueNames: TypeAlias = Annotated[
    list[ValueName],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more({"type": "string"}, unique=True)),
]

_EVENTS: Final = {
    kind: f"{handler.meaning[:1].upper()}{handler.meaning[1:]}." for kind, handler in HANDLERS.items()
}

Format: TypeAlias = Literal["date"]


class FieldPart(FilePart):
    """The custom field that a value goes to, and how it is written there."""

    model_config = ConfigDict(title="Field")

    field: FieldName = Field(title="Field", description="The custom field's label or key.")
    format: Format | None = Field(
        default=None, title="Format", description="date: the date of a time, in the account's time zone."
    )


def _field(value: object) -> object:
    """Take a bare name for a field to which the value goes as it is."""
    is_part = isinstance(value, dict) and value.keys() & FieldPart.model_fields
    return value if is_part or value is None else {"field": value}


class KitFieldPart(FilePart):
    """Where a custom field's value comes from: the first of these that the event has."""

    model_config = ConfigDict(title="Kit field")

    from_: ValueNames = Field(
        alias="from", title="From", description="One value or several; the first that is there is sent."
    )
    format: Format | None = Field(
        default=None, title="Format", description="date: the date of a time, in the account's time zone."
    )


def _kit_field(value: object) -> object:
    """Take one name, or a list of names, for the values alone."""
    return value if isinstance(value, dict) else {"from": value}


Target: TypeAlias = Annotated[
    FieldPart | None, BeforeValidator(_field, json_schema_input_type=FieldName | FieldPart | None)
]
Sources: TypeAlias = Annotated[
    KitFieldPart,
    BeforeValidator(_kit_field, json_schema_input_type=ValueNames | KitFieldPart),
]

WhenCompared: TypeAlias = Literal["off", "nightly"]
_AS_WRITTEN: Final = Literal["off", "nightly", False]


def _off(value: object) -> object:
    """Return what is meant by `off`, which YAML 1.1 takes for false."""
    said = value.value if isinstance(value, Unclear) else value
    return "off" if said is False else value


MOST_TAGGINGS: Final = 1_000_000
"""In an hour; more than Kit takes."""


class OptionsPart(FilePart):
    """How this account is kept."""

    model_config = ConfigDict(title="Options")

    subscriber_state: State = Field(
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
    max_new_taggings_per_hour: Annotated[int, Field(strict=True, ge=0, le=MOST_TAGGINGS)] | None = Field(
        default=Options().max_new_taggings_per_hour,
        title="Most new taggings an hour",
        description=(
            "How many tags may be newly put on people within an hour; more are held until somebody allows "
            "them. null: 1000, or a third of the account's people where that is less, but never under 100. "
            "0: all are held."
        ),
    )
    identity: Literal["user_id", "email"] = Field(
        default=Options().identity,
        title="Identity",
        description="What tells people apart: user_id, where an event has one, or email alone.",
    )
    address_changes: EventTypes = Field(
        default=list(Options().address_changes),
        title="Address changes",
        description=(
            f"The event types that may change a known person's address; {ANY}: all of them; {NEVER}: none."
        ),
    )
    timezone: Annotated[StrictStr, AfterValidator(check_timezone)] = Field(
        default="UTC",
        title="Time zone",
        description="Of dates, such as Europe/Berlin (IANA).",
        examples=["Europe/Berlin", "America/New_York"],
    )
    drift: Annotated[WhenCompared, BeforeValidator(_off, json_schema_input_type=_AS_WRITTEN)] = Field(
        default=Options().drift,
        title="Compare with Kit",
        description=(
            "nightly: every night, compare what this worker gave with what Kit has, and report it. "
            "off: only when somebody runs kit-worker drift."
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
    fields: dict[ValueName, Target] | None = Field(
        default=None,
        title="Fields",
        description=(
            "Which value goes to which custom field in Kit, by its label or key. By default each platform "
            f"field goes to a custom field of the same name, and mk_first_name to {FIRST_NAME}, which means "
            "Kit's own first name. null: do not send it."
        ),
        examples=[
            {"mk_subscription_plan": "Subscription plan", "data.user.locale": "Locale", "mk_user_id": None},
            {"mk_subscription_ends_at": {"field": "Ends", "format": "date"}},
        ],
        json_schema_extra=suggesting(PATH_PATTERN, PLATFORM),
    )
    kit_fields: dict[FieldName, Sources] | None = Field(
        default=None,
        title="Kit fields",
        description=(
            "The other way round: a custom field in Kit, and the values of which it receives the first that "
            "the event has. One value may go to several fields."
        ),
        examples=[{"Access until": {"from": ["mk_subscription_ends_at", "mk_access_expires_at"]}}],
    )
    options: OptionsPart | None = Field(
        default=None, title="Options", description="How this account is kept."
    )


def account_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of account files, for editors and other programs."""
    return finished(AccountFile.model_json_schema())
