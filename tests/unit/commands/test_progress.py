"""Bars are for a person at a terminal, for what takes a while, and on standard error alone."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from worker.commands import progress as bars
from worker.commands.output import say
from worker.commands.progress import Counted, Steps, progress
from worker.dead_letters.own_id import read_letter
from worker.dead_letters.selection import Selection
from worker.events.delivery import Delivery

COMMANDS = Path(bars.__file__).parent

Terminal: TypeAlias = Callable[[], Callable[[], str]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Call it to make standard error a terminal; what it returns tells, in the end, what was shown."""
    master, slave = os.openpty()
    file = os.fdopen(slave, "w")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")

    def shown() -> str:
        file.write("\0")
        file.flush()
        seen = b""
        while not seen.endswith(b"\0"):
            seen += os.read(master, 65536)
        return seen.decode()[:-1]

    def become() -> Callable[[], str]:
        monkeypatch.setattr(sys, "stderr", file)  # not before: pytest's own is put there before each test
        return shown

    yield become
    monkeypatch.undo()
    file.close()
    os.close(master)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bar waits: it is there before the work begins."""

    class NoTimer:
        def __init__(self, _: float, function: Callable[[], None]) -> None:
            self.start = function

        def cancel(self) -> None: ...

        join = cancel

    monkeypatch.setattr(bars, "Timer", NoTimer)


@pytest.mark.usefixtures("at_once")
def test_a_person_sees_what_is_under_way_and_how_far_it_has_come(
    terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given results that are printed meanwhile, they go where they were sent, and the bar goes in the end."""
    shown = terminal()
    with progress("looking at \x1b[31mletters") as steps:
        steps.expect(2)
        steps.expect(1)
        for _ in steps.over("ab"):
            say("a result")

    seen = shown()
    assert "looking at \\x1b[31mletters" in seen
    assert "2/3" in seen
    assert "a result" not in seen
    assert seen.rstrip("\r\n").endswith(("\x1b[2K", "\x1b[?25h"))
    assert capsys.readouterr().out == "a result\na result\n"


@pytest.mark.parametrize("hidden", [True, False])
def test_what_is_quick_or_for_programs_shows_nothing(terminal: Terminal, *, hidden: bool) -> None:
    shown = terminal()
    with progress("looking", hidden=hidden) as steps:
        steps.expect(1)
        steps.step()

    assert "looking" not in shown()


@pytest.mark.usefixtures("at_once")
def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("looking") as steps:
        assert steps == Steps()
        assert list(steps.over("ab")) == ["a", "b"]

    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("at_once")
def test_ctrl_c_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    shown = terminal()
    with pytest.raises(KeyboardInterrupt), progress("looking"):
        raise KeyboardInterrupt

    seen = shown()
    assert "looking" in seen
    assert "0/" not in seen  # nobody said of how many
    assert seen.count("\x1b[?25l") == seen.count("\x1b[?25h") == 1  # the cursor is hidden, and back


def test_counting_changes_no_selection(terminal: Terminal) -> None:
    terminal()
    letter = read_letter(Delivery(b"{}", "sunny", {"message_id": "letter-1"}, {}, tag=1), "sunny")
    with progress("looking") as steps:
        counted = Counted(Selection(ids=frozenset({"letter-1"})), steps)
        assert [
            counted.matches(each) for each in (letter, replace(letter, id="other", event_id="other"))
        ] == [True, False]
        assert steps.bar
        assert steps.bar.tasks[0].completed == 2


@pytest.mark.parametrize("name", ["check", "dead_letters", "demo", "forget", "publish"])
def test_what_may_take_long_shows_how_far_it_has_come(name: str) -> None:
    """Given a command that asks services, or works through many things, it has a bar around that."""
    tree = ast.parse((COMMANDS / f"{name}.py").read_text(encoding="utf-8"))
    assert [
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "progress"
    ]
