"""What an account file may not name because it is another file's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.accounts.load.folder import write
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import load_accounts

KIT_KEY = "kit_0123456789abcdef0123456789abcdef"


def app_at_kit(client_id: str, secret: str = "") -> str:
    more = f", client_secret_env: {secret}" if secret else ""
    return f"app: oauth\nkit: {{oauth: {{client_id_env: {client_id}{more}}}}}\n"


@pytest.mark.parametrize(
    ("oauth", "other", "place"),
    [
        (app_at_kit("KIT_X"), "kit: {api_key_env: KIT_X}\n", "client_id_env"),
        (app_at_kit("KIT_X"), "kit: {access_token_env: KIT_X}\n", "client_id_env"),
        (app_at_kit("KIT_X"), "kit: {api_key_env: KIT_X}\nevents: 5\n", "client_id_env"),
        (app_at_kit("KIT_X"), app_at_kit("KIT_Y", "KIT_X").replace("oauth", "two", 1), "client_id_env"),
        (app_at_kit("KIT_Y", "KIT_X"), "kit: {api_key_env: KIT_X}\n", "client_secret_env"),
    ],
)
def test_the_name_of_a_secret_is_nobody_elses(tmp_path: Path, oauth: str, other: str, place: str) -> None:
    """Given an app at Kit whose variable is another account's secret, whatever else is wrong there."""
    write(tmp_path, a=oauth, b=other)

    loaded = load_accounts(tmp_path, {"KIT_X": "x", "KIT_Y": "y"})

    assert "a" not in loaded.accounts
    (problem,) = loaded.problems_of("a")
    assert f"kit.oauth.{place}: KIT_X names a secret of {tmp_path}/accounts/b.yaml" in problem.text


def test_an_apps_id_and_its_secret_are_two_variables(tmp_path: Path) -> None:
    write(tmp_path, a=app_at_kit("KIT_X", "KIT_X"))

    assert "KIT_X names a secret of" in str(load_accounts(tmp_path, {"KIT_X": "x"}).problems[0])


@pytest.mark.parametrize(
    "other", ["{api_key_env: KIT_Y}", "{oauth: {client_id_env: KIT_Z, client_secret_env: KIT_Y}}"]
)
def test_a_variable_that_holds_another_accounts_secret_is_no_client_id(tmp_path: Path, other: str) -> None:
    write(tmp_path, a=app_at_kit("KIT_X"), b=f"kit: {other}\n")

    loaded = load_accounts(tmp_path, {"KIT_X": "secret-1", "KIT_Y": "secret-1", "KIT_Z": "z"})

    assert list(loaded.accounts) == ["b"]
    (problem,) = loaded.problems_of("a")
    assert "this variable holds a secret of" in problem.text
    assert "secret-1" not in problem.text


def test_what_looks_like_an_api_key_is_no_client_id(tmp_path: Path) -> None:
    """Given a key that no file names, an account that would show it waits instead."""
    loaded = load_accounts(write(tmp_path, a=app_at_kit("KIT_X")), {"KIT_X": KIT_KEY})

    (problem,) = loaded.problems
    assert isinstance(problem, MissingSecret)
    assert "holds what looks like an API key, and a client id is shown to everybody" in problem.text
    assert loaded.accounts["a"].credential is None
    assert KIT_KEY not in problem.text


def test_two_accounts_of_one_app_at_kit_share_its_variables(tmp_path: Path) -> None:
    write(tmp_path, a=app_at_kit("KIT_X", "KIT_Y"), b=app_at_kit("KIT_X", "KIT_Y").replace("oauth", "two", 1))

    assert load_accounts(tmp_path, {"KIT_X": "x", "KIT_Y": "y"}).problems == ()


MAIN = "kit: {{api_key_env: KIT_A}}\nevents: {{{}: {{add_tags: [A]}}}}\n"
ENVIRON = {"KIT_A": "a", "KIT_B": "b"}


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("user.signed_up.sunny", "app: sunny"),
        ("user.signed_up.sunny", "app: [rainy, sunny]"),
        ("access.granted.sunny", "app: sunny\nevents: {access.granted: null}"),
        ("order.paid.sunny", "app: sunny\nevents: {order.paid: {}}"),
        ("order.paid.sunny", "app: sunny\nevents: {order.paid: 5}"),
    ],
)
def test_a_type_that_is_another_apps_event_is_an_error(tmp_path: Path, kind: str, other: str) -> None:
    write(tmp_path, main=MAIN.format(kind), sunny=f"{other}\nkit: {{api_key_env: KIT_B}}\n")

    loaded = load_accounts(tmp_path, ENVIRON)

    assert "main" not in loaded.accounts
    (problem,) = loaded.problems_of("main")
    base, owner = kind.removesuffix(".sunny"), f"{tmp_path}/accounts/sunny.yaml"
    assert problem.where == f"{tmp_path}/accounts/main.yaml:2:{len('events: {' + kind + ': ') + 1}"
    assert f"events.{kind}: this is {base} of the app sunny, whose events go to {owner}; " in problem.text


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("order.paid", "app: paid"),
        ("order.paid.sunny", "app: sunny"),
        ("user.signed_up.rainy", "app: sunny"),
    ],
)
def test_a_type_of_ones_own_may_end_like_an_app(tmp_path: Path, kind: str, other: str) -> None:
    """Given that nobody knows a type of what stands before the app's name, then it is a type of its own."""
    write(tmp_path, main=MAIN.format(kind), sunny=f"{other}\nkit: {{api_key_env: KIT_B}}\n")

    assert load_accounts(tmp_path, ENVIRON).problems == ()


def test_an_account_with_an_app_of_its_own_has_no_other_apps_events(tmp_path: Path) -> None:
    write(
        tmp_path,
        main="app: main\n" + MAIN.format("user.signed_up.sunny"),
        sunny="app: sunny\nkit: {api_key_env: KIT_B}\n",
    )

    assert load_accounts(tmp_path, ENVIRON).problems == ()
