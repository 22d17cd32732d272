"""Who may come in: signed texts, and what nobody else can write."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from worker.page.rights import SESSION_LASTS, Signer, Visitor, of_link, operator

NOW = 1_800_000_000.0
SIGNER = Signer(SecretStr("a secret that is long enough"))
ADMIN = Visitor("admin of sunny", "sunny", may_change=True, until=NOW + 60)


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def written_by_the_platform(secret: str, kind: str, value: object) -> str:
    """Write a signed text as docs/page.md says, with nothing but the standard library."""
    body = base64url(json.dumps(value).encode())
    key = hmac.new(secret.encode(), f"kit-worker {kind}".encode(), hashlib.sha256).digest()
    signature = base64url(hmac.new(key, body, hashlib.sha256).digest())
    return f"{body.decode()}.{signature.decode()}"


def test_what_was_written_is_read_until_it_ends() -> None:
    text = SIGNER.write_visitor("session", ADMIN)
    assert SIGNER.read_visitor("session", text, NOW) == ADMIN
    assert SIGNER.read_visitor("session", text, NOW + 60) is None


def test_the_platform_can_write_a_link() -> None:
    value = {"who": "Ann", "account": "sunny", "may_change": False, "until": NOW + 60}
    text = written_by_the_platform("a secret that is long enough", "link", value)
    assert SIGNER.read_visitor("link", text, NOW) == Visitor("Ann", "sunny", may_change=False, until=NOW + 60)


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
