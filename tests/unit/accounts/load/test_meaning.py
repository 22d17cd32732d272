"""What a valid account file means: every default, and what it says in its place."""

from dataclasses import replace
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from tests.unit.accounts.harness import KEY, KIT, SHIPPED, parse
from worker.accounts.load import load_accounts
from worker.events.values import Number
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.kit.credentials import ApiKey
from worker.mapping import Condition, EventMapping, FieldTarget, Operator, Options, Rule, Template


def tags(*names: str) -> tuple[Template, ...]:
    return tuple(map(Template, names))


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
