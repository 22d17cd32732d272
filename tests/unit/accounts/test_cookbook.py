"""Every recipe of docs/cookbook.md, run as `kit-worker test` runs it: its file, and its tests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.unit.accounts.harness import KIT, parse
from worker.accounts.examples.read import read_examples
from worker.mapping import Operator
from worker.mapping.words import in_words, name_of, text_of
from worker.ops.examples.files import results_in

COOKBOOK: Final = (Path(__file__).parents[3] / "docs/cookbook.md").read_text(encoding="utf-8")
BLOCK: Final = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """A recipe: what it says, its file, and its tests."""

    title: str
    file: str
    words: list[str]
    tests: str


def recipes() -> list[Recipe]:
    """Return all recipes of the document."""
    found = []
    for section in COOKBOOK.split("\n## ")[1:]:
        title = section.splitlines()[0]
        words = BLOCK.sub("", section).split("\n")[1:]
        blocks = BLOCK.findall(section)
        assert [kind for kind, _ in blocks] == ["yaml", "yaml"], f"{title}: one file, and its tests"
        (_, file), (_, tests) = blocks
        found.append(Recipe(title, file, [line for line in words if line], tests))
    return found


RECIPES: Final = [pytest.param(each, id=each.title) for each in recipes()]


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_does_what_its_tests_say(recipe: Recipe) -> None:
    """Given a recipe's file, its tests hold, as `kit-worker test` tells it to whoever copies both."""
    file = read_examples(recipe.tests, Path("recipe.yaml"))
    text = KIT + recipe.file

    result = results_in(file, parse(text), text)

    assert not result.problems
    assert result.results
    assert [each for each in result.results if not each.holds] == []


def test_there_are_twenty_recipes_each_with_three_lines() -> None:
    found = recipes()

    assert len(found) >= 20
    assert {recipe.title: len(recipe.words) for recipe in found} == {recipe.title: 3 for recipe in found}


def test_the_contents_are_as_numbered() -> None:
    numbers = [int(recipe.title.split(".")[0]) for recipe in recipes()]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_words_for_a_recipe_name_all_that_it_names(recipe: Recipe) -> None:
    """Given any recipe, each tag, group, custom field and value of its events is in what people are told."""
    for kind, mapping in parse(KIT + recipe.file).events.items():
        told = [text_of(sentence) for sentence in in_words(mapping)]
        assert len(told) == 1 + len(mapping.rules) + bool(mapping.at), kind
        for rule, sentence in zip((mapping.base, *mapping.rules), told, strict=False):
            named = [*rule.set_fields, *rule.remove_groups, *filter(None, rule.set_fields.values())]
            for template in (*rule.add_tags, *rule.remove_tags):
                named += [piece for piece in re.split(r"\{[^{}]*\}", template.text) if piece.strip()]
                named += [name_of(name) for name in (*template.placeholders, template.until) if name]
            for condition in (*rule.when, *rule.unless):
                named.append(name_of(condition.name))
                named += () if condition.operator is Operator.PRESENT else condition.values
            assert [name for name in named if name not in sentence] == [], f"{kind}: {sentence}"
