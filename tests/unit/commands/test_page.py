"""`kit-worker page` starts only where it is closed to strangers."""

from __future__ import annotations

import pytest

from tests.unit.commands.conftest import Command

TOKEN = "a-token-of-the-page-long-enough"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "kit.example.com"])  # noqa: S104
def test_where_others_reach_it_a_token_is_required(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("PAGE_HOST", host)

    ended = kit_worker("page")

    assert ended.code == 2
    assert f"PAGE_TOKEN: has to be set, since others reach {host}" in ended.err


def test_a_token_to_look_alone_would_let_everybody_do_everything(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGE_READ_TOKEN", TOKEN)

    ended = kit_worker("page")

    assert (ended.code, "PAGE_TOKEN: has to be set, too" in ended.err) == (2, True)


@pytest.mark.parametrize("name", ["PAGE_TOKEN", "PAGE_READ_TOKEN", "PAGE_SECRET"])
def test_what_is_soon_guessed_is_no_secret(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "a-short-one")

    ended = kit_worker("page")

    assert ended.code == 2
    assert f"{name}: must have at least 24 characters" in ended.err
    assert "a-short-one" not in ended.err
