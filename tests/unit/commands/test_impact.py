"""`kit-worker impact`, as an admin types it: over a ledger that a worker has filled."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from tests.unit.kept_people import Sent, apply_events
from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import TOKEN, served
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.commands import impact
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page import people_looks

FILE = """\
app: moon
kit: {api_key_env: KIT_API_KEY_MOON}
events:
  order.paid:
    add_tags: [Buyer]
    rules: [{when: {data.total: {above: 40}}, add_tags: [Big]}]
fields: {data.total: Total}
"""
NEW = FILE.replace("above: 40", "above: 20").replace("Total}", "Sum}")
PEOPLE = 30


def bought() -> Iterator[Sent]:
    for number in range(PEOPLE):
        user = {"email": f"person{number:02}@example.com", "id": f"u-{number}"}
        yield Sent("order.paid", {"user": user, "total": number * 2}, number, "moon")


async def fill_ledger(folder: Path) -> None:
    account = load_accounts(folder, {"KIT_API_KEY_MOON": "k"}).accounts["moon"]
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        await apply_events(ledger, account, bought())


@pytest.fixture
def new(config_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A changed file of the account `moon`, whose people are known."""
    (config_dir / "accounts" / "moon.yaml").write_text(FILE)
    monkeypatch.setenv("LEDGER_URL", f"sqlite+aiosqlite:///{config_dir / 'ledger.db'}")
    asyncio.run(fill_ledger(config_dir))
    changed = config_dir / "changed.yaml"
    changed.write_text(NEW)
    capsys.readouterr()  # what the worker logged
    return changed


def test_it_tells_whom_a_changed_file_treats_otherwise(kit_worker: Command, new: Path) -> None:
    ended = kit_worker("impact", "moon", "--new", str(new))

    assert (ended.code, ended.err) == (1, "")
    told = " ".join(ended.out.split())
    assert told.startswith("30 of 30 people would be treated otherwise. New taggings,")
    assert "which may start an automation and send mail: 10." in told
    assert "Big 10 10 0" in told
    assert "Sum 30 Total 30" in told
    assert "a saved file alone changes nothing" in told


@pytest.mark.parametrize(("line", "told"), [("app: sun", "of sun,"), ("", "of no app,")])
def test_the_file_of_another_app_is_told_as_such(
    kit_worker: Command, new: Path, line: str, told: str
) -> None:
    """Given a file that takes none of the events that the ledger keeps, that is why nothing is known."""
    new.write_text(NEW.replace("app: moon", line))

    ended = kit_worker("impact", "moon", "--new", str(new))

    assert ended.code == 0
    assert f"changed.yaml takes events {told} and moon has had those of moon: of these the file" in ended.err
    assert "it came for an app that the file does not name" in " ".join(ended.out.split())


def test_a_file_of_one_app_more_is_no_other_one(kit_worker: Command, new: Path) -> None:
    new.write_text(NEW.replace("app: moon", "app: [moon, sun]"))
    ended = kit_worker("impact", "moon", "--new", str(new))
    assert (ended.code, ended.err) == (1, "")


def test_the_json_has_the_same_for_programs(kit_worker: Command, new: Path) -> None:
    ended = kit_worker("impact", "moon", "--new", str(new), "--json")

    assert ended.code == 1
    told = json.loads(ended.out)
    assert (told["people"], told["otherwise"], told["without_events"]) == (30, 30, 0)
    assert (told["gained"], told["lost"], told["new_taggings"]) == ({"Big": 10}, {}, {"Big": 10})
    assert told["fields"] == {"Total": 30, "Sum": 30}
    assert told["minutes"] == round(told["calls"] / 120, 1) > 0
    assert told["examples"][0] == {
        "email": "person00@example.com",
        "gained": [],
        "lost": [],
        "fields": ["Sum", "Total"],
    }


def test_the_page_tells_what_the_command_tells(
    kit_worker: Command, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the same change, each sentence and each number of the command is on the page."""
    monkeypatch.setattr(people_looks, "WITHIN", 30.0)  # this machine may be busy
    ended = kit_worker("impact", "moon", "--new", str(new))
    view = asyncio.run(_reviewed(new.parent))

    lines = [" ".join(each.split()) for each in ended.out.splitlines()]
    sentences = [each for each in lines if each.endswith(".")]
    rows = [each for each in lines if re.search(r"\d$", each)]
    assert (len(sentences), len(rows)) == (4, 3)
    assert [each for each in (*sentences, *rows) if each not in view] == []


async def _reviewed(folder: Path) -> str:
    async with served(folder, ("moon",), texts={"moon": FILE}) as client:
        await client.sign_in(TOKEN)
        form = form_on((await client.ask("/accounts/moon/text")).text, "/text")
        for name, begins, ends in (("events", "events:", "fields:"), ("fields", "fields:", "\n\n")):
            fill(form, name, f"{NEW}\n\n"[NEW.index(begins) : f"{NEW}\n\n".index(ends)])
        view = (await press(client, "/accounts/moon/text", form, "review")).text
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", view)).split())


def test_a_file_that_says_the_same_changes_nobody(kit_worker: Command, new: Path) -> None:
    new.write_text(f"# a comment\n{FILE}")
    ended = kit_worker("impact", "moon", "--new", str(new))
    assert ended.code == 0
    assert ended.out.startswith("Nobody would be treated otherwise, of 30 people.")


def test_an_event_type_that_is_turned_off_takes_its_tags_off(kit_worker: Command, new: Path) -> None:
    new.write_text(re.sub("order.paid:.*\nfields", "order.paid: null\nfields", FILE, flags=re.DOTALL))
    told = json.loads(kit_worker("impact", "moon", "--new", str(new), "--json").out)
    assert (told["lost"], told["gained"]) == ({"Buyer": 30, "Big": 9}, {})
    assert told["fields"] == {"Total": 30, "mk_user_id": 30}


def test_a_wrong_file_is_told_by_its_own_name(kit_worker: Command, new: Path) -> None:
    new.write_text(FILE.replace("add_tags: [Buyer]", "ad_tags: [Buyer]"))
    ended = kit_worker("impact", "moon", "--new", str(new))
    assert (ended.code, ended.out) == (2, "")
    assert f"{new}:5:5: events.order.paid.ad_tags: unknown key; did you mean add_tags?" in ended.err
    assert "moon.yaml" not in ended.err


def test_a_file_that_is_not_there_and_an_account_that_is_none_end_with_2(
    kit_worker: Command, new: Path
) -> None:
    assert kit_worker("impact", "moon", "--new", "nowhere.yaml").code == 2
    assert kit_worker("impact", "mooon", "--new", str(new)).code == 2


def test_an_account_whose_present_file_is_wrong_has_nothing_to_compare_with(
    kit_worker: Command, new: Path
) -> None:
    (new.parent / "accounts" / "moon.yaml").write_text(FILE.replace("add_tags: [Buyer]", "ad_tags: [Buyer]"))
    ended = kit_worker("impact", "moon", "--new", str(new))
    assert (ended.code, ended.out) == (2, "")
    assert "moon.yaml:5:5" in ended.err


def test_another_credential_changes_nobody_and_need_not_be_there(kit_worker: Command, new: Path) -> None:
    new.write_text(FILE.replace("KIT_API_KEY_MOON", "KIT_API_KEY_OF_NOBODY"))
    assert kit_worker("impact", "moon", "--new", str(new)).code == 0


def test_under_another_app_the_events_of_before_are_not_known(kit_worker: Command, new: Path) -> None:
    """Given a file for another app, what came from this one stays, and that is said."""
    new.write_text(NEW.replace("app: moon", "app: mars"))
    told = json.loads(kit_worker("impact", "moon", "--new", str(new), "--json").out)
    assert (told["otherwise"], told["partly_known"]) == (0, 30)


def test_a_ledger_that_is_away_ends_with_4_and_one_that_is_not_there_with_2(
    kit_worker: Command, new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_URL", "postgresql+asyncpg://nobody:nothing@127.0.0.1:1/ledger")
    assert kit_worker("impact", "moon", "--new", str(new)).code == 4
    monkeypatch.setenv("LEDGER_URL", f"sqlite+aiosqlite:///{new.parent / 'other.db'}")
    assert kit_worker("impact", "moon", "--new", str(new)).code == 2
    assert not (new.parent / "other.db").exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_in_the_middle_it_says_nothing_half(
    kit_worker: Command, new: Path, monkeypatch: pytest.MonkeyPatch, sign: signal.Signals
) -> None:
    before = (new.parent / "ledger.db").read_bytes()

    async def half_way(*_: object) -> None:
        os.kill(os.getpid(), sign)
        await asyncio.sleep(60)

    monkeypatch.setattr(impact, "file_impact", half_way)
    ended = kit_worker("impact", "moon", "--new", str(new))
    assert (ended.code, ended.out) == (130, "")
    assert (new.parent / "ledger.db").read_bytes() == before
