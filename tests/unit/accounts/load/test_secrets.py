"""Where an account's secrets come from, and what is said of those that are missing or of no use."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.unit.accounts.harness import KEY, KIT, PATH, SHIPPED
from tests.unit.accounts.load.folder import texts, write
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import load_accounts, parse_account
from worker.kit.credentials import AccessToken, ApiKey, Credential, OAuthApp, StoredKey


def test_a_missing_secret_leaves_an_account_that_waits(tmp_path: Path) -> None:
    loaded = load_accounts(write(tmp_path, default=KIT), {})

    assert loaded.accounts["default"].credential is None
    (problem,) = loaded.problems_of("default")
    assert isinstance(problem, MissingSecret)
    assert problem.where == f"{tmp_path}/accounts/default.yaml:1:20"
    assert problem.text == (
        "kit.api_key_env: the environment variable KIT_API_KEY is not set; "
        "set it to the API key, for example in .env"
    )


def test_a_missing_secret_is_no_error_of_the_text() -> None:
    assert parse_account(KIT, PATH, {}).credential is None


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("  \n", "is not set"),
        ("two words", "cannot be the API key"),
        ("line\nline", "cannot be the API key"),
        ("“kit_1”", "cannot be the API key"),
    ],
)
def test_what_cannot_be_sent_as_a_key_is_a_missing_secret_and_not_repeated(key: str, said: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(SHIPPED.parent)
        loaded = load_accounts(Path("config"), {"KIT_API_KEY": key})

    (problem,) = loaded.problems
    assert isinstance(problem, MissingSecret)
    assert said in problem.text
    assert key.strip() == "" or key.strip() not in problem.text


def test_a_key_from_a_file_relative_to_the_configuration_folder(tmp_path: Path) -> None:
    write(tmp_path, default="kit: {api_key_file: secrets/key}\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key").write_text(f"\ufeff{KEY}\r\n", encoding="utf-8")

    assert load_accounts(tmp_path, {}).accounts["default"].credential == ApiKey(SecretStr(KEY))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("one\ntwo\n", "cannot be the API key"),
    ],
)
def test_a_key_file_that_is_of_no_use(tmp_path: Path, content: str | None, said: str) -> None:
    write(tmp_path, default=f"kit: {{api_key_file: {tmp_path}/key}}\n")
    if content is not None:
        (tmp_path / "key").write_text(content, encoding="utf-8")

    loaded = load_accounts(tmp_path, {})

    assert loaded.accounts["default"].credential is None
    (problem,) = loaded.problems
    assert isinstance(problem, MissingSecret)
    assert said in problem.text


@pytest.mark.parametrize(
    ("path", "said"), [("accounts", "it is not a file"), ("ä" * 200, "File name too long")]
)
def test_a_key_file_that_cannot_be_read(tmp_path: Path, path: str, said: str) -> None:
    loaded = load_accounts(write(tmp_path, default=f"kit: {{api_key_file: {path}}}\n"), {})

    assert f"cannot be read ({said})" in loaded.problems[0].text


@pytest.mark.parametrize(
    ("kit", "environ", "credential"),
    [
        ("{access_token_env: KIT_T}", {"KIT_T": "t"}, AccessToken(SecretStr("t"))),
        ("{oauth: {client_id_env: KIT_I}}", {"KIT_I": "i"}, OAuthApp(SecretStr("i"))),
        (
            "{oauth: {client_id_env: KIT_I, client_secret_env: KIT_S}}",
            {"KIT_I": "i", "KIT_S": "s"},
            OAuthApp(SecretStr("i"), SecretStr("s")),
        ),
    ],
)
def test_credentials_for_oauth(kit: str, environ: dict[str, str], credential: Credential) -> None:
    """Given OAuth, there are 600 calls a minute, and bulk calls, and no secret shows."""
    account = parse_account(f"kit: {kit}\n", PATH, environ)

    assert account.credential == credential
    assert (credential.limit, credential.bulk) == (600, True)
    assert not any(f"'{secret}'" in repr(account) for secret in environ.values())


def test_a_key_that_is_stored_is_nothing_that_a_file_could_claim(tmp_path: Path) -> None:
    """Given two accounts whose keys are entered on the page, the ledger sees to it that they differ."""
    write(tmp_path, a="app: a\nkit: {api_key: stored}\n", b="app: b\nkit: {api_key: stored}\n")

    loaded = load_accounts(tmp_path, {})

    assert loaded.problems == ()
    assert [each.credential for each in loaded.accounts.values()] == [StoredKey(), StoredKey()]
    assert (StoredKey().limit, StoredKey().bulk) == (120, False)
    assert loaded.accounts["a"].claims() == {("app", "a")}


def test_a_token_from_a_file_is_watched_with_it(tmp_path: Path) -> None:
    write(tmp_path, default="kit: {access_token_file: token}\n")
    (tmp_path / "token").write_text("t-1\n", encoding="utf-8")

    account = load_accounts(tmp_path, {}).accounts["default"]

    assert account.credential == AccessToken(SecretStr("t-1"))
    assert account.key_files == (tmp_path / "token",)


@pytest.mark.parametrize(
    "kit", ["{api_key_env: KIT_A}", "{oauth: {client_id_env: KIT_I, client_secret_env: KIT_A}}"]
)
def test_a_variable_may_have_its_secret_in_a_file(kit: str, tmp_path: Path) -> None:
    """Given KIT_A_FILE, as Docker and Kubernetes have secrets, the account's file still names KIT_A."""
    write(tmp_path, default=f"kit: {kit}\n")
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")

    loaded = load_accounts(tmp_path, {"KIT_I": "i", "KIT_A_FILE": str(tmp_path / "key")})

    assert loaded.problems == ()
    account = loaded.accounts["default"]
    assert account.credential in {ApiKey(SecretStr(KEY)), OAuthApp(SecretStr("i"), SecretStr(KEY))}
    assert account.key_files == (tmp_path / "key",)  # and watched


@pytest.mark.parametrize(
    ("key", "content", "said"),
    [
        (KEY, KEY, "KIT_API_KEY and KIT_API_KEY_FILE are both set; take one of them out"),
        ("", None, "/key does not exist; write the API key into it, or correct the path"),
        ("", "", "/key is empty; write the API key into it"),
    ],
)
def test_a_file_of_a_variable_that_is_of_no_use_is_that_accounts_problem(
    key: str, content: str | None, said: str, tmp_path: Path
) -> None:
    write(tmp_path, default=KIT, other="app: other\nkit: {api_key_env: KIT_OTHER}\n")
    if content is not None:
        (tmp_path / "key").write_text(content, encoding="utf-8")
    environ = {"KIT_API_KEY": key, "KIT_API_KEY_FILE": str(tmp_path / "key"), "KIT_OTHER": "kit_other"}

    loaded = load_accounts(tmp_path, environ)

    (problem,) = loaded.problems
    assert isinstance(problem, MissingSecret)
    assert problem.text.endswith(said)
    assert loaded.accounts["other"].credential == ApiKey(SecretStr("kit_other"))


def test_one_file_by_two_ways_is_one_secret(tmp_path: Path) -> None:
    """Given a file that one account names itself, and another one by a variable, the limit is one."""
    (tmp_path / "key").write_text(KEY, encoding="utf-8")
    write(
        tmp_path,
        a=f"app: a\nkit: {{api_key_file: {tmp_path}/key}}\n",
        b="app: b\nkit: {api_key_env: KIT_B}\n",
    )

    loaded = load_accounts(tmp_path, {"KIT_B_FILE": str(tmp_path / "key")})

    assert list(loaded.accounts) == ["a"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "client_id_env: the environment variable KIT_I is not set; set it to the client id"),
        (
            {"KIT_I": "i"},
            "client_secret_env: the environment variable KIT_S is not set; set it to the client",
        ),
        ({"KIT_I": "i", "KIT_S": "a b"}, "KIT_S holds something that cannot be the client secret"),
    ],
)
def test_an_app_waits_for_each_of_its_secrets(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    write(tmp_path, default="kit: {oauth: {client_id_env: KIT_I, client_secret_env: KIT_S}}\n")

    loaded = load_accounts(tmp_path, environ)

    assert loaded.accounts["default"].credential is None
    (problem,) = loaded.problems
    assert isinstance(problem, MissingSecret)
    assert said in problem.text


def test_many_accounts_may_have_one_app_and_only_one_a_token(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="app: a\nkit: {oauth: {client_id_env: KIT_I}}\n",
        b="app: b\nkit: {oauth: {client_id_env: KIT_I}}\n",
        c="app: c\nkit: {access_token_env: KIT_T}\n",
        d="app: d\nkit: {access_token_env: KIT_U}\n",
    )

    loaded = load_accounts(tmp_path, {"KIT_I": "i", "KIT_T": "same", "KIT_U": "same"})

    assert list(loaded.accounts) == ["a", "b", "c"]
    assert f"the access token is that of {tmp_path}/accounts/c.yaml too" in texts(loaded)[0]
