"""Results in a pipe are for programs: whole lines, nothing cut."""

from __future__ import annotations

import json
import sys

import pytest

from worker.commands.output import say, show, show_json, table, warn


def test_in_a_pipe_no_cell_is_cut_or_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a sentence of some length; " * 40

    show(table(("Short", "Long"), [("x", long), ("y", "z")]))

    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"x      {long}".rstrip()
    assert lines[2] == "y      z"


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    say("[bold]x[/bold]")
    show(table(("[a]",), [("[red]y",)]))

    assert capsys.readouterr().out == "[bold]x[/bold]\n[a]\n[red]y\n\n"


def test_json_keeps_letters_readable(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"name": "Marín"})

    out = capsys.readouterr().out
    assert "Marín" in out
    assert json.loads(out) == {"name": "Marín"}


def test_what_would_act_on_a_terminal_is_shown_as_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    """Given an event that somebody made to take over an operator's terminal."""
    say("\x1b[2Jgone\udc80\ttab")
    show(table(("\x07",), [("a\rb",)]))

    assert capsys.readouterr().out == "\\x1b[2Jgone\\udc80\ttab\n\\x07\na\\x0db\n\n"


def test_programs_get_what_it_was_and_terminals_only_see_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Given `--json` or `export` on a terminal, and an id that would act there."""
    value = {"id": "\x9b31m\u202e\x1b]0;x\x07"}
    show_json(value)
    show_json(value, indent=None)

    out = capsys.readouterr().out
    whole, last = out[: out.rindex("{")], out.splitlines()[-1]
    assert json.loads(whole) == json.loads(last) == value
    assert not set(out) & set("\x9b\u202e\x1b\x07")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_of_any_width_shows_all_of_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    """Given 40 columns, an id that must not be broken is there, and so is all beside it."""
    id_, why = "b9d3043a-884f-4eeb-8a9f-5e7e6ec68943", "not an email address"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))

    show(table(("Id", "Event", "Note", "Why"), [(id_, "order.paid", "", why)], whole=1))

    out = capsys.readouterr().out
    assert id_ in out
    assert ("Why: not an email address\n" in out, "Note: " in out) == (columns == 40, False)
    assert set(why.split()) < set(out.split())


def test_warnings_only_show_too(capsys: pytest.CaptureFixture[str]) -> None:
    warn("about \x1b]0;x\x07")

    assert capsys.readouterr().err == "about \\x1b]0;x\\x07\n"
