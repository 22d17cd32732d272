"""What an admin reads of a wrong app or Kit section; a secret that was pasted there is not repeated."""

import pytest

from tests.unit.accounts.file.read.problems import problem, problems
from tests.unit.accounts.harness import KEY, KIT


@pytest.mark.parametrize(
    ("app", "said"),
    [
        ("sunny kitchen", 'app: "sunny kitchen" cannot be an app'),
        ("sunny.kitchen", 'app: "sunny.kitchen" cannot be an app'),
        ("'*'", 'app: "*" cannot be an app'),
        ("x" * 65, "cannot be an app"),
        ("[]", "app: the list is empty; name an app, or delete the line"),
        ("", "app: nothing stands here; write a name, or delete the entry"),
        ("5", 'app: YAML reads 5 as a number; write "5" in quotes'),
        ("[a, b, a]", 'app[3]: "a" stands here twice'),
    ],
)
def test_a_wrong_app(app: str, said: str) -> None:
    assert said in problem(f"app: {app}\n{KIT}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "kit: is missing; say where the API key is; write api_key_env: KIT_API_KEY"),
        ("kit:", "kit: nothing stands here; must be followed by indented lines"),
        ("kit: {}", "kit: say where the API key is"),
        ("kit: {api_key_env: KIT_A, api_key_file: b}", "kit: api_key_env and api_key_file both stand here"),
        ("kit: {api_key_env: API_KEY}", "must be the name of an environment variable that begins with KIT_"),
        ("kit: {api_key_env: $KIT_API_KEY}", "write KIT_API_KEY: the variable's name alone"),
        (
            "kit: {api_key_env: kit_api_key}",
            "write KIT_API_KEY: the variable's name alone, in capital letters",
        ),
        (
            "kit: {api_key_env: Kit-Api-Key}",
            "write KIT_API_KEY: the variable's name alone, in capital letters",
        ),
        ("kit: {api_key_env: 'KIT_API_KEY '}", "write KIT_API_KEY: the variable's name alone"),
        ("kit: {api_key_env: ${KIT_API_KEY}}", "1:21: write the variable's name alone, without $ and braces"),
        ("kit\n  api_key_env: KIT_A", "default.yaml:1:4: a colon is missing at the end of this line (name:)"),
        ("```yaml\nkit: {api_key_env: KIT_A}\n```", "default.yaml:1:1: this line is no YAML; delete it"),
        ("kit: {api_key_env: KIT_BASE_URL}", "KIT_BASE_URL is a setting of the worker, not a secret"),
        ("kit: {api_key_env: KIT_A_FILE}", "write KIT_A: where KIT_A_FILE is set, the secret is in the file"),
        ("kit: {api_key_env: 5}", "kit.api_key_env: must be text"),
        ("kit: {api_key: KIT_API_KEY}", "kit.api_key: this is a variable's name; did you mean api_key_env?"),
        ("kit: {api_key: }", "kit.api_key: nothing stands here; write stored, and enter the key on the page"),
        ("kit: {api_key: Stored}", "kit.api_key: must be stored; the key itself is entered on the page"),
        ("kit: {api_key: 5}", "kit.api_key: must be stored; the key itself is entered on the page"),
        ("kit: {api_key: [stored]}", "kit.api_key: must be stored; the key itself is entered on the page"),
        (
            "kit: {api_key: stored, api_key_env: KIT_A}",
            "kit: api_key and api_key_env both stand here; keep one of them",
        ),
        ("kit:\n  api_key_env:KIT_API_KEY", "kit: must be followed by indented lines, such as api_key_env"),
        ("kit: {oauth: }", "kit.oauth: nothing stands here; write, indented below it, client_id_env"),
        ("kit: {oauth: null}", "kit.oauth: nothing stands here; write, indented below it, client_id_env"),
        (
            "kit: {oauth: {}}",
            "kit.oauth.client_id_env: is missing; name the environment variable with the app's",
        ),
        (
            "kit: {oauth: KIT_A}",
            "kit.oauth: must be followed by indented lines, such as client_id_env: KIT_CL",
        ),
        (
            "kit: {oauth: {client_id_env: KIT_API_KEY}}",
            "KIT_API_KEY is named as a secret is, and a client id",
        ),
        ("kit: {oauth: {client_id_env: KIT_APP_SECRET}}", "KIT_APP_SECRET is named as a secret is, and a"),
        ("kit: {oauth: {client_id_env: 5}}", "kit.oauth.client_id_env: must be text"),
        ("kit: {oauth: {client_id_env: }}", "kit.oauth.client_id_env: nothing stands here; write a name"),
        (
            "kit: {oauth: {client_id_env: KIT_A, secret_env: KIT_B}}",
            "kit.oauth.secret_env: unknown key; did you mean client_secret_env?",
        ),
        (
            "kit: {oauth: {client_id_env: KIT_A, redirect_uri: x}}",
            "kit.oauth.redirect_uri: unknown key; what may stand here: client_id_env, client_secret_env",
        ),
        ("kit: {client_id_env: KIT_A}", "does not belong here; move it, indented, under kit, below oauth"),
        (
            "kit: {oauth: {client_id_env: KIT_A}, api_key_env: KIT_B}",
            "kit: oauth and api_key_env both stand here; keep one of them",
        ),
        (
            "kit: {api_key_env: KIT_B, access_token_file: x/y, access_token_env: KIT_C}",
            "kit: api_key_env, access_token_file and access_token_env all stand here; keep one of them",
        ),
        ("kit: {access_token_env: LEDGER_KEY}", "must be the name of an environment variable that begins"),
        ("kit: {access_token_env: KIT_TIMEOUT}", "KIT_TIMEOUT is a setting of the worker, not a secret"),
        ("app:x", "an account file holds lines such as app: sunny-kitchen, and this is none; after a colon"),
        ("- a", "an account file holds lines such as app: sunny-kitchen, and this is none"),
    ],
)
def test_a_wrong_kit_section_or_file(text: str, said: str) -> None:
    assert said in problem(text)


@pytest.mark.parametrize(
    "text",
    [
        f"kit: {{api_key: {KEY}}}",
        f"kit: {{api_key_env: {KEY}}}",
        f"kit: {{api_key_env: {KEY.removeprefix('kit_')}}}",
        f"kit: {{api_key_file: {KEY}}}",
        f"kit: {{secret: '{KEY}'}}",
        f"kit: {KEY}",
        f"kit: {{{KEY}: }}",
        f"{KIT}api_key: {KEY}",
    ],
)
def test_a_key_pasted_into_the_file_is_noticed_and_never_repeated(text: str) -> None:
    said = problem(text)

    assert "this looks like the API key itself" in said
    assert "make a new key in Kit" in said
    assert KEY.removeprefix("kit_") not in said


@pytest.mark.parametrize(
    ("text", "what", "instead"),
    [
        (f"oauth: {{client_id: {KEY}}}", "client id", "client_id_env: KIT_CLIENT_ID"),
        (f"oauth: {{client_id_env: {KEY}}}", "client id", "client_id_env: KIT_CLIENT_ID"),
        (f"oauth: {{client_secret: {KEY}}}", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        (f"oauth: {{client_secret_env: {KEY}}}", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        ("client_secret: short", "client secret", "client_secret_env: KIT_CLIENT_SECRET"),
        (f"access_token: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
        (f"access_token_env: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
        (f"access_token_file: {KEY}", "access token", "access_token_env: KIT_ACCESS_TOKEN"),
    ],
)
def test_any_other_secret_that_was_pasted_is_named_and_never_repeated(
    text: str, what: str, instead: str
) -> None:
    said = "\n".join(problems(f"kit: {{{text}}}"))

    assert f"this looks like the {what} itself" in said
    assert f"write {instead} here" in said
    assert KEY.removeprefix("kit_") not in said


@pytest.mark.parametrize(
    "place", ["app: {} x", "{}: 1", "fields: {{{}: x}}", "events: {{{}.x y: null}}", "a: *{}"]
)
def test_a_key_pasted_anywhere_else_is_not_repeated_either(place: str) -> None:
    assert not any("0123456789" in said for said in problems(KIT + place.format(KEY)))
