"""An account's own examples on the page: whose they are, and no more than is quick."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.accounts.load import load_accounts
from worker.page import examples
from worker.page.examples import AccountExamples

SUNNY = "app: sunny\nkit: {api_key_env: KIT_API_KEY}\nevents: {user.signed_up: {add_tags: [New]}}\n"
TESTS = (
    "tests:\n  - name: one\n    events: [{at: 2027-01-01, type: user.signed_up}]\n    then: {tags: [New]}\n"
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "accounts").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "accounts" / "sunny.yaml").write_text(SUNNY)
    (tmp_path / "tests" / "sunny.yaml").write_text(TESTS)
    (tmp_path / "tests" / "gifts.yaml").write_text(f"account: sunny\n{TESTS.replace('New', 'Old')}")
    (tmp_path / "tests" / "moon.yaml").write_text(TESTS)
    return tmp_path


async def test_an_accounts_examples_are_run_and_told_in_a_sentence(config: Path) -> None:
    account = load_accounts(config, {}).accounts["sunny"]
    found = await AccountExamples(config).of(account)

    assert [file.path.name for file in found.files] == ["gifts.yaml", "sunny.yaml"]
    assert found.sentence == "Your tests: 1 hold, 1 would fail."


async def test_what_was_saved_meanwhile_is_read_again(config: Path) -> None:
    account, held = load_accounts(config, {}).accounts["sunny"], AccountExamples(config)
    await held.of(account)
    (config / "tests" / "gifts.yaml").write_text(f"account: moon\n{TESTS}")
    (config / "tests" / "sunny.yaml").write_text(TESTS + TESTS.removeprefix("tests:\n"))

    assert (await held.of(account)).sentence == "Your tests: 2 hold."


async def test_a_file_that_is_as_long_as_it_was_is_read_again(config: Path) -> None:
    account, held = load_accounts(config, {}).accounts["sunny"], AccountExamples(config)
    await held.of(account)
    gifts = config / "tests" / "gifts.yaml"
    gifts.write_text(gifts.read_text().replace("Old", "New"))
    os.utime(gifts, (1, 1))

    assert (await held.of(account)).sentence == "Your tests: 2 hold."


async def test_without_any_nothing_is_said(config: Path, tmp_path: Path) -> None:
    account = load_accounts(config, {}).accounts["sunny"]

    assert (await AccountExamples(tmp_path / "elsewhere").of(account)).sentence == ""


async def test_what_is_too_large_or_takes_too_long_is_left_to_the_command(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = load_accounts(config, {}).accounts["sunny"]
    size = (config / "tests" / "gifts.yaml").stat().st_size
    monkeypatch.setattr(examples, "MOST_BYTES", size)
    found = await AccountExamples(config).of(account)

    assert found.too_large == ("sunny.yaml",)
    assert found.sentence.endswith("more take too long for the page: kit-worker test runs all.")

    monkeypatch.setattr(examples, "WITHIN", 0.0)
    found = await AccountExamples(config).of(account)

    assert [file.left for file in found.files] == [1]
