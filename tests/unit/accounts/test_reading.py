"""The account files of a running worker, read again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.accounts.harness import KEY, KIT
from tests.unit.accounts.load.folder import write
from worker.accounts.reading import AccountFiles
from worker.errors import ConfigurationError, Problem
from worker.settings import ENV_FILE, environment


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIT_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def files(folder: Path = Path()) -> AccountFiles:
    return AccountFiles(folder, environment, ENV_FILE)


def not_utf8() -> None:
    ENV_FILE.write_bytes(b"KIT_API_KEY=caf\xe9\n")


def a_folder() -> None:
    ENV_FILE.unlink()
    ENV_FILE.mkdir()


@pytest.mark.parametrize(("become", "place"), [(not_utf8, ".env:1:16: "), (a_folder, ".env:1:1: ")])
def test_an_environment_that_cannot_be_read_any_more_is_told_and_its_old_values_stay(
    become: Callable[[], None], place: str
) -> None:
    """Given a .env that becomes unreadable, then an account that is edited goes on with its key."""
    ENV_FILE.write_text(f"KIT_API_KEY={KEY}\n")
    write(Path(), default=KIT)
    watched = files()
    before = watched.read().accounts["default"]
    become()
    write(Path(), default=f"{KIT}events: {{order.paid: {{}}}}\n")

    loaded = watched.read()

    (problem,) = loaded.problems
    assert str(problem).startswith(place)
    assert loaded.problems_of("default") == ()
    assert loaded.accounts["default"].credential == before.credential is not None
    assert "order.paid" in loaded.accounts["default"].events


def test_a_worker_does_not_begin_with_an_environment_that_cannot_be_read() -> None:
    not_utf8()

    with pytest.raises(ConfigurationError, match="not UTF-8"):
        files()


def test_a_new_environment_counts_once_it_can_be_read() -> None:
    ENV_FILE.write_text("")
    write(Path(), default=KIT)
    watched = files()
    assert watched.read().accounts["default"].credential is None
    ENV_FILE.write_text(f"KIT_API_KEY={KEY}\n")

    assert watched.read().accounts["default"].credential is not None


def saved() -> None:
    write(Path(), default=f"{KIT}events: {{}}\n")


def new_key() -> None:
    Path("key").write_text("another")


def new_environment() -> None:
    ENV_FILE.write_text("KIT_API_KEY=another\n")


@pytest.mark.parametrize("change", [saved, new_environment, new_key])
async def test_what_changes_while_the_worker_starts_is_noticed(
    change: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a change after the files were read, and before anybody watches them, then it is told."""
    monkeypatch.setattr("worker.accounts.watch.EVERY", 0.0)
    ENV_FILE.write_text(f"KIT_API_KEY={KEY}\n")
    Path("key").write_text("first")
    write(Path(), default=KIT, other="app: other\nkit: {api_key_file: key}\n")
    watched = files()
    watched.read()
    watch = watched.watch() if change is new_key else None
    change()

    await (watch or watched.watch()).changed()


def test_who_had_it_before_the_worker_began_keeps_it() -> None:
    ENV_FILE.write_text("KIT_A=a\nKIT_B=b\n")
    write(Path(), zeta="app: sunny\nkit: {api_key_env: KIT_A}\n")
    earlier = files()
    earlier.read()
    write(Path(), alpha="app: sunny\nkit: {api_key_env: KIT_B}\n")
    later = files()
    assert list(later.read().accounts) == ["alpha"]  # as long as nobody knows better

    assert list(later.read_again(earlier.held).accounts) == ["zeta"]
    assert later.held == earlier.held


def test_files_with_secrets_that_others_may_read_are_told_once() -> None:
    ENV_FILE.write_text("")
    Path("key").write_text(KEY)
    Path("own").write_text("another")
    ENV_FILE.chmod(0o644)
    Path("key").chmod(0o660)
    Path("own").chmod(0o600)
    write(Path(), a="app: a\nkit: {api_key_file: key}\n", b="app: b\nkit: {access_token_file: own}\n")
    watched = files()
    watched.read()

    told = watched.newly_exposed()

    assert [problem.where for problem in told] == [".env", "key"]
    said = (
        "others than its owner may use it (mode 0660); chmod 600 key, and let it belong to the worker's user"
    )
    assert told[1] == Problem("key", f"holds secrets, and {said}")
    assert watched.newly_exposed() == []
    Path("own").chmod(0o604)
    assert [problem.where for problem in watched.newly_exposed()] == ["own"]


def test_a_text_that_is_not_saved_yet_is_checked_as_if_it_were(tmp_path: Path) -> None:
    """Given another file's app, its events are as little this file's as when both are read."""
    folder = tmp_path / "accounts"
    folder.mkdir()
    (folder / "sunny.yaml").write_text(KIT)
    (folder / "rainy.yaml").write_text("app: rainy\nkit: {api_key_env: KIT_RAINY}\n")
    files = AccountFiles(tmp_path, lambda: {"KIT_API_KEY": "k" * 20}, tmp_path / ".env")
    files.read()
    assert files.path_of("sunny") == folder / "sunny.yaml"

    fine = files.draft("sunny", f"\ufeff{KIT}events:\n  order.paid.moon: null\n")
    wrong = files.draft("sunny", f"{KIT}events:\n  user.signed_up.rainy: {{}}\n")

    assert fine.account is not None
    assert (fine.account.credential is not None, fine.problems) == (True, ())
    assert (wrong.account, "whose events go to" in str(wrong.problems[0])) == (None, True)
    assert (folder / "sunny.yaml").read_text() == KIT
