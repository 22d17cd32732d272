"""`kit-worker page-link`: an address for the admin of one account."""

from __future__ import annotations

import time

import pytest
from pydantic import SecretStr

from tests.unit.commands.conftest import Command
from worker.page.rights import Signer, Visitor

SECRET = "what-signs-links-and-sessions"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGE_SECRET", SECRET)


def meant(address: str) -> Visitor:
    """Return what a link says."""
    text = address.strip().rpartition("/link/")[2]
    found = Signer(SecretStr(SECRET)).read_visitor("link", text, time.time())
    assert found is not None
    return found


def test_a_link_lets_the_admin_of_one_account_in_for_a_week(kit_worker: Command) -> None:
    ended = kit_worker("page-link", "sunny")

    assert ended.code == 0
    assert ended.out.startswith("http://127.0.0.1:8090/link/")
    link = meant(ended.out)
    assert (link.who, link.account, link.may_change) == ("admin of sunny", "sunny", True)
    assert link.until == pytest.approx(time.time() + 7 * 24 * 3600, abs=60)


def test_a_link_may_be_for_looking_alone_for_other_days_and_elsewhere(kit_worker: Command) -> None:
    words = ("--read-only", "--days", "1", "--address", "https://kit.example.com/")
    ended = kit_worker("page-link", "sunny", *words)

    assert ended.out.startswith("https://kit.example.com/link/")
    assert not meant(ended.out).may_change
    assert meant(ended.out).until == pytest.approx(time.time() + 24 * 3600, abs=60)


def test_there_is_no_link_for_an_account_that_is_not_there(kit_worker: Command) -> None:
    ended = kit_worker("page-link", "suny")

    assert (ended.code, ended.out) == (2, "")
    assert "did you mean sunny?" in ended.err


def test_without_a_secret_nobody_could_read_a_link(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAGE_SECRET")

    ended = kit_worker("page-link", "sunny")

    assert (ended.code, "PAGE_SECRET is not set" in ended.err) == (2, True)
