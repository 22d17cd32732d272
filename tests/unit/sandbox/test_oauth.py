"""OAuth: connections and their tokens, without HTTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import Refresh, Sandbox, Tokens
from worker.sandbox.credentials import Credential, Kind
from worker.sandbox.oauth import ANY_CLIENT
from worker.sandbox.refusals import UnauthorizedError
from worker.sandbox.tokens import Asked, Client, OAuthError, challenge_of

KITCHEN, GARDEN = "Sunny Kitchen", "Quiet Garden"
CALLBACK = "https://app.example.com/callback"


class Clock:
    """A time of day that stands still until it is told otherwise."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="clock")
def clock_fixture() -> Clock:
    return Clock()


@pytest.fixture(name="sandbox")
def sandbox_fixture(clock: Clock) -> Sandbox:
    return Sandbox(wall=clock, token_life=5)


def good(sandbox: Sandbox, tokens: Tokens) -> bool:
    return sandbox.way_in(Credential(Kind.OAUTH, tokens.access_token)).closed is None


def refresh(sandbox: Sandbox, tokens: Tokens, client: str = ANY_CLIENT) -> Tokens:
    return sandbox.oauth.refresh(sandbox.oauth.known(client), tokens.refresh_token, None)


def test_an_access_token_is_good_for_its_life_and_no_longer(sandbox: Sandbox, clock: Clock) -> None:
    tokens = sandbox.oauth.grant(KITCHEN)
    clock.now += 4.999
    young = good(sandbox, tokens)
    clock.now += 0.001

    assert (tokens.expires_in, tokens.created_at, tokens.scope) == (5, 1_000_000, "public")
    assert (young, good(sandbox, tokens)) == (True, False)
    assert sandbox.account(tokens.access_token).name == KITCHEN


def test_every_token_of_an_account_opens_the_same_one(clock: Clock) -> None:
    sandbox = Sandbox(keys={"key-a": KITCHEN}, wall=clock)
    first, again, other = [sandbox.oauth.grant(name) for name in (KITCHEN, KITCHEN, GARDEN)]
    sandbox.account("key-a").add_tag("VIP")

    assert sandbox.account(first.access_token).tags().keys() == {"VIP"}
    assert sandbox.account(refresh(sandbox, again).access_token).tags().keys() == {"VIP"}
    assert sandbox.account(other.access_token).tags() == {}
    assert sandbox.named(GARDEN).account is sandbox.account(other.access_token).account
    with pytest.raises(LookupError, match="Third"):
        sandbox.named("Third")


def test_only_an_access_token_sent_as_one_leads_anywhere(sandbox: Sandbox) -> None:
    tokens = sandbox.oauth.grant(KITCHEN)
    wrong = [(Kind.OAUTH, tokens.refresh_token), (Kind.API_KEY, tokens.access_token)]

    assert good(sandbox, tokens)
    for kind, secret in wrong:
        with pytest.raises(UnauthorizedError):
            sandbox.way_in(Credential(kind, secret))


def test_an_old_access_token_is_good_until_it_expires_unless_told_otherwise(
    sandbox: Sandbox, clock: Clock
) -> None:
    first = sandbox.oauth.grant(KITCHEN)
    clock.now += 1
    second = refresh(sandbox, first)
    kept = good(sandbox, first)
    sandbox.oauth.refresh_ends_access = True
    refresh(sandbox, second)

    assert (kept, good(sandbox, first), good(sandbox, second)) == (True, True, False)


def test_a_refresh_token_used_again_is_refused_and_the_newer_one_stays_good(sandbox: Sandbox) -> None:
    first = sandbox.oauth.grant(KITCHEN)
    second = refresh(sandbox, first)
    with pytest.raises(OAuthError) as refused:
        refresh(sandbox, first)
    third = refresh(sandbox, second)

    assert (refused.value.error, refused.value.status) == ("invalid_grant", 400)
    assert good(sandbox, third)
    assert sandbox.oauth.used_twice() == [
        Refresh(1_000_000.0, KITCHEN, ANY_CLIENT, f"…{first.refresh_token[-4:]}", 2, granted=False)
    ]
    uses = [(each.use, each.granted) for each in sandbox.oauth.refreshes]
    assert uses == [(1, True), (2, False), (1, True)]


@given(st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=30))
def test_of_each_grant_one_refresh_token_is_good_at_a_time_and_only_the_newest(
    uses: list[tuple[int, bool]],
) -> None:
    sandbox = Sandbox()
    chains = {name: [sandbox.oauth.grant(name)] for name in (KITCHEN, GARDEN)}

    for back, is_kitchen in uses:
        chain = chains[KITCHEN if is_kitchen else GARDEN]
        newest, used = chain[-1], chain[-1 - back % len(chain)]
        try:
            chain.append(refresh(sandbox, used))
            granted = True
        except OAuthError:
            granted = False
        assert granted is (used is newest)

    granted_uses = [each for each in sandbox.oauth.refreshes if each.granted]
    all_tokens = [tokens for chain in chains.values() for tokens in chain]
    secrets = [token for each in all_tokens for token in (each.access_token, each.refresh_token)]
    assert len(granted_uses) == len(all_tokens) - len(chains)
    assert len({token[-4:] for token in secrets}) == len(secrets)
    for name, chain in chains.items():
        assert {sandbox.account(tokens.access_token).name for tokens in chain} == {name}


def test_disconnecting_ends_all_tokens_of_one_account(sandbox: Sandbox) -> None:
    first, second, other = [sandbox.oauth.grant(name) for name in (KITCHEN, KITCHEN, GARDEN)]
    sandbox.oauth.disconnect(KITCHEN)

    assert [good(sandbox, each) for each in (first, second, other)] == [False, False, True]
    with pytest.raises(OAuthError, match="refresh token"):
        refresh(sandbox, second)
    assert [each.state for each in sandbox.oauth.connected()] == ["ended", "good"]
    assert good(sandbox, sandbox.oauth.grant(KITCHEN))


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_revoking_either_token_ends_the_connection_of_that_client(sandbox: Sandbox, which: str) -> None:
    for client_id in ("one", "two"):
        sandbox.oauth.client(client_id, f"secret of {client_id}")
    one, again, two = [sandbox.oauth.grant(KITCHEN, client) for client in ("one", "one", "two")]
    token = getattr(one, which)

    sandbox.oauth.revoke(sandbox.oauth.known("two"), token, "secret of two")
    before = good(sandbox, one)
    sandbox.oauth.revoke(sandbox.oauth.known("one"), token, "secret of one")

    assert before
    assert [good(sandbox, each) for each in (one, again, two)] == [False, False, True]


def test_a_refresh_token_is_of_use_to_its_client_only(sandbox: Sandbox) -> None:
    for client_id in ("one", "two"):
        sandbox.oauth.client(client_id, "secret")
    tokens = sandbox.oauth.grant(KITCHEN, "one")

    with pytest.raises(OAuthError, match="refresh token"):
        refresh(sandbox, tokens, "two")
    assert good(sandbox, refresh(sandbox, tokens, "one"))


@pytest.mark.parametrize(
    ("secret", "sent", "may_be_left_out", "errors"),
    [
        ("right", "right", False, []),
        ("right", "wrong", True, ["invalid_client"]),
        ("right", None, True, []),
        ("right", None, False, ["invalid_client"]),
        (None, None, False, []),
        (None, "any", False, []),
    ],
)
def test_a_client_proves_who_it_is(
    secret: str | None, sent: str | None, errors: list[str], *, may_be_left_out: bool
) -> None:
    found = []
    try:
        Client("app", secret).authenticate(sent, may_be_left_out=may_be_left_out)
    except OAuthError as error:
        found.append(error.error)

    assert found == errors


def test_a_challenge_is_that_of_rfc_7636() -> None:
    """Given the verifier of the RFC's appendix B, its challenge comes out."""
    assert (
        challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )


def test_a_code_is_exchanged_once_and_expires(sandbox: Sandbox, clock: Clock) -> None:
    client = sandbox.oauth.client("app", "secret")
    used, old = [sandbox.oauth.consent(client, KITCHEN, Asked(CALLBACK)) for _ in range(2)]

    def exchange(code: str) -> Tokens:
        return sandbox.oauth.exchange(client, code, CALLBACK, "secret", None)

    tokens = exchange(used)
    clock.now += 600
    assert tokens.account == KITCHEN
    for code in (used, old):
        with pytest.raises(OAuthError, match="authorization code"):
            exchange(code)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "code-unknown"},
        {"redirect_uri": CALLBACK + "/"},
        {"verifier": "wrong"},
        {"verifier": None},
        {"secret": "wrong"},
        {"client": Client("other")},
    ],
)
def test_a_code_is_of_use_only_with_all_that_belongs_to_it(
    sandbox: Sandbox, wrong: dict[str, object]
) -> None:
    client = sandbox.oauth.client("app", "secret")
    code = sandbox.oauth.consent(client, KITCHEN, Asked(CALLBACK, challenge_of("verifier")))
    right = {"client": client, "code": code, "redirect_uri": CALLBACK, "secret": None, "verifier": "verifier"}

    with pytest.raises(OAuthError):
        sandbox.oauth.exchange(**{**right, **wrong})  # type: ignore[arg-type]  # each has its own
    assert sandbox.oauth.exchange(**right).account == KITCHEN  # type: ignore[arg-type]


def test_tokens_are_never_shown_whole(sandbox: Sandbox) -> None:
    tokens = sandbox.oauth.grant(KITCHEN)
    refresh(sandbox, tokens)
    shown = repr([tokens, sandbox.oauth.pairs(), sandbox.oauth.connected(), sandbox.oauth.refreshes])

    assert f"…{tokens.refresh_token[-4:]}" in shown
    assert tokens.access_token not in shown
    assert tokens.refresh_token not in shown
    assert "secret" not in repr(Client("app", "secret"))


def test_an_unknown_client_can_be_granted_nothing_once_one_is_known(sandbox: Sandbox) -> None:
    assert good(sandbox, sandbox.oauth.grant(KITCHEN, "anyone"))
    sandbox.oauth.client("app", "secret")

    with pytest.raises(OAuthError, match="Client authentication failed"):
        sandbox.oauth.grant(KITCHEN, "anyone")
    assert good(sandbox, sandbox.oauth.grant(KITCHEN))
