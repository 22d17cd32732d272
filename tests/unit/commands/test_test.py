"""`kit-worker test`, as an admin types it: with neither broker, nor Kit, nor a key."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.commands.conftest import Command

HOLDS = """\
tests:
  - name: a year is a year
    events: [{at: 2027-01-01, type: subscription.started, mk_subscription_plan: Annual}]
    then: {tags: [Active Member, Annual Plan], fields: {Subscription plan: Annual}}
"""
FAILS = """\
  - name: a month is a year
    events: [{at: 2027-01-01, type: subscription.started, mk_subscription_plan: Monthly}]
    then: {tags: [Active Member, Annual Plan]}
"""


def write(config_dir: Path, text: str, name: str = "sunny") -> Path:
    (config_dir / "tests").mkdir(exist_ok=True)
    path = config_dir / "tests" / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_where_all_hold_it_ends_with_0(kit_worker: Command, config_dir: Path) -> None:
    path = write(config_dir, HOLDS)

    ended = kit_worker("test")

    assert (ended.code, ended.out) == (0, f"{path}:2: ok: a year is a year\n\n1 test, 0 failed\n")
    assert not ended.err  # that the key is not there is no fault of an example


def test_where_one_does_not_the_difference_is_shown_and_it_ends_with_1(
    kit_worker: Command, config_dir: Path
) -> None:
    path, account = write(config_dir, HOLDS + FAILS), config_dir / "accounts" / "sunny.yaml"

    ended = kit_worker("test", str(path))

    assert ended.code == 1
    assert ended.out.splitlines()[1:] == [
        f"{path}:5: FAILED: a month is a year",
        f"  {path}:7: at 2027-01-01T00:00:00Z, ada@example.com: - is to be so, + is so",
        "    - tag Annual Plan",
        f"    + tag Short Plan (given by event 1, subscription.started, rule 2, {account}:8)",
        "    event 1: subscription.started applied",
        "",
        "2 tests, 1 failed",
    ]


def test_programs_get_the_same(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, HOLDS + FAILS)

    ended = kit_worker("test", "--json")
    first, second = json.loads(ended.out)["tests"]

    assert ended.code == 1
    assert (first["holds"], first["looks"], first["account"]) == (True, [], "sunny")
    assert (second["line"], second["looks"][0]["missing"]) == (5, [{"what": "tag Annual Plan", "why": ""}])


def test_a_file_that_is_wrong_ends_with_2_and_the_others_are_run(
    kit_worker: Command, config_dir: Path
) -> None:
    write(config_dir, HOLDS)
    path = write(config_dir, HOLDS.replace("then:", "than:"), "wrong")

    ended = kit_worker("test")

    assert ended.code == 2
    assert "ok: a year is a year" in ended.out
    assert f"{path}:4:5: tests[1].than: unknown key; did you mean then?" in ended.err


def test_only_those_of_one_account_are_run_where_that_is_asked(kit_worker: Command, config_dir: Path) -> None:
    write(config_dir, HOLDS)
    write(config_dir, f"account: rainy\n{HOLDS}", "others")
    text = "kit: {api_key_env: KIT_API_KEY_RAINY}\napp: rainy\n"
    (config_dir / "accounts" / "rainy.yaml").write_text(text, encoding="utf-8")

    assert kit_worker("test", "--account", "sunny").out.endswith("\n1 test, 0 failed\n")
    assert "did you mean sunny?" in kit_worker("test", "--account", "suny").err


def test_without_any_it_says_where_they_go(kit_worker: Command, config_dir: Path) -> None:
    ended = kit_worker("test")

    assert ended.code == 2
    assert f"there are no examples: {config_dir}/tests holds no file" in ended.err
