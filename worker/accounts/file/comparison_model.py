"""The model of `when` and `unless` in an account file: how the values of an event are compared."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StrictBool, StrictStr, WithJsonSchema

from worker.accounts.file.comparisons import (
    check_compared,
    check_number,
    check_operators,
    check_pattern,
    check_when,
)
from worker.accounts.file.kit_model import FilePart
from worker.accounts.file.schema import one_or_more
from worker.accounts.file.source import Unclear
from worker.accounts.file.values import check_value_name


def listed(value: object) -> object:
    """Take one value for a list of it."""
    return value if isinstance(value, list) else [value]


def switch(value: object) -> object:
    """Take YAML's `no` for what it can only mean here."""
    return value.value if isinstance(value, Unclear) and value.value is not None else value


_SCALAR: Final = {"type": ["string", "number", "boolean"]}
_PATTERN: Final = {"type": "string", "pattern": r"\*"}

ValueName: TypeAlias = Annotated[StrictStr, AfterValidator(check_value_name)]
Switch: TypeAlias = Annotated[StrictBool, BeforeValidator(switch, json_schema_input_type=bool)]

Values: TypeAlias = Annotated[
    list[Annotated[Any, AfterValidator(check_when)]],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_SCALAR)),
]
OtherValues: TypeAlias = Annotated[
    list[Annotated[Any, AfterValidator(check_compared)]],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_SCALAR)),
]
Patterns: TypeAlias = Annotated[
    list[Annotated[Any, AfterValidator(check_pattern)]],
    BeforeValidator(listed),
    Field(min_length=1),
    WithJsonSchema(one_or_more(_PATTERN)),
]
Limit: TypeAlias = Annotated[Any, AfterValidator(check_number), WithJsonSchema({"type": "number"})]


class ComparisonPart(FilePart):
    """How a value of the event is compared; where several lines stand here, all of them must hold."""

    model_config = ConfigDict(title="Comparison", json_schema_extra={"minProperties": 1})

    is_: Values = Field(
        default=[], alias="is", title="Is", description="The value, or one of several values."
    )
    not_: OtherValues = Field(
        default=[], alias="not", title="Not", description="None of these; no value is not these either."
    )
    above: Limit = Field(default="", title="Above", description="A number greater than this one.")
    at_least: Limit = Field(default="", title="At least", description="A number not less than this one.")
    below: Limit = Field(default="", title="Below", description="A number less than this one.")
    at_most: Limit = Field(default="", title="At most", description="A number not greater than this one.")
    present: Switch | None = Field(
        default=None, title="Present", description="Whether there is a value at all."
    )
    like: Patterns = Field(
        default=[], title="Like", description='A text in which * stands for anything, such as "VIP*".'
    )


Compared: TypeAlias = Annotated[
    ComparisonPart, BeforeValidator(check_operators, json_schema_input_type=ComparisonPart | Values)
]
