"""What the ledger knows of bindings; on both databases."""

from __future__ import annotations

from tests.integration.ledger.harness import ACCOUNT, NewLedger
from worker.ledger.bindings import Bindings, Noted

A, B, C = (("platform.events", f"user.signed_up.{app}") for app in "abc")


async def test_what_was_bound_once_is_known_until_it_is_dropped(new_ledger: NewLedger) -> None:
    """Given a file that names other apps after a restart, the next worker knows what is bound still."""
    assert await Bindings(new_ledger()).note(ACCOUNT, {A, B}) == Noted()
    another = Bindings(new_ledger())
    assert (await another.note(ACCOUNT, {A, C})).bindings == {A, B}
    await another.drop(ACCOUNT, {B})
    assert (await another.note(ACCOUNT, {A, C})).bindings == {A, C}


async def test_that_all_was_declared_is_known_to_every_worker_of_that_account(new_ledger: NewLedger) -> None:
    """Given one that has only noted what it binds, nothing is declared; what says so is no binding."""
    one, another = Bindings(new_ledger()), Bindings(new_ledger())
    await one.note(ACCOUNT, {A})
    assert not (await another.note(ACCOUNT, ())).declared
    await one.note_declared(ACCOUNT)
    await one.note_declared(ACCOUNT)
    assert await another.note(ACCOUNT, ()) == Noted(frozenset({A}), declared=True)
    assert await another.note("rainy", ()) == Noted()


async def test_accounts_and_exchanges_are_told_apart(new_ledger: NewLedger) -> None:
    """Given one key of two accounts, and of two exchanges, each is noted and dropped by itself."""
    bindings = Bindings(new_ledger())
    elsewhere = ("elsewhere", A[1])
    await bindings.note(ACCOUNT, {A, elsewhere})
    await bindings.note("rainy", {A})
    await bindings.drop(ACCOUNT, {A})
    assert (await bindings.note(ACCOUNT, ())).bindings == {elsewhere}
    assert (await bindings.note("rainy", ())).bindings == {A}
