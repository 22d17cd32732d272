"""The JSON Schema for editors says of a file of examples what the reader says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.unit.accounts.harness import SHIPPED
from tests.unit.accounts.test_cookbook import recipes
from worker.accounts.examples.read import read_examples
from worker.accounts.examples.schema import examples_schema

ONE = "tests:\n  - name: one\n    events: [{at: 2027-01-01, type: a.b%s}]\n    then: {tags: [x]%s}\n"


class AsEditors(yaml.SafeLoader):
    """Reads a date as text, as editors do, whose YAML is of 2009."""


AsEditors.yaml_implicit_resolvers = {
    letter: [each for each in found if each[0] != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def is_valid(text: str) -> bool:
    return Draft202012Validator(examples_schema()).is_valid(yaml.load(text, AsEditors))  # noqa: S506  # a safe one


def test_what_is_shipped_is_what_is_made() -> None:
    made = json.dumps(examples_schema(), indent=2, ensure_ascii=False) + "\n"

    is_current = (SHIPPED / "tests.schema.json").read_text(encoding="utf-8") == made

    assert is_current, "run make schema"
    Draft202012Validator.check_schema(examples_schema())


@pytest.mark.parametrize(
    "text",
    [
        (SHIPPED / "tests" / "default.yaml").read_text(encoding="utf-8"),
        *(recipe.tests for recipe in recipes()),
        ONE % (", app: null, data: {basket: null}, user.x: 5", ", due: [2027-01-01], dead: [1]"),
    ],
)
def test_what_the_reader_takes_the_schema_takes(text: str) -> None:
    assert read_examples(text, Path("a.yaml")).problems == ()
    assert is_valid(text)


@pytest.mark.parametrize(
    ("event", "then"),
    [(", tpye: x", ""), (", mk_plan: x", ""), (", user: x", ""), ("", ", tag: [x]"), ("", ", state: gone"),
     ("", ", dead: [{event: 1, reason: gone}]"), ("", ", fields: {}"), ("", ", due: [{what: x}]")],
)  # fmt: skip
def test_what_the_reader_refuses_the_schema_refuses(event: str, then: str) -> None:
    text = ONE % (event, then)

    assert read_examples(text, Path("a.yaml")).problems
    assert not is_valid(text)
