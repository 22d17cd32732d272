"""Any text that an event may carry, in any place: as it is, or made plain, and the same on both databases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.ledger.harness import ACCOUNT, ADA, NewLedger, entry, fill, load, order
from worker.ledger.forgetting import forget
from worker.ledger.history import addresses, find_history
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.outside.texts import redacted
from worker.subscribers.identity import MAX_ID, id_key, plain
from worker.subscribers.known import Batch, Person
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart, Moved

ODD = {
    "quotes": 'it\'s "so" `they` say; DROP TABLE history; --',
    "percent": "100% _a_ \\% /_ [x] * ?",
    "emoji": "👩‍🍳🇦🇹 e\u0301 \u202eright to left",
    "lines": "a\r\n\tb\x7f\x1b[31m\u2028",
    "blank": " ",
    "json": '{"moved":["eve@example.com",',
    "placeholders": "$1 :name ? %(name)s {0}",
    "long": "x" * 255,
    "long emoji": "😀" * 255,
}
UNPLAIN = {
    "NUL": "a\0b",
    "surrogate": "a\ud800b",
    "many NULs": "\0" * 255,
    "many surrogates": "\udfff" * 255,
    "NUL and emoji": "\0" + "😀" * 254,
}
EMAILS = [
    "o'brien@example.com", "100%@example.com", "a_b@example.com", "éva@bücher.example.org", "用户@例子.广告",
    "a`b{c}|d~e@example.com", "a/b=c?d^e!#$&*+@example.com",
    f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 50}.org",
]  # fmt: skip
any_text = st.text(st.characters(exclude_categories=()), max_size=300)  # surrogates, too


@pytest.mark.parametrize("odd", [*ODD.values(), *UNPLAIN.values()], ids=[*ODD, *UNPLAIN])
async def test_any_text_of_an_event_is_kept(ledger: Ledger, odd: str) -> None:
    """Given odd text wherever an event or Kit may put it, the batch is written, and the record comes back."""
    wish = Part(TagWish(odd, present=True), order(1))
    saved = Record(
        ADA,
        7,
        tags={odd: KnownPart(wish, 1.0)},
        fields={odd: KnownPart(Part(odd, order(1)), 1.0)},
        first_name=KnownPart(Part(odd, order(1)), 1.0),
        seen={odd: None},
        users={id_key(odd): order(1)},
    )
    call = {"call": odd, "what": odd, "status": 200, "rules": [0]}
    line = entry(odd[:64], odd, event_type=odd, detail=odd * 20, calls=(call,))
    tenure = await fill(ledger, Batch([saved], [Person(id_key(odd), ADA)], [line]))

    known = await load(ledger, tenure, ADA, users=[id_key(odd)])

    found = known.records[ADA]
    assert (found.tags, found.fields) == (saved.tags, saved.fields)
    assert (found.first_name, found.seen, found.users) == (saved.first_name, saved.seen, saved.users)
    assert known.people == {id_key(odd): Person(id_key(odd), ADA)}
    (shown,) = await find_history(ledger.database, account=ACCOUNT)
    assert shown.calls == (call,)
    assert (shown.email, shown.detail) == (plain(odd[:64]), plain(odd * 20))
    if odd in ODD.values():
        assert (shown.event_id, shown.event_type) == (odd, odd)
        assert await find_history(ledger.database, event_id=odd) == [shown]


@pytest.mark.parametrize("odd", UNPLAIN.values(), ids=UNPLAIN)
async def test_an_event_with_unplain_text_is_found_by_its_id(ledger: Ledger, odd: str) -> None:
    """Given an id that no database takes as it is, the line is found by the id that it shows."""
    await fill(ledger, Batch(entries=[entry(ADA, odd), entry(ADA, "other")]))
    shown, _ = await find_history(ledger.database, account=ACCOUNT)
    assert shown.event_id is not None
    assert await find_history(ledger.database, event_id=shown.event_id) == [shown]


@pytest.mark.parametrize("email", EMAILS)
async def test_any_address_is_a_key(ledger: Ledger, email: str) -> None:
    """Given an address with odd characters, record, moves and history are its own; it can be forgotten."""
    like = email.replace("_", "x").replace("%", "xyz").replace("?", "x")
    old = Record(ADA, moved=Moved(email, order(2)))
    people = [Person("u-1", email), *([Person("u-2", like)] if like != email else [])]
    records = [old, Record(email, 7), *([Record(like, 8)] if like != email else [])]
    tenure = await fill(ledger, Batch(entries=[entry(ADA)]))
    await ledger.save(tenure, Batch(records, people, moves=[(ADA, email)]))

    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA, email}
    assert await addresses(ledger.database, ADA) == {ADA, email}
    assert len(await find_history(ledger.database, emails=[email])) == 1

    (erased,) = await forget(ledger, email, [])
    assert erased.addresses == {ADA, email}
    assert (erased.records, erased.people, erased.history) == (2, 1, 1)
    tenure = await ledger.take(ACCOUNT)
    known = await load(ledger, tenure, ADA, email, like)
    assert known.records.keys() == {like} - {email}


async def test_a_workers_name_and_state_may_be_any_text(new_ledger: NewLedger) -> None:
    """Given a worker with an odd name, it is seen by others under that name, made plain."""
    for number, odd in enumerate([*ODD.values(), "a\0b", "a\ud800b", "\udcff" * 200]):
        ledger = new_ledger(odd[:200])
        await Registry(ledger, odd[:200], instance=str(number)).beat({"sunny": {"last_error": odd}})
        await ledger.take("sunny")
        overview = await Registry(ledger, "w").overview()
        (view,) = (view for view in overview.workers if view.instance == str(number))
        assert (view.worker, view.accounts) == (id_key(odd[:200]), {"sunny": {"last_error": redacted(odd)}})


# -- made plain: pure --------------------------------------------------------------------------------------


@given(any_text)
def test_plain_text_is_what_every_database_takes(text: str) -> None:
    """Given any text, plain text encodes and has no NUL; and what is plain stays as it is."""
    made = plain(text)
    assert "\0" not in made
    made.encode()
    assert plain(made) == made
    assert made == text or "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


@given(any_text, any_text)
def test_users_are_told_apart_by_their_keys(one: str, other: str) -> None:
    """Given two users' ids, each key is short and plain, and they are the same only where the ids are."""
    assert len(id_key(one)) <= MAX_ID
    assert plain(id_key(one)) == id_key(one)
    if plain(one) != plain(other):
        assert id_key(one) != id_key(other)


def test_long_ids_that_begin_alike_are_two_users() -> None:
    """Given two very long ids that differ at the end only, their keys differ, too."""
    assert id_key("x" * 5000 + "1") != id_key("x" * 5000 + "2")
