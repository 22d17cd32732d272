"""From account files to accounts: what a valid file means, and how files get on with each other."""

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from tests.unit.accounts.harness import KEY, KIT, PATH, SHIPPED, parse
from worker.accounts.file.read import MissingSecret
from worker.accounts.load import Loaded, load_accounts, parse_account
from worker.errors import ConfigurationError
from worker.events.values import Number
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.kit.credentials import AccessToken, ApiKey, Credential, OAuthApp, StoredKey
from worker.mapping import Condition, EventMapping, FieldTarget, Operator, Options, Rule, Template


def write(folder: Path, **files: str) -> Path:
    (folder / "accounts").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "accounts" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def texts(loaded: Loaded) -> list[str]:
    return [str(problem) for problem in loaded.problems]


def tags(*names: str) -> tuple[Template, ...]:
    return tuple(map(Template, names))


# -- what a valid file means ---------------------------------------------------------------------------


def test_the_smallest_file_means_every_default() -> None:
    account = parse(KIT)

    assert account.name == "default"
    assert account.apps == ()
    assert account.credential == ApiKey(SecretStr(KEY))
    assert account.events == {kind: handler.default for kind, handler in HANDLERS.items()}
    assert account.options == Options()
    assert {target.source: target.target for target in account.fields} == {
        **{name: name for name in PLATFORM_FIELDS},
        "mk_first_name": "first_name",
    }


def test_the_shipped_file_is_valid_and_only_takes_new_addresses_beside_the_defaults() -> None:
    loaded = load_accounts(SHIPPED, {"KIT_API_KEY": KEY})

    assert loaded.problems == ()
    shipped = loaded.accounts["default"]
    defaults = parse(f"{KIT}events:\n  user.updated: {{}}\n")
    assert shipped == replace(defaults, path=shipped.path, version=shipped.version)


def test_one_app_and_a_list_of_apps() -> None:
    assert parse(f"app: sunny-kitchen\n{KIT}").apps == ("sunny-kitchen",)
    assert parse(f"app: [one, Two_2]\n{KIT}").apps == ("one", "Two_2")


def test_a_listed_event_replaces_its_default_null_turns_it_off_and_others_keep_theirs() -> None:
    account = parse(
        f"{KIT}events:\n  subscription.started: {{add_tags: [Paying]}}\n"
        "  access.granted: null\n  order.paid: {}\n"
    )

    expected = {kind: handler.default for kind, handler in HANDLERS.items() if kind != "access.granted"}
    assert account.events == {
        **expected,
        "subscription.started": EventMapping(Rule(add_tags=tags("Paying")), lifecycle="opens"),
        "order.paid": EventMapping(),
    }


def test_rules_carry_their_conditions_as_the_text_that_events_are_compared_with() -> None:
    account = parse(
        f"""{KIT}
events:
  order.paid:
    rules:
      - when: {{mk_subscription_plan: Annual, data.order.gift: true}}
        add_tags: [A]
      - when:
          data.order.items: [5, 1.5, "no", false]
        remove_tags: [B]
"""
    )

    first, second = account.events["order.paid"].rules
    assert first == Rule(
        add_tags=tags("A"),
        when=(Condition("mk_subscription_plan", ("Annual",)), Condition("data.order.gift", ("true",))),
    )
    assert second == Rule(
        remove_tags=tags("B"), when=(Condition("data.order.items", ("5", "1.5", "no", "false")),)
    )


def test_a_tag_may_replace_what_its_entry_gave_before() -> None:
    tags = '["{data.level} access", {tag: "{data.level} member", replaces: true}, {tag: Paid}]'
    account = parse(f"{KIT}events: {{order.paid: {{add_tags: {tags}}}}}\n")
    assert account.events["order.paid"].base.add_tags == (
        Template("{data.level} access"),
        Template("{data.level} member", replaces=True),
        Template("Paid"),
    )


def test_lines_of_when_and_unless_compare_in_every_way() -> None:
    account = parse(
        f"""{KIT}
events:
  order.paid:
    rules:
      - when:
          data.order.total: {{above: 40.50, at_most: 100}}
          data.user.locale: {{not: [de, fr]}}
          data.user.name: {{like: "VIP*"}}
          data.order.coupon: {{present: no}}
          data.order.count: [1, 2.0]
        unless: {{data.order.test: true, data.order.total: {{below: 5, at_least: 1}}}}
        skip: true
"""
    )

    (rule,) = account.events["order.paid"].rules
    assert rule.when == (
        Condition("data.order.total", ("40.5",), Operator.ABOVE),
        Condition("data.order.total", ("100",), Operator.AT_MOST),
        Condition("data.user.locale", ("de", "fr"), Operator.NOT),
        Condition("data.user.name", ("VIP*",), Operator.LIKE),
        Condition("data.order.coupon", ("false",), Operator.PRESENT),
        Condition("data.order.count", ("1", "2")),
    )
    assert rule.unless == (
        Condition("data.order.test", ("true",)),
        Condition("data.order.total", ("1",), Operator.AT_LEAST),
        Condition("data.order.total", ("5",), Operator.BELOW),
    )
    assert isinstance(rule.when[-1].values[0], Number)
    assert rule.skip


def test_an_event_may_say_all_that_the_guide_has() -> None:
    account = parse(
        f"""{KIT}
events:
  subscription.started:
    add_tags: [{{tag: "Plan {{mk_subscription_plan|Basic}}", replaces: plan, until: data.until}}]
    remove_tags: [Cancelled, {{group: plan}}]
    set_fields: {{Cancelled on: null, Source: app, Seats: 5.0, Paid: true}}
    create: no
    subscriber_state: inactive
  trial.ended: {{at: data.trial.ends_at, closes: subscription, add_tags: [Trial over]}}
  user.deleted: {{remove_tags: all, clear_fields: all, unsubscribe: true}}
"""
    )

    started, ended, deleted = (
        account.events[kind] for kind in ("subscription.started", "trial.ended", "user.deleted")
    )
    assert started == EventMapping(
        Rule(
            add_tags=(Template("Plan {mk_subscription_plan|Basic}", "plan", "data.until"),),
            remove_tags=tags("Cancelled"),
            remove_groups=("plan",),
            set_fields={"Cancelled on": None, "Source": "app", "Seats": "5", "Paid": "true"},
            create=False,
            subscriber_state="inactive",
        ),
        lifecycle="opens",
    )
    assert (ended.at, ended.lifecycle) == ("data.trial.ends_at", "closes")
    assert deleted == EventMapping(Rule(tags_off=True, fields_off=True, unsubscribe=True))


def test_what_opens_and_closes_by_default_does_so_when_listed_unless_it_says_otherwise() -> None:
    account = parse(
        f"{KIT}events: {{subscription.canceled: {{}}, subscription.started: {{closes: subscription}}, "
        "order.paid: {}, order.started: {opens: subscription}}\n"
    )

    assert {kind: account.events[kind].lifecycle for kind in account.events} == {
        "user.signed_up": None,
        "subscription.started": "closes",
        "subscription.canceled": "closes",
        "access.granted": None,
        "order.paid": None,
        "order.started": "opens",
    }


def test_a_field_has_one_name_inside_whether_the_file_writes_its_label_or_its_key() -> None:
    """Given a value that goes to a field, and a rule that clears it by its key, the two meet in one field."""
    account = parse(
        f"{KIT}fields: {{data.x: Plan B}}\n"
        "events:\n  order.paid: {set_fields: {plan_b: null, Seen: yes please}}\n"
        "  order.sent: {set_fields: {seen: 1}}\n"
    )

    assert account.events["order.paid"].base.set_fields == {"Plan B": None, "Seen": "yes please"}
    assert account.events["order.sent"].base.set_fields == {"Seen": "1"}
    assert type(account.events["order.sent"].base.set_fields["Seen"]) is str


def test_kit_fields_name_their_sources_and_take_the_place_of_a_default() -> None:
    fields = parse(
        f"""{KIT}
fields:
  mk_subscription_ends_at: {{field: Ends, format: date}}
kit_fields:
  Access until: {{from: [mk_subscription_ends_at, mk_access_expires_at], format: date}}
  Plan: mk_subscription_plan
  first_name: [data.user.nickname, mk_first_name]
"""
    ).fields

    assert FieldTarget("mk_subscription_ends_at", "Ends", "date") in fields
    assert FieldTarget("mk_subscription_ends_at", "Access until", "date", ("mk_access_expires_at",)) in fields
    assert FieldTarget("mk_subscription_plan", "Plan") in fields
    assert FieldTarget("mk_subscription_plan", "mk_subscription_plan") in fields
    assert [each for each in fields if each.target == "first_name"] == [
        FieldTarget("data.user.nickname", "first_name", otherwise=("mk_first_name",))
    ]


def test_options_of_people_and_times() -> None:
    default, other = (
        parse(KIT).options,
        parse(
            f"{KIT}options: {{identity: email, address_changes: user.moved, timezone: Europe/Berlin}}\n"
        ).options,
    )

    assert (default.identity, default.address_changes) == ("user_id", ("user.updated", "user.email_changed"))
    assert default.timezone is UTC
    assert (other.identity, other.address_changes) == ("email", ("user.moved",))
    assert other.timezone == ZoneInfo("Europe/Berlin")
    assert parse(f"{KIT}options: {{address_changes: never, timezone: UTC}}\n").options == Options(
        address_changes=("never",)
    )


def test_sections_and_lists_whose_entries_are_all_commented_out_say_nothing() -> None:
    account = parse(f"{KIT}events:\n  # x\nfields:\noptions:\n")
    with_lists = parse(f"{KIT}events:\n  order.paid:\n    add_tags:\n    rules:\n")

    assert account.events == parse(KIT).events
    assert with_lists.events["order.paid"] == EventMapping()


def test_fields_override_entry_by_entry() -> None:
    fields = parse(
        f"{KIT}fields:\n  mk_subscription_plan: Subscription plan\n"
        "  data.user.locale: Locale\n  mk_user_id: null\n"
    ).fields

    assert FieldTarget("mk_subscription_plan", "Subscription plan") in fields
    assert FieldTarget("data.user.locale", "Locale") in fields
    assert FieldTarget("mk_last_name", "mk_last_name") in fields
    assert "mk_user_id" not in {target.source for target in fields}


def test_another_value_can_become_kits_first_name() -> None:
    fields = parse(f"{KIT}fields: {{mk_first_name: null, data.user.nickname: first_name}}\n").fields

    assert FieldTarget("data.user.nickname", "first_name") in fields
    assert [target.source for target in fields if target.target == "first_name"] == ["data.user.nickname"]


def test_options_and_yaml_s_words_for_true_and_false() -> None:
    account = parse(
        f"{KIT}options: {{subscriber_state: inactive, first_name: if_created, "
        "create_missing: no, max_created_tags: 0}\n"
    )

    assert account.options == Options("inactive", "if_created", create_missing=False, max_created_tags=0)


def test_names_lose_outer_spaces_and_keep_their_letters() -> None:
    account = parse(f'{KIT}events: {{order.paid: {{add_tags: [" Größe {{data.user.size}} "]}}}}\n')

    assert account.events["order.paid"].base.add_tags == tags("Größe {data.user.size}")


@pytest.mark.parametrize(
    "kind",
    [
        "user.signed_in",
        "user.signed_out",
        "subscription.restarted",
        "subscription.renewed",
        "access.revoked",
        "ping",
    ],
)
def test_other_event_types_are_welcome_though_they_resemble_known_ones(kind: str) -> None:
    assert kind in parse(f"{KIT}events: {{{kind}: {{add_tags: [X]}}}}\n").events


def test_the_version_tells_two_texts_apart_and_a_byte_order_mark_is_no_matter() -> None:
    assert parse(KIT).version == parse(KIT).version
    assert parse(KIT).version != parse(f"{KIT}# x\n").version
    assert parse(f"\ufeff{KIT}").events == parse(KIT).events


# -- secrets -------------------------------------------------------------------------------------------


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


# -- the folder ----------------------------------------------------------------------------------------


def test_every_file_is_an_account_and_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    write(tmp_path, bakery="app: bakery\nkit: {api_key_env: KIT_B}\n", cafe="app: [\n", dairy="app: a b\n")

    loaded = load_accounts(tmp_path, {"KIT_B": KEY})

    assert list(loaded.accounts) == ["bakery"]
    assert loaded.names == ("bakery", "cafe", "dairy")
    assert loaded.problems_of("bakery") == ()
    assert len(loaded.problems_of("cafe")) == 1
    assert len(loaded.problems_of("dairy")) == 2
    assert loaded.problems == (*loaded.problems_of("cafe"), *loaded.problems_of("dairy"))


def test_no_files_at_all_is_a_problem_that_says_what_to_create(tmp_path: Path) -> None:
    (tmp_path / "accounts").mkdir()

    loaded = load_accounts(tmp_path, {})

    assert loaded.names == ()
    assert "create default.yaml" in texts(loaded)[0]
    assert loaded.problems_of("default") == ()


def test_a_folder_that_is_not_there_is_a_problem_of_every_account(tmp_path: Path) -> None:
    """Given a volume that is unmounted for a moment, no account is taken for removed."""
    loaded = load_accounts(tmp_path, {})

    assert "cannot be read (No such file or directory)" in texts(loaded)[0]
    assert loaded.problems_of("default") == loaded.problems


def test_file_names_are_account_names(tmp_path: Path) -> None:
    write(tmp_path, **{"My Bakery": KIT})
    (tmp_path / "accounts/default.yml").write_text(KIT, encoding="utf-8")
    (tmp_path / "accounts/notes.txt").write_text("no account", encoding="utf-8")
    (tmp_path / "accounts/.#default.yaml").write_text("an editor's lock", encoding="utf-8")

    loaded = load_accounts(tmp_path, {"KIT_API_KEY": KEY})

    assert loaded.accounts == {}
    assert [text.partition(":1:1: ")[2][:40] for text in texts(loaded)] == [
        "rename this file: its name is the accoun",
        "rename this file so that it ends in .yam",
    ]
    assert loaded.names == ("default",)


@pytest.mark.parametrize(
    ("content", "where", "said"),
    [
        (b"", "1:1", "the file is empty"),
        (b"# only a comment\n", "1:1", "the file is empty"),
        (b"kit:\n  \xe4pi: 1\n", "2:3", "this is not UTF-8 text; save the file with the encoding UTF-8"),
        (KIT.encode("utf-16"), "1:1", "this is not UTF-8 text"),
        (b"#" * (1024 * 1024 + 1), "1:1", "is larger than 1 MiB"),
    ],
)
def test_files_that_are_no_text_to_read(tmp_path: Path, content: bytes, where: str, said: str) -> None:
    path = write(tmp_path) / "accounts/default.yaml"
    path.write_bytes(content)

    (problem,) = load_accounts(tmp_path, {}).problems

    assert problem.where == f"{path}:{where}"
    assert problem.text.startswith(said)


def test_a_folder_or_a_dangling_link_with_an_accounts_name_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "accounts/bakery.yaml").mkdir()
    (tmp_path / "accounts/cafe.yaml").symlink_to("nowhere")

    said = texts(load_accounts(tmp_path, {}))

    assert "cannot be read (it is not a file)" in said[0]
    assert "cannot be read (No such file or directory)" in said[1]


# -- two files -----------------------------------------------------------------------------------------


def test_two_accounts_for_one_app_keep_the_first_by_name(tmp_path: Path) -> None:
    write(
        tmp_path, a="app: [x, y]\nkit: {api_key_env: KIT_A}\n", b="kit: {api_key_env: KIT_B}\napp: [z, y]\n"
    )

    loaded = load_accounts(tmp_path, {"KIT_A": "key-a", "KIT_B": "key-b"})

    assert list(loaded.accounts) == ["a"]
    (said,) = texts(loaded)
    assert said.startswith(
        f"{tmp_path}/accounts/b.yaml:2:6: app: y belongs to {tmp_path}/accounts/a.yaml already"
    )


def test_two_accounts_without_an_app(tmp_path: Path) -> None:
    write(tmp_path, a="kit: {api_key_env: KIT_A}\n", b="kit: {api_key_env: KIT_B}\n")

    loaded = load_accounts(tmp_path, {"KIT_A": "key-a", "KIT_B": "key-b"})

    assert list(loaded.accounts) == ["a"]
    assert "a.yaml takes the events that name no app already" in texts(loaded)[0]


def test_two_accounts_with_one_key_wherever_it_comes_from(tmp_path: Path) -> None:
    """Given one key under two names, the second account is dropped, and the key is not shown."""
    write(
        tmp_path,
        a="app: a\nkit: {api_key_env: KIT_A}\n",
        b="app: b\nkit: {api_key_file: key}\n",
        c="app: c\nkit: {api_key_env: KIT_C}\n",
    )
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")

    loaded = load_accounts(tmp_path, {"KIT_A": KEY, "KIT_C": "another"})

    assert list(loaded.accounts) == ["a", "c"]
    (problem,) = loaded.problems_of("b")
    assert f"the API key is that of {tmp_path}/accounts/a.yaml too" in problem.text
    assert KEY not in str(loaded)


def test_two_accounts_with_one_variable_that_is_not_set_yet(tmp_path: Path) -> None:
    write(tmp_path, a=f"app: a\n{KIT}", b=f"app: b\n{KIT}")

    loaded = load_accounts(tmp_path, {})

    assert list(loaded.accounts) == ["a"]
    assert [isinstance(problem, MissingSecret) for problem in loaded.problems_of("b")] == [True, False]


def test_a_file_that_is_invalid_itself_takes_nothing_from_others(tmp_path: Path) -> None:
    write(tmp_path, a=f"{KIT}events: 5\n", b=KIT)

    assert list(load_accounts(tmp_path, {"KIT_API_KEY": KEY}).accounts) == ["b"]


def test_parse_raises_all_problems_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse("app: a b\nkit: {}\nevent: {}\n")

    assert len(caught.value.problems) == 3


# -- many problems -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "told", "last"),
    [(50, 50, "unknown key"), (51, 51, "1 more problem in"), (4900, 51, "4850 more problems in")],
)
def test_of_one_file_the_first_50_problems_are_told_and_how_many_more_there_are(
    tmp_path: Path, count: int, told: int, last: str
) -> None:
    """Given thousands of problems, nobody has to take them all, and other files have theirs."""
    write(tmp_path, a=KIT + "".join(f"zzz{number}: 1\n" for number in range(count)), b="app: [\n")

    loaded = load_accounts(tmp_path, {"KIT_API_KEY": KEY})

    assert len(loaded.problems_of("a")) == told
    assert loaded.problems_of("a")[0].where == f"{tmp_path}/accounts/a.yaml:2:1"
    assert last in loaded.problems_of("a")[-1].text
    assert len(loaded.problems_of("b")) == 1
    assert loaded.problems == (*loaded.problems_of("a"), *loaded.problems_of("b"))


def test_of_a_text_alone_no_more_are_told_either() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(KIT + "".join(f"zzz{number}: 1\n" for number in range(60)))

    assert len(caught.value.problems) == 51
    assert str(caught.value).endswith("and 10 more problems in this file; mend the ones above first")
