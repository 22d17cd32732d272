"""Who may come in: signed texts, and what nobody else can write."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from worker.page.rights import SESSION_LASTS, Signer, Visitor, of_link, operator

NOW = 1_800_000_000.0
SIGNER = Signer(SecretStr("a secret that is long enough"))
ADMIN = Visitor("admin of sunny", "sunny", may_change=True, until=NOW + 60)


GUIDE = Path(__file__).parents[3] / "docs/page.md"


def of_the_guide() -> Callable[..., str]:
    """Return the function with which docs/page.md has the platform write links."""
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Callable[..., str]] = {}
    exec(code, names)  # noqa: S102  # our own guide's
    return names["link"]


def test_what_was_written_is_read_until_it_ends() -> None:
    text = SIGNER.write_visitor("session", ADMIN)
    assert SIGNER.read_visitor("session", text, NOW) == ADMIN
    assert SIGNER.read_visitor("session", text, NOW + 60) is None


def test_the_platform_can_write_a_link() -> None:
    now = time.time()
    link = of_the_guide()("a secret that is long enough", "sunny", "Ann", may_change=False, days=1)
    found = SIGNER.read_visitor("link", link.removeprefix("/link/"), now)
    assert found is not None
    assert (found.who, found.account, found.may_change) == ("Ann", "sunny", False)
    assert found.until == pytest.approx(now + 24 * 3600, abs=60)


def test_a_text_is_for_one_thing_only() -> None:
    """A link that leaked from a log is no cookie, and a message is neither."""
    link = SIGNER.write_visitor("link", ADMIN)
    assert SIGNER.read_visitor("session", link, NOW) is None
    assert SIGNER.read_visitor("link", SIGNER.write("message", ["good", "so", ""]), NOW) is None


def test_another_secret_reads_nothing() -> None:
    text = Signer(SecretStr("another secret, as long")).write_visitor("session", ADMIN)
    assert SIGNER.read_visitor("session", text, NOW) is None


@given(st.integers(0, 200), st.characters(codec="utf-8"))
def test_no_sign_of_a_text_can_be_changed(place: int, sign: str) -> None:
    text = SIGNER.write_visitor("session", ADMIN)
    at = place % len(text)
    changed = text[:at] + sign + text[at + 1 :]
    found = SIGNER.read_visitor("session", changed, NOW)
    # The last sign of Base64 may stand for the same bytes; whatever is read was written so.
    assert found is None or found == ADMIN


@given(st.text())
def test_any_other_text_is_nobodys(text: str) -> None:
    assert SIGNER.read_visitor("session", text, NOW) is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "operator",
        {"who": "Ann"},
        {"who": "Ann", "account": 7, "may_change": True, "until": NOW + 60},
        {"who": "Ann", "account": "sunny", "may_change": True, "until": None},
        {"who": "Ann", "account": "sunny", "may_change": True, "until": float("nan")},
    ],
)
def test_what_says_less_than_all_lets_nobody_in(value: object) -> None:
    assert SIGNER.read_visitor("link", SIGNER.write("link", value), NOW) is None


def test_a_session_from_a_link_ends_with_the_link() -> None:
    assert of_link(ADMIN, NOW).until == NOW + 60
    long = replace(ADMIN, until=NOW + 10 * SESSION_LASTS)
    assert of_link(long, NOW).until == NOW + SESSION_LASTS


def test_operators_see_all_accounts_and_admins_one() -> None:
    assert operator(may_change=False, now=NOW).may_see("sunny")
    assert ADMIN.may_see("sunny")
    assert not ADMIN.may_see("rainy")
