"""Reading files that a person has named, whatever is there instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.errors import ConfigurationError
from worker.files import NoSecretError, read_secret, read_start, read_text, secret_named


def test_a_text_loses_its_byte_order_mark_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("\ufeffä\r\n", encoding="utf-8", newline="")

    assert read_text(tmp_path / "file", "a list") == "ä\r\n"


def test_what_stands_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert read_text(tmp_path / "file", "a list", if_absent="none") == "none"
    with pytest.raises(ConfigurationError, match=r"\(No such file or directory\); correct its name"):
        read_text(tmp_path / "file", "a list")


def test_where_a_byte_is_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one\nt\xc3\xa4\xff")

    with pytest.raises(ConfigurationError, match=":2:3: this is not UTF-8 text"):
        read_text(tmp_path / "file", "a list")


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    """Given a pipe that nobody writes to, reading it would never end."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="it is not a file"):
        read_start(tmp_path / "pipe", 10)
    with pytest.raises(ConfigurationError, match="put a file in its place"):
        read_text(tmp_path / "pipe", "a list", if_absent="none")


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")

    assert read_start(tmp_path / "file", 2) == b"ab"


# -- secrets -----------------------------------------------------------------------------------------------


def test_a_secret_is_in_the_variable_or_in_the_file_that_another_one_names(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("\ufeff in the file \r\n", encoding="utf-8")
    file = {"NAME_FILE": str(tmp_path / "file")}

    assert secret_named("NAME", {"NAME": " here "}, "password") == "here"
    assert secret_named("NAME", {"NAME": "", **file}, "password") == "in the file"
    assert secret_named("NAME", {"NAME_FILE": ""}, "password") == ""
    with pytest.raises(NoSecretError, match="NAME and NAME_FILE are both set; take one of them out"):
        secret_named("NAME", {"NAME": "here", **file}, "password")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist; write the password into it, or correct the path"),
        (b" \n", "is empty; write the password into it"),
        (b"secret \xe9", "is not UTF-8 text; write the password alone into it"),
        (b"secret" * 700, "is larger than 4 KiB; write the password alone into it"),
    ],
)
def test_a_file_without_a_usable_secret_is_named_and_not_repeated(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)

    with pytest.raises(NoSecretError) as caught:
        read_secret(tmp_path / "file", "password")

    assert str(caught.value) == f"the file {tmp_path}/file {said}"


def test_a_folder_in_place_of_a_secret(tmp_path: Path) -> None:
    with pytest.raises(NoSecretError, match="cannot be read \\(it is not a file\\)"):
        read_secret(tmp_path, "password")
