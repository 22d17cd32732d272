"""Who has an app or a secret that several account files claim."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.accounts.load.folder import write
from worker.accounts.claims import held_after, mark
from worker.accounts.load import Loaded, load_accounts

ENVIRON = {"KIT_A": "key-a", "KIT_B": "key-b", "KIT_C": "key-c", "KIT_A_TOO": "key-a"}


def account(app: str, secret: str, more: str = "") -> str:
    return f"app: {app}\nkit: {{api_key_env: {secret}}}\n{more}"


def read(folder: Path, held: dict[str, str] | None = None) -> tuple[Loaded, dict[str, str]]:
    """What is read, and who has what afterwards."""
    loaded = load_accounts(folder, ENVIRON, held or {})
    return loaded, held_after(held or {}, loaded.accounts)


@pytest.mark.parametrize(
    "claims",
    [account("sunny", "KIT_A"), account("[rainy, sunny]", "KIT_A"), account("rainy", "KIT_B"),
     account("rainy", "KIT_B_FILE").replace("_env: KIT_B_FILE", "_file: key")],
)  # fmt: skip
def test_who_had_it_keeps_it_and_its_edits_count(tmp_path: Path, claims: str) -> None:
    """Given a second file that claims the same, and comes first by name, the first one's edits count."""
    (tmp_path / "key").write_text("key-b")
    write(tmp_path, zeta=account("sunny", "KIT_B"))
    _, held = read(tmp_path)
    write(tmp_path, zeta=account("sunny", "KIT_B", "events: {order.paid: {}}\n"), alpha=claims)

    loaded, held = read(tmp_path, held)

    assert list(loaded.accounts) == ["zeta"]
    assert "order.paid" in loaded.accounts["zeta"].events
    assert f"{tmp_path}/accounts/zeta.yaml" in str(loaded.problems_of("alpha")[0])
    assert set(held.values()) == {"zeta"}


def test_without_a_memory_the_first_by_name_has_it(tmp_path: Path) -> None:
    write(tmp_path, zeta=account("sunny", "KIT_B"), alpha=account("sunny", "KIT_A"))

    loaded, _ = read(tmp_path)

    assert list(loaded.accounts) == ["alpha"]


def test_what_was_given_up_is_free_and_two_files_may_swap(tmp_path: Path) -> None:
    write(tmp_path, a=account("sunny", "KIT_A"), b=account("rainy", "KIT_B"))
    _, held = read(tmp_path)
    write(tmp_path, a=account("rainy", "KIT_B"), b=account("sunny", "KIT_A"))

    loaded, held = read(tmp_path, held)

    assert (loaded.problems, list(loaded.accounts)) == ((), ["a", "b"])
    assert (held[mark(("app", "rainy"))], held[mark(("app", "sunny"))]) == ("a", "b")


@pytest.mark.parametrize("broken", ["oops: 1\n", "app: [\n"])
def test_an_invalid_file_keeps_what_it_had_and_the_other_one_is_told_so(tmp_path: Path, broken: str) -> None:
    """Given a worker that starts with the file invalid, nobody else gets its app or its key."""
    write(tmp_path, old=account("sunny", "KIT_A"))
    _, held = read(tmp_path)
    write(tmp_path, old=account("sunny", "KIT_A") + broken, new=account("sunny", "KIT_B"))

    loaded, held = read(tmp_path, held)

    assert loaded.accounts == {}
    assert "old.yaml is invalid now, and keeps what it had: mend that file" in str(
        loaded.problems_of("new")[0]
    )
    assert set(held.values()) == {"old"}


def test_an_account_whose_new_file_is_refused_keeps_what_its_old_one_claimed(tmp_path: Path) -> None:
    """Given a claims b's app, and goes on by its old file, then c does not get what a has."""
    write(tmp_path, a=account("sunny", "KIT_A"), b=account("rainy", "KIT_B"))
    _, held = read(tmp_path)
    write(tmp_path, a=account("rainy", "KIT_A"), c=account("sunny", "KIT_C"))

    loaded, held = read(tmp_path, held)

    assert list(loaded.accounts) == ["b"]
    assert held[mark(("app", "sunny"))] == "a"


def test_a_file_that_is_gone_keeps_nothing(tmp_path: Path) -> None:
    write(tmp_path, old=account("sunny", "KIT_A"))
    _, held = read(tmp_path)
    (tmp_path / "accounts/old.yaml").unlink()
    write(tmp_path, new=account("sunny", "KIT_A"))

    loaded, held = read(tmp_path, held)

    assert list(loaded.accounts) == ["new"]
    assert set(held.values()) == {"new"}


def test_what_an_account_no_longer_names_is_not_kept_for_it(tmp_path: Path) -> None:
    write(tmp_path, a=account("[sunny, rainy]", "KIT_A"))
    _, held = read(tmp_path)
    write(tmp_path, a=account("sunny", "KIT_A"))
    _, held = read(tmp_path, held)
    write(tmp_path, a="app: [\n", b=account("rainy", "KIT_B"))

    loaded, _ = read(tmp_path, held)

    assert list(loaded.accounts) == ["b"]


def test_no_secret_can_be_read_from_what_is_remembered(tmp_path: Path) -> None:
    write(tmp_path, a=account("sunny", "KIT_A"))

    _, held = read(tmp_path)

    assert all(len(each) == 64 for each in held)
    assert "key-a" not in str(held)
