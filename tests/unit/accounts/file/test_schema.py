"""The JSON Schema for editors: it ships as the code makes it, and agrees with the loader."""

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.unit.accounts.harness import KIT, SHIPPED, parse
from worker.accounts.file.model import account_schema
from worker.errors import ConfigurationError
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS

GUIDE = """\
# yaml-language-server: $schema=../account.schema.json
app: sunny-kitchen
kit:
  api_key_env: KIT_API_KEY
events:
  user.signed_up:
    add_tags: [New Member]
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules:
      - when: {mk_subscription_plan: Annual}
        add_tags: [Annual Plan]
  subscription.canceled: {remove_tags: [Active Member], add_tags: [Cancelled]}
  access.granted:
    add_tags: ["{mk_access_level} access"]
fields:
  mk_subscription_plan: Subscription plan
  data.user.locale: Locale
  mk_user_id: null
options:
  subscriber_state: active
  first_name: always
  create_missing: true
  max_created_tags: 100
"""

MORE = """\
kit: {api_key_env: KIT_API_KEY}
events:
  subscription.started:
    add_tags: [Active Member, {tag: "Plan {mk_subscription_plan}", replaces: plan}]
    remove_tags: [Cancelled]
    set_fields: {Cancelled on: null, Source: app}
  subscription.canceled:
    at: mk_subscription_ends_at
    remove_tags: [Active Member, {group: plan}]
    add_tags: [Cancelled]
    rules:
      - when: {mk_cancel_reason: plan_change}
        skip: true
  access.granted:
    add_tags: [{tag: "{mk_access_level|Basic} access", until: mk_access_expires_at}]
  order.paid:
    create: false
    rules:
      - when: {data.order.total: {above: 40}, data.user.locale: {not: [de, fr]}}
        unless: {data.order.test: true}
        add_tags: ["Bought {data.order.products}"]
  trial.ended: {closes: subscription, subscriber_state: inactive}
  user.deleted: {remove_tags: all, clear_fields: all, unsubscribe: true}
fields:
  mk_subscription_ends_at: {field: Ends, format: date}
kit_fields:
  Access until: {from: [mk_subscription_ends_at, mk_access_expires_at], format: date}
  Plan: mk_subscription_plan
  Name: [data.user.nickname, mk_first_name]
options:
  identity: email
  address_changes: [user.updated, user.email_changed]
  timezone: Europe/Berlin
"""
"""What the contract has beside the guide's first example."""


def is_valid_by_schema(text: str) -> bool:
    return Draft202012Validator(account_schema()).is_valid(yaml.safe_load(text))


def is_valid_by_loader(text: str) -> bool:
    try:
        parse(text)
    except ConfigurationError:
        return False
    return True


def test_the_schema_that_ships_is_the_one_the_code_makes() -> None:
    made = json.dumps(account_schema(), indent=2, ensure_ascii=False) + "\n"

    is_current = (SHIPPED / "account.schema.json").read_text(encoding="utf-8") == made
    assert is_current, "run make schema"


def test_the_schema_is_itself_valid() -> None:
    Draft202012Validator.check_schema(account_schema())


@pytest.mark.parametrize(
    "text",
    [
        GUIDE,
        (SHIPPED / "accounts/default.yaml").read_text(encoding="utf-8"),
        KIT,
        f"app: [one, two]\n{KIT}",
        "kit: {api_key_file: /run/secrets/kit_api_key}\n",
        "kit: {api_key: stored}\n",
        "kit: {access_token_env: KIT_ACCESS_TOKEN}\n",
        "kit: {access_token_file: /run/secrets/token}\n",
        "kit: {oauth: {client_id_env: KIT_CLIENT_ID}}\n",
        "kit: {oauth: {client_id_env: KIT_CLIENT_ID, client_secret_env: KIT_CLIENT_SECRET}}\n",
        f"{KIT}events:\nfields:\noptions:\n",
        f"{KIT}events: {{order.paid: {{add_tags: [A]}}, user.signed_up: null}}\n",
        f"{KIT}events: {{a.b: {{rules: [{{when: {{data.x: [1, true, a, 1.5]}}, remove_tags: [A]}}]}}}}\n",
        MORE,
        f"{KIT}events: {{a.b: {{rules: [{{unless: {{data.x: {{present: true}}}}, create: false}}]}}}}\n",
        f"{KIT}events: {{a.b: {{add_tags: [{{tag: A, replaces: true, until: data.x}}]}}}}\n".replace(
            "A,", '"{mk_user_id}",'
        ),
    ],
)
def test_what_is_valid_is_valid_for_both(text: str) -> None:
    assert is_valid_by_schema(text)
    assert is_valid_by_loader(text)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "- a",
        "kit: {}",
        "kit: {api_key_env: KIT_A, api_key_file: b}",
        "kit: {api_key_env: API_KEY}",
        "kit: {api_key: x}",
        "kit: {api_key: null}",
        "kit: {api_key: stored, api_key_env: KIT_A}",
        "kit: {oauth: null}",
        "kit: {oauth: {}}",
        "kit: {oauth: KIT_CLIENT_ID}",
        "kit: {oauth: {client_secret_env: KIT_A}}",
        "kit: {oauth: {client_id_env: CLIENT_ID}}",
        "kit: {oauth: {client_id_env: KIT_A, client_secret: x}}",
        "kit: {oauth: {client_id_env: KIT_A}, api_key_env: KIT_B}",
        "kit: {access_token_env: TOKEN}",
        "kit: {access_token_env: KIT_A, access_token_file: b}",
        f"{KIT}event: {{}}",
        f"app: a b\n{KIT}",
        f"app: []\n{KIT}",
        f"app: [a, a]\n{KIT}",
        f"{KIT}events: []",
        f"{KIT}events: {{order.*: null}}",
        f"{KIT}events: {{order.paid: [A]}}",
        f"{KIT}events: {{order.paid: {{add_tags: A}}}}",
        f"{KIT}events: {{order.paid: {{add_tags: [1.0]}}}}",
        f"{KIT}events: {{order.paid: {{add_tags: [no]}}}}",
        f"{KIT}events: {{order.paid: {{add_tags: ['']}}}}",
        f"{KIT}events: {{order.paid: {{add_tags: ['{'x' * 256}']}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{add_tags: [A]}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{}}, add_tags: [A]}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{plan: A}}, add_tags: [A]}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: []}}, add_tags: [A]}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: null}}, add_tags: [A]}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: 1}}}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: {{}}}}, skip: true}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: {{over: 1}}}}, skip: true}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: {{above: a}}}}, skip: true}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{when: {{data.x: {{like: a}}}}, skip: true}}]}}}}",
        f"{KIT}events: {{order.paid: {{rules: [{{unless: {{}}, skip: true}}]}}}}",
        f"{KIT}events: {{order.paid: {{remove_tags: every}}}}",
        f"{KIT}events: {{order.paid: {{remove_tags: [{{grup: a}}]}}}}",
        f"{KIT}events: {{order.paid: {{clear_fields: true}}}}",
        f"{KIT}events: {{order.paid: {{set_fields: {{A: [1]}}}}}}",
        f"{KIT}events: {{order.paid: {{opens: shop}}}}",
        f"{KIT}events: {{order.paid: {{add_tags: [{{tag: A, replaces: 5}}]}}}}",
        f"{KIT}fields: {{data.x: {{format: date}}}}",
        f"{KIT}fields: {{data.x: {{field: A, format: time}}}}",
        f"{KIT}kit_fields: {{A: []}}",
        f"{KIT}kit_fields: {{A: {{format: date}}}}",
        f"{KIT}options: {{identity: name}}",
        f"{KIT}options: {{address_changes: []}}",
        f"{KIT}fields: {{mk_plan: A}}",
        f"{KIT}fields: {{user.locale: A}}",
        f"{KIT}fields: {{mk_user_id: 5}}",
        f"{KIT}options: {{max_created_tags: -1}}",
        f"{KIT}options: {{max_created_tags: true}}",
        f"{KIT}options: {{create_missing: 'no'}}",
        f"{KIT}options: {{subscriber_state: Active}}",
        f"{KIT}options: {{states: active}}",
    ],
)
def test_what_is_wrong_in_form_is_wrong_for_both(text: str) -> None:
    assert not is_valid_by_schema(text)
    assert not is_valid_by_loader(text)


def test_editors_get_known_names_to_suggest_and_a_description_for_every_key() -> None:
    schema = account_schema()
    events, fields = (schema["properties"][name]["anyOf"][0] for name in ("events", "fields"))

    assert list(events["properties"]) == list(HANDLERS)
    assert list(fields["properties"]) == list(PLATFORM_FIELDS)
    for part in (schema, events, fields, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        for name, value in part["properties"].items():
            assert _description(schema, value), name


def _description(schema: dict[str, Any], value: dict[str, Any]) -> object:
    reference = value.get("$ref", "").removeprefix("#/$defs/")
    return value.get("description") or schema["$defs"].get(reference, {}).get("description")
