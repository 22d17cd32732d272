"""Commands run within the test's own process, as typed: their output, and the code they exit with."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest
import structlog

from worker.cli import main

ACCOUNT = """\
kit: {api_key_env: KIT_API_KEY}
events:
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules:
      - {when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}
      - {when: {mk_subscription_plan: [Monthly, Weekly]}, add_tags: [Short Plan]}
  user.signed_up: null
fields: {mk_subscription_plan: Subscription plan}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Command: TypeAlias = Callable[..., Ended]


@pytest.fixture
def config_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one account, `sunny`, which the commands read; there is no `.env` and no secret."""
    (tmp_path / "accounts").mkdir()
    (tmp_path / "accounts" / "sunny.yaml").write_text(ACCOUNT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("AMQP_URL", "amqp://guest:very-secret@127.0.0.1:1/")  # nobody listens there
    return tmp_path


@pytest.fixture
def kit_worker(
    config_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Call it with the words after `kit-worker`."""
    assert config_dir.exists()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def run(*words: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["kit-worker", *words])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Ended(int(end.value.code or 0), captured.out, captured.err)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
