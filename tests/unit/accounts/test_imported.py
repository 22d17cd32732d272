"""What an event from a file asks for, otherwise than one that happens."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from tests.unit.examples import EMAIL, NOON, event
from worker.accounts.account import Account
from worker.accounts.imported import as_imported, without_tags
from worker.accounts.interpret import interpret
from worker.accounts.later import later_of
from worker.events.event import Due, Event, Imported, Origin
from worker.mapping import Asked, EventMapping, FieldTarget, Rule, Template
from worker.subscribers.change import Change

KIND = "access.granted"
ENDS = Template("Trial", until="data.ends")
RULES = (Rule((Template("Late"),), remove_groups=("plan",)),)
ACCOUNT = Account(
    "sunny",
    events={
        KIND: EventMapping(Rule((Template("Member"), ENDS), (Template("Guest"),)), RULES),
        "user.deleted": EventMapping(Rule(tags_off=True, fields_off=True, unsubscribe=True)),
        "order.skipped": EventMapping(Rule(skip=True)),
    },
    fields=(FieldTarget("mk_last_name", "Last name"),),
)


def imported(origin: Origin = Origin.IMPORT, *, kind: str = KIND, ends: str = "", **how: bool | str) -> Event:
    data = {"user": {"email": EMAIL, "last_name": "Lovelace"}, **({"ends": ends} if ends else {})}
    happened = event(1, kind, data)
    return replace(happened, origin=origin, due=Due("run-1", NOON), imported=Imported(**how))  # type: ignore[arg-type]  # each is what it is called


def asked(happened: Event) -> Asked:
    account = ACCOUNT
    if happened.imported is not None and happened.imported.fields_only:
        account = without_tags(account, happened.type)
    found = interpret(happened, account, NOON)
    assert found is not None
    return as_imported(found, happened, account)


def present(change: Change) -> dict[str, bool]:
    return {key: part.value.present for key, part in change.tags.items()}


def test_an_import_asks_for_what_any_event_does_and_somebody_has_agreed() -> None:
    happened = imported()
    change = asked(happened).change
    assert present(change) == {"member": True, "trial": True, "guest": False, "late": True}
    assert change.agreed == {happened.order}
    assert not change.known
    assert not change.first
    assert change.creates is not None


def test_a_marker_comes_first_whatever_the_file_says_of_it() -> None:
    change = asked(imported(marker="Guest")).change
    assert present(change) == {"member": True, "trial": True, "guest": True, "late": True}
    assert change.first == {"guest"}


def test_of_what_is_known_nobody_is_created() -> None:
    happened = imported(known=True)
    change = asked(happened).change
    assert change.known == {happened.order}
    assert change.creates is None


def test_fields_alone_are_neither_tags_nor_the_end_of_mails() -> None:
    """Given tags that end later, nothing of them is left to come, either."""
    ahead = (NOON + timedelta(days=9)).isoformat()
    found = asked(imported(fields_only=True, ends=ahead))
    assert (present(found.change), found.again) == ({}, None)
    assert found.change.fields["Last name"].value == "Lovelace"
    gone = asked(imported(kind="user.deleted", fields_only=True)).change
    assert (gone.tags_off, gone.unsubscribe, gone.creates) == (None, None, None)
    assert gone.fields_off is not None
    assert without_tags(ACCOUNT, "unknown") is ACCOUNT


def test_what_comes_later_is_as_of_any_event_but_for_its_marker() -> None:
    """Given an import of which some takes effect later, that is neither agreed to nor known by then."""
    happened = imported(Origin.DUE, known=True, marker="Old")
    change = asked(happened).change
    assert not change.agreed | change.known
    assert change.first == {"old"}
    assert change.creates is not None
    ahead = imported(ends=(NOON + timedelta(days=9)).isoformat())
    assert later_of(ahead, ACCOUNT, asked(ahead)) is not None


def test_nobody_has_agreed_to_what_another_file_asks_for() -> None:
    """Given a file that was saved since, its new tags count as any event's."""
    assert not asked(imported(version="another")).change.agreed


def test_who_is_skipped_gets_no_marker() -> None:
    assert asked(imported(kind="order.skipped", marker="Old")).change == Change()
