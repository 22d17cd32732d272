"""Every recipe of docs/cookbook.md, run: its file, its events, and what the person then has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.accounts.harness import KIT, parse
from tests.unit.subscribers.people_core import Life
from worker.events.event import Event, OrderKey
from worker.mapping import Operator
from worker.mapping.words import in_words, name_of, text_of

COOKBOOK: Final = (Path(__file__).parents[3] / "docs/cookbook.md").read_text(encoding="utf-8")
FIRST_DAY: Final = datetime(2027, 1, 1, 12, tzinfo=UTC)
SECONDS_PER_LINE: Final = 60
ADA: Final = {"email": "ada@example.com", "id": "u1"}
BLOCK: Final = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
WORD: Final = re.compile(r'([\w.]+)=("[^"]*"|\[[^\]]*\]|\S+)')
NONE: Final = "none"


@dataclass(frozen=True)
class Recipe:
    """A recipe: what it says, its file, and its examples."""

    title: str
    file: str
    words: list[str]
    examples: list[str]


def recipes() -> list[Recipe]:
    """Return all recipes of the document."""
    found = []
    for section in COOKBOOK.split("\n## ")[1:]:
        blocks = BLOCK.findall(section)
        words = BLOCK.sub("", section).split("\n")[1:]
        files = [text for kind, text in blocks if kind == "yaml"]
        assert len(files) == 1, f"{section.splitlines()[0]}: one file"
        examples = [text for kind, text in blocks if kind == "text"]
        found.append(Recipe(section.splitlines()[0], files[0], [line for line in words if line], examples))
    return found


EXAMPLES: Final = [
    pytest.param(recipe.file, example, id=f"{recipe.title} {number}")
    for recipe in recipes()
    for number, example in enumerate(recipe.examples, 1)
]


def data_of(line: str) -> dict[str, Any]:
    """Return the data that `a.b=value …` stands for, about Ada."""
    data: dict[str, Any] = {"user": dict(ADA)}
    for path, text in WORD.findall(line):
        *folders, name = path.split(".")
        inside = data
        for folder in folders:
            inside = inside.setdefault(folder, {})
        inside[name] = _value(text)
    return data


def _value(text: str) -> Any:  # noqa: ANN401  # any JSON
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def seen(life: Life, wanted: str) -> str:
    """Return what the person has, written like what is wanted, with the fields that are named there."""
    kit = life.kit
    if not kit.exists:
        return "nobody"
    names = [name for name, colon, _ in (part.partition(": ") for part in wanted.split("; ")[1:]) if colon]
    fields = [f"{name}: {kit.fields.get(name, NONE)}" for name in names]
    states = {"cancelled": ["unsubscribed"], "inactive": ["inactive"]}.get(kit.state, [])
    tags = wanted.split("; ", maxsplit=1)[0].split(", ")
    inside = [tag for tag in tags if tag in kit.tags] + sorted(kit.tags - set(tags))
    return "; ".join([", ".join(inside) or "nothing", *_in_order([*fields, *states], wanted)])


def _in_order(parts: list[str], wanted: str) -> list[str]:
    return sorted(parts, key=lambda part: wanted.find(part.partition(": ")[0]))


def lines_of(example: str) -> Iterator[tuple[int, str, str]]:
    """Yield of each line its day, its event, and what is wanted behind it; either may be empty."""
    day = 1
    for line in example.splitlines():
        said, _, wanted = line.partition("→ ")
        if found := re.match(r"day (\d+)\s+", said):
            day, said = int(found[1]), said[found.end() :]
        yield day, said.strip(), wanted


@pytest.mark.parametrize(("file", "example"), EXAMPLES)
def test_every_recipe_does_what_it_says(file: str, example: str) -> None:
    """Given a recipe's file and its events, each on its day, the person has what stands behind the arrow."""
    life = Life(parse(KIT + file))
    for number, (day, said, wanted) in enumerate(lines_of(example)):
        time = FIRST_DAY + timedelta(days=day - 1, seconds=number * SECONDS_PER_LINE)
        life.waits_until(time)
        if said:
            kind, _, rest = said.partition(" ")
            life.hears(Event(kind, time, OrderKey("", time, number), data_of(rest), id=f"event-{number}"))
        if wanted:
            assert seen(life, wanted) == wanted, f"day {day}"


def test_there_are_twenty_recipes_each_with_three_lines_and_an_example() -> None:
    found = recipes()

    assert len(found) >= 20
    assert {recipe.title: len(recipe.words) for recipe in found} == {recipe.title: 3 for recipe in found}
    assert all("→" in example for recipe in found for example in recipe.examples)
    assert all(recipe.examples for recipe in found)


def test_the_contents_are_as_numbered() -> None:
    numbers = [int(recipe.title.split(".")[0]) for recipe in recipes()]

    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("recipe", [pytest.param(each, id=each.title) for each in recipes()])
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
