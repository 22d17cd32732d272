"""The tool that runs what the README shows: what it takes for a command, and that a failure shows."""

from pathlib import Path

import pytest

from scripts.readme_commands import Block, DocumentError, find_blocks, main, run_block

DOCUMENT = """\
# Title

```console
$ make install
$ kit-worker preview subscription.started \\
    --set user.email=ada@example.com
Tag  Active Member   + added
$ kit-worker publish - <<END
> {"type": "user.signed_up"}
> END
```

<!-- not run in CI: needs Docker -->

```console
$ docker compose up
```

```yaml
app: sunny-kitchen
```

1. In a list:

   ~~~console
   $ make help
   ~~~
"""


def test_commands_are_told_from_output_and_keep_their_continuation_lines() -> None:
    """Given blocks of several kinds, only lines with a prompt, and what continues them, are commands."""
    first, docker, listed = find_blocks(DOCUMENT, "README.md")

    assert first == Block(
        "README.md:3",
        (
            "make install",
            "kit-worker preview subscription.started \\\n--set user.email=ada@example.com",
            'kit-worker publish - <<END\n{"type": "user.signed_up"}\nEND',
        ),
    )
    assert docker == Block("README.md:15", ("docker compose up",), not_run_because="needs Docker")
    assert listed == Block("README.md:25", ("make help",))


def test_a_marker_holds_for_one_block_alone() -> None:
    """Given a marked block and another behind it, the other runs."""
    text = "<!-- not run in CI: slow -->\n```console\n$ a\n```\n```console\n$ b\n```\n"
    assert [block.not_run_because for block in find_blocks(text, "x")] == ["slow", None]


@pytest.mark.parametrize("language", ["sh", "bash", "shell"])
def test_shell_code_without_prompts_is_refused_since_it_would_never_run(language: str) -> None:
    """Given a block marked as shell code, the message says how to mark it."""
    with pytest.raises(DocumentError, match=r"x:1: a block marked .* mark it 'console'"):
        find_blocks(f"```{language}\nmake\n```\n", "x")


def test_a_block_without_an_end_is_refused() -> None:
    with pytest.raises(DocumentError, match="x:1: this block has no end"):
        find_blocks("```console\n$ make\n", "x")


def test_a_block_runs_in_one_shell_and_stops_at_the_first_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Given a failing command between two others, the first has run with its variables, the last has not."""
    block = Block("x:1", ("who=Ada", "echo Hello, $who", "false", "touch never"))

    assert run_block(block, tmp_path, seconds=10) == "x:1: exit code 1."

    assert "$ echo Hello, $who\nHello, Ada\n" in capfd.readouterr().out
    assert not (tmp_path / "never").exists()


def test_a_command_with_quotes_is_shown_as_it_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_block(Block("x:1", ("echo 'it is' \"100%\"",)), tmp_path, seconds=10) is None
    assert capfd.readouterr().out == "$ echo 'it is' \"100%\"\nit is 100%\n"


def test_a_block_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """Given a program that would wait for ever, it is told to end, and may tidy up before it does."""
    (tmp_path / "waiting").write_text("trap 'sleep 0.2; touch tidied; exit' TERM\nsleep 60 & wait\n")

    failure = run_block(Block("x:1", ("sh waiting",)), tmp_path, seconds=0.5)

    assert failure == "x:1: still running after 0.5 s."
    assert (tmp_path / "tidied").exists()


def test_a_document_passes_when_its_commands_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a good block and one that cannot run, the good one runs, the other is listed."""
    document = tmp_path / "README.md"
    document.write_text(
        "```console\n$ true\n```\n<!-- not run in CI: needs Docker -->\n```console\n$ docker ps\n```\n"
    )

    assert main([str(document)]) == 0

    said = capsys.readouterr().out
    assert "not run: README.md:5: docker ps (needs Docker)" in said
    assert said.endswith("1 blocks passed, 0 failed\n")


def test_a_document_whose_command_fails_does_not_pass(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("```console\n$ true\n```\n```console\n$ false\n```\n")
    assert main([str(document)]) == 1


def test_a_document_without_commands_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a README in which nothing is marked as a command, the check does not silently check nothing."""
    document = tmp_path / "README.md"
    document.write_text("Nothing here.\n")
    assert main([str(document)]) == 2
    assert "no command to run" in capsys.readouterr().err
