"""`kit-worker lint`, as an admin types it: with neither broker, nor Kit, nor a key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.commands.conftest import Command

SLIP = "kit: {api_key_env: KIT_API_KEY_MOON}\napp: moon\nevents:\n  user.updated: {add_tags: [New]}\n"
CLEAN = "kit: {api_key_env: KIT_API_KEY_MOON}\napp: moon\n"


def write(config_dir: Path, name: str, text: str) -> None:
    (config_dir / "accounts" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_it_shows_each_finding_in_a_line_and_ends_with_1(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, "moon", SLIP)

    ended = kit_worker("lint", "moon")

    assert ended.code == 1
    first, *rest = ended.out.splitlines()
    assert first.startswith(f"{config_dir}/accounts/moon.yaml:4:29: tags-everybody: user.updated comes with")
    assert rest == ["", "1 finding in moon. docs/lint.md says more of each rule."]
    assert not ended.err  # that the key is not there is no fault of the file


def test_two_formats_at_once_are_refused(kit_worker: Command) -> None:
    ended = kit_worker("lint", "--json", "--format", "sarif")

    assert (ended.code, ended.out) == (2, "")
    assert "--json is --format json, and --format sarif another one; say one" in ended.err


def test_a_clean_file_ends_with_0(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, "moon", CLEAN)

    ended = kit_worker("lint", "moon")

    assert (ended.code, ended.out) == (0, "Nothing found.\n")


def test_all_accounts_are_told_one_after_the_other(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, "moon", SLIP)

    ended = kit_worker("lint")

    assert ended.code == 1
    assert ended.out.index("moon.yaml") < ended.out.index("\n\n") < ended.out.index("sunny.yaml")
    assert "in 2 accounts" in ended.out


def test_a_file_that_cannot_be_read_ends_with_2_and_the_others_are_linted(
    kit_worker: Command, config_dir: Path
) -> None:
    write(config_dir, "moon", SLIP)
    write(config_dir, "sunny", "kit: {api_key_env: KIT_API_KEY}\nevent: {}\n")

    ended = kit_worker("lint")

    assert ended.code == 2
    assert "tags-everybody" in ended.out
    assert "sunny.yaml:2:1: event: unknown key; did you mean events?" in ended.err


def test_where_nothing_can_be_read_nothing_is_said_to_be_clean(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, "sunny", "kit: {api_key_env: KIT_API_KEY}\nevent: {}\n")

    ended = kit_worker("lint")

    assert (ended.code, ended.out) == (2, "")


def test_the_json_has_each_finding_and_what_cannot_be_read(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, "moon", SLIP)

    ended = kit_worker("lint", "moon", "--json")

    assert ended.out == kit_worker("lint", "moon", "--format", "json").out
    (found,) = json.loads(ended.out)["findings"]
    assert {name: found[name] for name in ("rule", "account", "line", "column")} == {
        "rule": "tags-everybody", "account": "moon", "line": 4, "column": 29,
    }  # fmt: skip
    assert found["file"] == f"{config_dir}/accounts/moon.yaml"
    assert json.loads(ended.out)["problems"] == []


def test_an_account_that_is_not_there_ends_with_2(kit_worker: Command) -> None:
    ended = kit_worker("lint", "suny")

    assert (ended.code, ended.err) == (2, "kit-worker: there is no account suny; did you mean sunny?\n")
