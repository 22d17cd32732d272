"""How commands end: the codes are a contract, and nobody sees a traceback."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from worker import errors
from worker.cli import COMMANDS, command_line
from worker.commands.exits import ExitCode, UsageError, exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError([]), 2),
        (UsageError("what?"), 2),
        (errors.TopologyMismatch(), 2),
        (errors.CredentialRefused(), 3),
        (errors.BrokerUnavailable(), 4),
        (errors.LedgerUnavailable(), 4),
        (errors.KitUnavailable(), 4),
        (errors.HandlerError(), 1),
    ],
)
def test_each_kind_of_error_has_its_code(error: errors.KitWorkerError, code: int) -> None:
    assert exit_code(error) == code


def test_the_codes_are_those_of_the_contract() -> None:
    assert {name: int(code) for name, code in ExitCode.__members__.items()} == {
        "OK": 0, "FAILED": 1, "SOMETHING": 1, "CONFIGURATION": 2, "CREDENTIAL_REFUSED": 3, "UNREACHABLE": 4,
        "NEEDS_A_PERSON": 5, "DEAD_LETTER": 6, "INTERRUPTED": 130, "PIPE_CLOSED": 141,
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", [["nonsense"], ["preview", "--what"], ["check", "--what"], ["sandbox", "--port", "x"]]
)
def test_a_slip_in_the_command_line_ends_with_2_and_the_usage(kit_worker: Command, words: list[str]) -> None:
    ended = kit_worker(*words)

    assert ended.code == 2
    assert "Usage: kit-worker" in ended.err
    assert not ended.out


def test_a_wrong_setting_is_named_without_its_value(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFETCH", "secret-text")
    monkeypatch.setenv("KIT_TIMEOUT", "0")

    ended = kit_worker("check")

    assert ended.code == 2
    assert "kit-worker: PREFETCH: " in ended.err
    assert "kit-worker: KIT_TIMEOUT: " in ended.err
    assert "secret-text" not in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["dead-letters", "list"],
        ["dead-letters", "show", "x"],
        ["dead-letters", "replay", "--all"],
        ["dead-letters", "discard", "--all", "--yes"],
        ["dead-letters", "export"],
        ["remove", "gone"],
        ["publish", "event.json"],
        ["demo"],
    ],
)
def test_without_a_broker_a_command_says_so_in_one_sentence_and_ends_with_4(
    kit_worker: Command, config_dir: Path, words: list[str]
) -> None:
    (config_dir / "event.json").write_text(
        '{"type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}', encoding="utf-8"
    )

    ended = kit_worker(*words)

    assert ended.code == 4
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("kit-worker: amqp://guest:***@127.0.0.1:1/")
    assert "very-secret" not in ended.err


def test_run_without_a_valid_file_prints_every_problem_and_ends_with_2(
    kit_worker: Command, config_dir: Path
) -> None:
    (config_dir / "accounts" / "sunny.yaml").write_text("kit: {}\nevent: {}\n", encoding="utf-8")

    ended = kit_worker("run")

    assert ended.code == 2
    problems = [line for line in ended.err.splitlines() if line.startswith("kit-worker: ")]
    assert len(problems) == 2
    assert all("sunny.yaml:" in problem for problem in problems)


def test_ctrl_c_is_quiet_and_ends_with_130(kit_worker: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.commands.remove.begin", lambda: interrupt(0))

    ended = kit_worker("remove", "gone")

    assert (ended.code, ended.out, ended.err) == (130, "", "")


def test_every_command_explains_itself(kit_worker: Command) -> None:
    """Given any command, `--help` ends with 0 and says something about each option."""
    groups = {
        group.name: group.typer_instance for group in command_line().registered_groups if group.typer_instance
    }
    names: list[list[str]] = [[name] for name in COMMANDS if name not in groups]
    for group, instance in groups.items():
        names += [
            [str(group), each.name or each.callback.__name__]
            for each in instance.registered_commands
            if each.callback
        ]

    for name in names:
        ended = kit_worker(*name, "--help")

        assert ended.code == 0
        assert f"Usage: kit-worker {' '.join(name)}" in ended.out


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("check", "02345"), ("explain", "01246"), ("lint", "01234"), ("test", "012"), ("impact", "0124"),
        ("apply", "0124"), ("allow", "0124"), ("backfill plan", "0124"), ("backfill run", "0124"),
        ("backfill stop", "024"), ("backfill undo", "024"), ("backfill as-csv", "024"), ("drift", "0124"),
        ("publish", "024"), ("dead-letters", "024"),
    ],
)  # fmt: skip
def test_help_names_the_codes_with_which_a_command_ends(kit_worker: Command, words: str, codes: str) -> None:
    told = " ".join(kit_worker(*words.split(), "--help").out.partition("Exit code: ")[2].split())
    assert "".join(re.findall(r"\b(\d) [a-zK]", told.partition(".")[0])) == codes


@pytest.mark.parametrize(
    ("words", "imported"),
    [(["--version"], []), (["schema", "account"], ["schema"]), (["resume", "--help"], ["pause"])],
)
def test_whoever_asks_for_one_command_waits_for_no_other(words: list[str], imported: list[str]) -> None:
    """All commands together take a second to import."""
    tell = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", f"{tell}; from worker.cli import main; main()", *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    modules = done.stderr.split()
    assert [name for name in set(COMMANDS.values()) if f"worker.commands.{name}" in modules] == imported


@pytest.mark.parametrize("words", [[], ["run"], ["check", "sunny"], ["dead-letters", "list"], ["schema"]])
def test_every_command_tells_the_version_and_does_nothing_else(
    kit_worker: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a setting that is wrong, of which each would complain, the version is told all the same."""
    monkeypatch.setenv("PREFETCH", "0")

    done = kit_worker(*words, "--version")

    assert (done.code, done.out, done.err) == (0, f"kit-worker {version('kit-worker')}\n", "")
