"""The question to a creator, and what comes back: only an answer to that very question counts."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from tests.clocks import StandingClock
from worker.clock import Clock
from worker.kit.auth.consent import (
    VALID_FOR,
    Consent,
    ConsentError,
    DeclinedError,
    Granted,
    tenant_name,
)
from worker.kit.auth.endpoint import authorize_url
from worker.kit.credentials import OAuthApp

APP = OAuthApp(SecretStr("the-client"), SecretStr("the-client-secret"))
PUBLIC = OAuthApp(SecretStr("the-client"))
REDIRECT = "http://localhost:8976/callback"
KIT = "https://api.kit.com"
KEY = SecretStr("the-ledger-key")
CLOCK = StandingClock()


def consent(
    account: str = "sunny",
    app: OAuthApp = PUBLIC,
    redirect: str = REDIRECT,
    key: SecretStr = KEY,
    clock: Clock = CLOCK,
) -> Consent:
    return Consent(app, account, redirect, key, f"tenant-{account}", clock)


def state(question: Consent, nonce: str = "nonce") -> str:
    return parse_qs(urlsplit(question.address(KIT, nonce)).query)["state"][0]


def answer(question: Consent, nonce: str = "nonce", **query: str) -> str:
    """The address at which the browser ends."""
    texts = {"code": "c-1", "state": state(question, nonce), **query}
    return f"{REDIRECT}?" + "&".join(f"{name}={quote(text, safe='')}" for name, text in texts.items() if text)


def test_the_answer_to_a_question_is_its_code_with_the_verifier_of_its_challenge() -> None:
    """Given another run of the command, nothing had to be kept: the answer brings all that it needs."""
    granted = consent().returned(answer(consent()))
    assert granted.code == "c-1"
    assert 43 <= len(granted.verifier) <= 128
    again = authorize_url(
        KIT,
        PUBLIC,
        redirect_uri=REDIRECT,
        state=state(consent()),
        verifier=granted.verifier,
        tenant="tenant-sunny",
    )
    assert again == consent().address(KIT, "nonce")


def test_two_questions_have_two_states_and_two_verifiers() -> None:
    one, two = (consent().returned(answer(consent(), nonce)) for nonce in ("one", "two"))
    assert one.verifier != two.verifier
    assert state(consent(), "one") != state(consent(), "two")
    assert one.verifier not in consent().address(KIT, "one")


@pytest.mark.parametrize(
    "other",
    [
        consent("rainy"),
        consent(redirect="http://localhost:9999/callback"),
        consent(key=SecretStr("another-key")),
    ],
    ids=["account", "redirect", "key"],
)
def test_an_answer_to_another_question_is_none(other: Consent) -> None:
    with pytest.raises(ConsentError, match="no answer to a question about sunny: run the command again"):
        consent().returned(answer(other))


@pytest.mark.parametrize("said", [{}, {"code": "", "error": "access_denied"}], ids=["yes", "no"])
def test_a_question_ends(said: dict[str, str]) -> None:
    """Given an address that lay about, whoever opens it later connects nothing."""
    clock = StandingClock(1_000_000.0)
    late = answer(consent(clock=clock), **said)
    clock.wait(VALID_FOR)
    in_time = consent(clock=clock).returned(answer(consent(clock=StandingClock(1_000_000.0))))
    clock.wait(1.0)
    with pytest.raises(
        ConsentError, match="too late, for the address that was opened held for 15 minutes"
    ) as caught:
        consent(clock=clock).returned(late)
    assert not isinstance(caught.value, DeclinedError)
    assert in_time.code == "c-1"


def test_nobody_lets_a_question_end_later() -> None:
    nonce, ends, proof = state(consent()).split(".")
    with pytest.raises(ConsentError, match="no answer to a question"):
        consent().returned(answer(consent(), state=f"{nonce}.{int(ends) + 900}.{proof}"))


def test_a_tenant_is_one_accounts_of_one_ledger_and_tells_no_secret() -> None:
    """Given two ledgers and two accounts, then each of the four has a name, the same each time."""
    names = [tenant_name(secret, name) for secret in (b"one" * 8, b"two" * 8) for name in ("sunny", "rainy")]
    assert len(set(names)) == 4
    assert names[0] == tenant_name(b"one" * 8, "sunny") == "kit-worker-9b9355fe9741-sunny"


@given(st.text(), st.text())
def test_nobody_makes_up_a_state(nonce: str, proof: str) -> None:
    made_up = f"{nonce}.{proof}".encode(errors="replace").decode()
    with pytest.raises(ConsentError):
        consent().returned(f"{REDIRECT}?code=c&state={quote(made_up, safe='')}")


@pytest.mark.parametrize("change", [str.upper, lambda text: text[:-1], lambda text: text.replace(".", "")])
def test_a_state_that_was_changed_is_none(change: object) -> None:
    assert callable(change)
    with pytest.raises(ConsentError):
        consent().returned(answer(consent(), state=change(state(consent()))))


def test_a_no_is_told_in_kits_words_where_it_answers_our_question() -> None:
    declined = answer(consent(), code="", error="access_denied", error_description="She\x1b[31m said no")
    with pytest.raises(DeclinedError, match=r"^Kit says: She\\x1b\[31m said no$"):
        consent().returned(declined)
    with pytest.raises(DeclinedError, match=r"^Kit says: access_denied$"):
        consent().returned(answer(consent(), code="", error="access_denied"))
    with pytest.raises(ConsentError) as caught:
        consent("rainy").returned(declined)
    assert not isinstance(caught.value, DeclinedError)


@pytest.mark.parametrize("around", ["{}", " {}\n", "'{}'", '"{}"', "<{}>", "{}#_=_"])
def test_an_address_may_be_pasted_with_what_is_around_it(around: str) -> None:
    assert consent().pasted(around.format(answer(consent()))).code == "c-1"


def test_the_query_alone_may_be_pasted() -> None:
    assert consent().pasted(answer(consent()).partition("?")[2]).code == "c-1"


def test_the_code_alone_is_enough_for_an_app_with_a_secret() -> None:
    assert consent(app=APP).pasted(" c-1 ") == Granted("c-1", "")
    with pytest.raises(ConsentError, match=r"paste the whole address .*, not only the code"):
        consent().pasted("c-1")


@pytest.mark.parametrize("app", [APP, PUBLIC], ids=["secret", "pkce"])
def test_a_callback_without_a_query_is_no_code(app: OAuthApp) -> None:
    """Given somebody who opens the callback's address by hand, the command waits on."""
    with pytest.raises(ConsentError):
        consent(app=app).returned("/callback")


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "nothing was pasted"),
        ("''", "nothing was pasted"),
        (consent().address(KIT, "nonce"), "there is no code in it: paste the address at which the browser"),
        (answer(consent(), code=""), "there is no code in it"),
    ],
)
def test_what_was_pasted_by_mistake(pasted: str, said: str) -> None:
    with pytest.raises(ConsentError, match=said):
        consent().pasted(pasted)


@given(st.text() | st.text(st.characters(categories=["Cs"]), min_size=1))
def test_anything_may_be_pasted(text: str) -> None:
    """Whatever it is, a sentence comes of it, or a code that can be sent."""
    with suppress(ConsentError):
        assert consent(app=APP).pasted(text).code.encode()


def test_what_was_granted_is_not_shown() -> None:
    granted = consent().returned(answer(consent()))
    assert "c-1" not in repr(granted)
    assert granted.verifier not in repr(granted)
    assert "the-ledger-key" not in repr(consent())
