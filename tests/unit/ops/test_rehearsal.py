"""What is told of an event before it comes is what a worker then does, whatever happens in Kit by hand."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import NOON
from tests.unit.ops.worker_at_work import WorkerAtWork
from worker.accounts.account import Account
from worker.accounts.load import load_accounts
from worker.clock import Clock
from worker.events.delivery import Delivery
from worker.kit import lists
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ops.tried import Tried
from worker.ops.trying import Trying
from worker.sandbox import AccountView, Call, Person, Sandbox
from worker.settings import Settings
from worker.subscribers.item import Outcome
from worker.subscribers.parts import tag_key

KEY = "key-of-sunny-0001"
FILE = """
app: sunny
kit: {{api_key_env: KIT_API_KEY}}
events:
  user.signed_up: {{add_tags: [New Member]}}
  user.updated: {{}}
  subscription.started:
    add_tags: [Active Member, {{tag: "Plan {{mk_subscription_plan|Basic}}", replaces: plan}}]
    remove_tags: [Cancelled]
    set_fields: {{Left: null, Came by: app}}
    rules:
      - when: {{mk_subscription_plan: Annual}}
        add_tags: [Annual Plan]
  subscription.canceled:
    at: mk_subscription_ends_at
    remove_tags: [Active Member, {{group: plan}}]
    add_tags: [Cancelled]
    rules:
      - when: {{mk_cancel_reason: plan_change}}
        skip: true
  access.granted:
    add_tags: [{{tag: "{{mk_access_level}} access", until: mk_access_expires_at}}]
  order.paid:
    create: false
    add_tags: [Customer]
    rules:
      - when: {{data.total: {{above: 40}}}}
        add_tags: ["Bought {{data.products}}"]
  user.deleted: {{remove_tags: all, clear_fields: all, unsubscribe: true}}
fields: {{mk_user_id: null}}
options: {{first_name: {first_name}, identity: {identity}}}
"""
TYPES = (
    "user.signed_up", "user.updated", "subscription.started", "subscription.canceled", "access.granted",
    "order.paid", "user.deleted", "order.unknown",
)  # fmt: skip
TAG_IN_CALL = re.compile(r"/v4/tags/\{(.*)\}/subscribers")
NAMES = ("ada", "bob", "cy")


@dataclass(frozen=True)
class Happens:
    """One event, or a change in Kit by hand before it.

    Attributes:
        who: Whose, by the id.
        at: Whose address it brings.
        values: What of the event is so or otherwise.
        by_hand: What somebody does in Kit before it comes.
        copies: How many events ago the one was that it is a copy of; 0 for none.
    """

    kind: str
    who: int
    at: int
    minute: int
    values: int
    by_hand: int
    copies: int


HAPPENS = st.builds(
    Happens,
    st.sampled_from(TYPES),
    st.integers(0, 3),
    st.sampled_from([None, None, None, None, 0, 1, 2]).map(lambda at: -1 if at is None else at),
    st.integers(0, 60),
    st.integers(0, 63),
    st.integers(0, 15),
    st.sampled_from([0, 0, 0, 0, 0, 1, 3]),
)


def body_of(number: int, happens: Happens) -> bytes:
    """Return the event as the platform sends it; the fourth person has no id."""
    bit = [bool(happens.values >> at & 1) for at in range(6)]
    name = NAMES[happens.at if happens.at >= 0 else happens.who % len(NAMES)]
    user: dict[str, Any] = {"email": f"{name}@example.com"}
    if happens.who < len(NAMES):
        user["id"] = f"u-{happens.who}"
    if bit[0]:
        user["first_name"] = name.title()
    time = NOON + timedelta(minutes=happens.minute)
    ahead = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    end = (ahead if bit[1] else time).isoformat()
    subscription = {"id": "s-2" if bit[2] else "s-1", "plan": "Annual" if bit[3] else "Monthly"}
    if happens.kind == "subscription.canceled" and bit[4]:
        subscription |= {"ends_at": end, "cancel_reason": "plan_change" if bit[5] else "price"}
    data = {
        "user": user,
        "subscription": subscription,
        "access": {"level": "Gold" if bit[3] else None, "expires_at": end if bit[4] else None},
        "total": 50 if bit[2] else 30,
        "products": ["Tea", "Cake"] if bit[3] else ["Tea"],
    }
    event = {"id": f"e-{number}", "type": happens.kind, "time": time.isoformat(), "data": data}
    return json.dumps(event).encode()


def by_hand(kit: AccountView, what: int, name: str) -> None:
    """Change something in Kit as its creator might."""
    person = kit.find(f"{name}@example.com")
    match what:
        case 0 if person is not None:
            kit.delete_subscriber(person.email_address)
        case 1:
            kit.add_subscriber(f"{name}@example.com", tags=["Active Member"], fields={"Came by": "hand"})
        case 2 if "Cancelled" in kit.tags():
            kit.delete_tag("Cancelled")


Everybody = Mapping[str, Person]


class Bench:
    """A worker, its Kit, and what is told of events before they come."""

    def __init__(self, account: Account, ledger: Ledger, sandbox: Sandbox, known_ttl: float) -> None:
        access = KitAccess(Settings(kit_base_url=sandbox.url, kit_rate_limit=10**6), ledger)
        self.account = account
        self.kit = sandbox.account(KEY)
        self.sandbox = sandbox
        self._trying = Trying(account, ledger, access, known_ttl)
        assert account.credential is not None
        self.client = access.client(account.name, account.credential)
        self.worker = WorkerAtWork(account, ledger, self.client, known_ttl)

    async def comes(self, body: bytes, kind: str) -> None:
        """Try an event, let it come, and compare."""
        delivery = Delivery(body, f"{kind}.sunny", received_at=datetime.now(UTC))
        tried, before = await self._trying.event(delivery), dict(self.kit.subscribers())
        tags = {id_: name for name, id_ in self.kit.tags().items()}
        seen = len(self.sandbox.calls(KEY))
        outcome = await self.worker.ends(delivery)
        calls = [call for call in self.sandbox.calls(KEY)[seen:] if call.status and call.status < 300]
        tags |= {id_: name for name, id_ in self.kit.tags().items()}
        made = [as_told(call, tags) for call in calls if is_told(call)]
        after = dict(self.kit.subscribers())
        told = [(call.call, call.only) for call in tried.calls]
        end = f"{outcome.kind} {outcome.error or outcome.note}"
        note = f"{body.decode()}\ntold {told}\nmade {made}\n{tried.kind} {tried.detail}\n{end}\n{tried}"
        check_end(tried, outcome, note)
        check_calls(tried, made, note)
        check_person(tried, before, after, note)
        if not tried.changes_something:
            assert after == before, note


def check_end(tried: Tried, outcome: Outcome, note: str) -> None:
    """Fail unless the event ended as was told, for the reason that was told."""
    assert tried.kind is outcome.kind, note
    if outcome.error is not None:
        assert tried.detail == str(outcome.error), note
    assert set(map(tag_key, outcome.held)) <= set(map(tag_key, tried.held)), note


def is_told(call: Call) -> bool:
    """Tell whether a call is one of those that are told: not one that looks something up, or makes a name."""
    return call.method != "GET" and call.endpoint not in {"POST /v4/tags", "POST /v4/custom_fields"}


def as_told(call: Call, tags: Mapping[int, str]) -> str:
    """Return a call as it is told: with a name where Kit's id of a tag goes."""
    if not call.path.startswith("/v4/tags/"):
        return call.endpoint
    name = tags[int(call.path.split("/")[3])]
    return f"{call.method} /v4/tags/{{{name}}}/subscribers/{{id}}"


def check_calls(tried: Tried, made: list[str], note: str) -> None:
    """Fail unless just those calls were made that were told; one that depends on something may be missing."""
    left = list(made)
    for call in tried.calls:
        if left and left[0].lower() == call.call.lower():
            left.pop(0)
        else:
            assert call.only, f"not made: {call}\n{made}\n{note}"
    assert not left, f"not told: {left}\n{note}"
    called = {tag_key(name) for call in tried.calls for name in TAG_IN_CALL.findall(call.call)}
    assert {tag_key(row.name) for row in tried.tags if tag_key(row.name) in tried.told} <= called, note


def takes_off(tag: str, tried: Tried) -> bool:
    """Tell whether a tag is only taken off where something is so that is not known."""
    call = f"DELETE /v4/tags/{{{tag}}}/subscribers/{{id}}"
    return all(each.only for each in tried.calls if each.call == call)


def check_person(tried: Tried, before: Everybody, after: Everybody, note: str) -> None:
    """Fail unless the person has in Kit what was told, and nobody else got anything."""
    if not tried.email:
        assert after == before, note
        return
    if (person := after.get(tried.email)) is None:
        assert all(call.only for call in tried.calls), note
        return
    told = {tag_key(row.name): row for row in tried.tags if tag_key(row.name) in tried.told}
    has = {tag_key(tag) for tag in person.tags}
    kept = {tag_key(row.name) for row in tried.tags if row.in_kit is not None} - told.keys()
    wanted = kept | {key for key, row in told.items() if row.wanted}
    # One that a worker may not have seen yet may stay.
    may = {key for key, row in told.items() if row.in_kit is not None and takes_off(row.name, tried)}
    assert wanted <= has <= wanted | may, note
    for row in tried.fields:
        if row.name == "first_name":
            continue
        should = row.wanted if row.name in tried.told else row.in_kit
        key = row.name.lower().replace(" ", "_")
        assert person.fields.get(key) == should, f"{row}\n{note}"


async def all_agree(folder: Path, file: str, known_ttl: float, happens: Sequence[Happens]) -> None:
    """Fail unless each event, one after the other, does what was told of it before."""
    (folder / "accounts").mkdir()
    (folder / "accounts" / "sunny.yaml").write_text(file)
    account = load_accounts(folder, {"KIT_API_KEY": KEY}).accounts["sunny"]
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with (
        Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as sandbox,
        Ledger(database, worker="here", clock=Clock()) as ledger,
    ):
        bench = Bench(account, ledger, sandbox, known_ttl)
        bodies: list[tuple[bytes, str]] = []
        async with bench.client, bench.worker.working():
            for number, each in enumerate(happens):
                by_hand(bench.kit, each.by_hand, NAMES[each.who % len(NAMES)])
                if 0 < each.copies <= len(bodies):
                    bodies.append(bodies[-each.copies])
                else:
                    bodies.append((body_of(number, each), each.kind))
                await bench.comes(*bodies[-1])


@pytest.fixture(autouse=True, scope="module")
def _lists_are_fresh() -> Iterator[None]:
    """Workers see at once what is made in Kit by hand; else they look at its lists again after a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "LIST_AGAIN_AFTER", 0.0)
        yield


@pytest.mark.timeout(400)  # for each event the ledger, Kit and a worker are asked
@given(
    st.lists(HAPPENS, min_size=50, max_size=50),
    st.sampled_from(["always", "if_created"]),
    st.sampled_from(["user_id", "email"]),
    st.sampled_from([0.0, 3600.0]),
)
@settings(max_examples=40, deadline=None)
async def test_what_is_told_is_what_then_happens(
    happens: list[Happens], first_name: str, identity: str, known_ttl: float
) -> None:
    """Given 2,000 events in all, each is told before it comes: its end, its calls, and its person then."""
    file = FILE.format(first_name=first_name, identity=identity)
    file = file.replace("options: {", "options: {max_new_taggings_per_hour: 1000000, ")
    with tempfile.TemporaryDirectory() as name:
        await all_agree(Path(name), file, known_ttl, happens)


async def test_whom_somebody_deleted_and_made_anew_in_kit_is_not_whom_a_worker_asks(tmp_path: Path) -> None:
    signed_up, canceled, deleted = "user.signed_up", "subscription.canceled", "user.deleted"
    cy = [(deleted, 3, 2, 56, 21, 9, 0), (signed_up, 2, -1, 14, 42, 9, 0), (canceled, 2, -1, 56, 59, 0, 0)]
    cy += [(signed_up, 2, -1, 0, 0, 1, 0), (canceled, 2, -1, 0, 0, 9, 0)]
    file, happens = FILE.format(first_name="always", identity="user_id"), [Happens(*each) for each in cy]
    await all_agree(tmp_path, file, 3600.0, happens)
