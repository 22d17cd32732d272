"""`kit-worker explain --offline`, as an admin types it: without broker, ledger, Kit and key."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command

EVENT = {
    "id": "e-1",
    "type": "subscription.started",
    "time": "2026-07-01T10:00:00Z",
    "data": {"user": {"email": "Ada@Example.com"}, "subscription": {"plan": "Annual"}},
}


def test_it_shows_rules_calls_and_fields(kit_worker: Command) -> None:
    ended = kit_worker(
        "explain", "--offline", "subscription.started", "--set", "user.email=ada@example.com",
        "--set", "mk_subscription_plan=Annual",
    )  # fmt: skip

    assert ended.code == 1
    assert "subscription.started for ada@example.com, in the account sunny" in ended.out
    assert "DELETE /v4/tags/{Cancelled}/subscribers/{id}" in ended.out
    assert "POST /v4/tags/{Annual Plan}/subscribers/{id}" in ended.out
    assert "it is Annual" in ended.out  # why rule 2 does not match
    assert not ended.err


def test_a_value_that_differs_only_in_case_gets_a_hint(kit_worker: Command) -> None:
    ended = kit_worker("explain", "--offline", "subscription.started", "--set", "mk_subscription_plan=annual")

    assert "it is annual, which differs in case or blanks" in ended.out
    assert "{Annual Plan}" not in ended.out


def test_a_file_is_previewed_as_the_worker_would_read_it(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "event.json").write_text(json.dumps(EVENT), encoding="utf-8")

    ended = kit_worker("explain", "event.json", "--json", "--offline")

    result = json.loads(ended.out)
    assert (result["verdict"], result["email"]) == ("applied", "ada@example.com")
    assert [call["call"] for call in result["calls"]] == [
        "POST /v4/subscribers",
        "DELETE /v4/tags/{Cancelled}/subscribers/{id}",
        "POST /v4/tags/{Active Member}/subscribers/{id}",
        "POST /v4/tags/{Annual Plan}/subscribers/{id}",
    ]


def test_several_events_on_standard_input_give_several_previews(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "\n".join(json.dumps({**EVENT, "type": kind}) for kind in ("access.granted", "user.signed_up"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))

    ended = kit_worker("explain", "--offline", "-", "--json")

    verdicts = [(each["verdict"], each["reason"]) for each in json.loads(ended.out)]
    assert verdicts == [("partly_applied", "partly_applied"), ("ignored", None)]


def test_what_is_owed_is_said_after_what_would_be_applied(kit_worker: Command) -> None:
    ended = kit_worker("explain", "--offline", "access.granted")

    said = " ".join(ended.out.split())
    assert "Would be applied in part, with these calls to Kit." in said
    assert "The rest would be dead-lettered (partly_applied): mk_access_level: has no value" in said


def test_without_a_ledger_the_file_alone_is_told_and_that_nobody_is_known(kit_worker: Command) -> None:
    """Given neither ledger nor Kit, by the other name of the command: what the file says, and why no more."""
    ended = kit_worker("preview", "subscription.started")

    assert ended.code == 1
    assert "Would be applied, with these calls to Kit." in ended.out
    assert "there is no ledger at" in ended.err
    assert "say --offline" in ended.err


def test_the_code_says_what_would_become_of_the_worst_of_several(
    kit_worker: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def code(*types: str) -> int:
        lines = "\n".join(json.dumps({**EVENT, "type": each}) for each in types)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        return kit_worker("explain", "--offline", "-").code

    assert code("user.signed_up") == 0
    assert code("user.signed_up", "subscription.started") == 1
    assert code("user.signed_up", "access.granted", "subscription.started") == 6


def test_a_type_that_is_nearly_a_known_one_is_asked_about(kit_worker: Command) -> None:
    ended = kit_worker("explain", "--offline", "access.grantd")

    assert "did you mean access.granted?\n" in " ".join(ended.out.split(" "))


def test_an_event_that_is_turned_off_is_said_to_be(kit_worker: Command) -> None:
    ended = kit_worker("explain", "--offline", "user.signed_up")

    assert ended.code == 0
    assert "Would be ignored: sunny turns user.signed_up off" in ended.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["access.granted", "--set", "mk_acess_level=Gold"], "did you mean mk_access_level?"),
        (["access.granted", "--set", "level"], "'level' is not of the form name=value"),
        (["access.granted", "--account", "suny"], "did you mean sunny?"),
        (["missing.json"], "missing.json: cannot be read: No such file"),
        (["event.json", "--set", "user.email=x"], "--set goes with an event type, not with a file"),
        ([], "say which event: a file, a type, --event with its id, or --letter with its id"),
        (["--letter", "x"], "--offline asks nobody"),
    ],
)
def test_a_slip_is_explained(kit_worker: Command, config_dir: Path, words: list[str], says: str) -> None:
    (config_dir / "event.json").write_text(json.dumps(EVENT), encoding="utf-8")

    ended = kit_worker("explain", *words, "--offline")

    assert ended.code == 2
    assert says in ended.err
    assert not ended.out


def test_with_several_accounts_it_must_be_said_which(kit_worker: Command, config_dir: Path) -> None:
    text = "app: rainy\nkit: {api_key_env: KIT_RAINY_KEY}\n"
    (config_dir / "accounts" / "rainy.yaml").write_text(text, encoding="utf-8")

    ended = kit_worker("explain", "--offline", "access.granted", "--set", "mk_access_level=Gold")
    named = kit_worker(
        "explain", "--offline", "access.granted", "--set", "mk_access_level=Gold", "--account", "rainy"
    )

    assert (ended.code, named.code) == (2, 1)
    assert "say --account with one of rainy, sunny" in ended.err
    assert "Gold access" in named.out  # addressed to rainy's own app, so not refused as another's


def test_an_invalid_file_is_an_error_with_its_place(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "accounts" / "sunny.yaml").write_text(
        "kit: {api_key_env: KIT_API_KEY}\nevnts: {}\n", encoding="utf-8"
    )

    ended = kit_worker("explain", "--offline", "access.granted")

    assert ended.code == 2
    assert "sunny.yaml:2:1: " in ended.err


MORE = """\
kit: {api_key_env: KIT_API_KEY}
events:
  order.paid:
    rules:
      - when: {data.total: {above: 40, at_most: 100}, data.locale: {not: [de, fr]}}
        unless: {data.test: true}
        set_fields: {Source: shop}
      - when: {data.name: {like: "VIP*"}, data.coupon: {present: false}}
        skip: true
  access.granted:
    add_tags: [{tag: "{mk_access_level|Basic} access", until: mk_access_expires_at}]
  subscription.canceled: {at: mk_subscription_ends_at, add_tags: [Cancelled]}
"""


@pytest.fixture
def more(config_dir: Path) -> None:
    """An account with every comparison."""
    (config_dir / "accounts" / "sunny.yaml").write_text(MORE, encoding="utf-8")


def words(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.usefixtures("more")
def test_each_comparison_says_why_it_holds_or_does_not(kit_worker: Command) -> None:
    ended = kit_worker("explain", "--offline", "order.paid", "--set", "data.total=49", "--json")
    rules = json.loads(ended.out)["rules"]

    assert [rule["matches"] for rule in rules] == [True, True, False]
    assert rules[1]["effects"] == ["sets Source to shop"]
    assert [(each["operator"], each["unless"]) for each in rules[1]["conditions"]] == [
        ("above", False), ("at_most", False), ("not", False), ("is", True),
    ]  # fmt: skip


@pytest.mark.usefixtures("more")
def test_what_waits_and_what_ends_is_said(kit_worker: Command) -> None:
    waits = kit_worker(
        "explain",
        "--offline",
        "subscription.canceled",
        "--set",
        "mk_subscription_ends_at=2999-01-01T00:00:00Z",
    )
    ends = kit_worker(
        "explain", "--offline", "access.granted", "--set", "mk_access_expires_at=2999-01-01T00:00:00Z"
    )
    skipped = kit_worker("explain", "--offline", "order.paid", "--set", "data.name=VIP 1")

    assert "Would wait: it takes effect at 2999-01-01T00:00:00Z." in words(waits.out)
    assert "A tag would be taken off again at 2999-01-01T00:00:00Z." in words(ends.out)
    assert "Basic access" in ends.out
    assert "Would be ignored: rule 2 of order.paid skips it." in words(skipped.out)
    assert (waits.code, ends.code, skipped.code) == (1, 1, 0)
