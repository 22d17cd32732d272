"""Old texts of account files, kept so that one can go back to them, on both databases."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.clocks import StandingClock
from tests.integration.ledger.harness import ACCOUNT, ADA, NOON, contents
from worker.accounts.saving import sha256_of
from worker.ledger.store import Ledger
from worker.ledger.versions import FOUND, MOST_KEPT, Version, Versions

TEXT = "\ufeffkit: {api_key_env: KIT_API_KEY}\r\n# ä 🎉"


async def told(versions: Versions, account: str = ACCOUNT) -> list[tuple[str, str | None]]:
    """Return who saved which text, the newest first."""
    return [(each.who, await versions.text(account, each.id)) for each in await versions.page(account)]


async def test_a_text_is_kept_to_the_letter(ledger: Ledger, clock: StandingClock) -> None:
    versions = Versions(ledger)
    clock.turn_to(NOON.timestamp() + 5)

    assert await versions.keep(ACCOUNT, "admin", TEXT)

    (kept,) = await versions.page(ACCOUNT)
    assert kept == Version(kept.id, NOON.timestamp() + 5, "admin", sha256(TEXT.encode()).hexdigest())
    assert kept.sha256 == sha256_of(TEXT)
    assert await versions.text(ACCOUNT, kept.id) == TEXT


async def test_the_text_that_is_replaced_is_kept_unless_it_is_the_newest(ledger: Ledger) -> None:
    """Given that somebody edits the file by hand between two saves, that text is there, too."""
    versions = Versions(ledger)
    await versions.keep(ACCOUNT, "ada", "two", replaced="one")
    await versions.keep(ACCOUNT, "bob", "three", replaced="two")
    await versions.keep(ACCOUNT, "ada", "five", replaced="four, by hand")
    await versions.keep(ACCOUNT, "ada", "five", replaced="five")
    await versions.keep(ACCOUNT, "bob", "two", replaced="five")

    assert await told(versions) == [
        ("bob", "two"), ("ada", "five"), (FOUND, "four, by hand"),
        ("bob", "three"), ("ada", "two"), (FOUND, "one"),
    ]  # fmt: skip


async def test_another_accounts_version_is_not_to_be_had(ledger: Ledger) -> None:
    """Given the number of somebody else's version, nobody gets its text."""
    versions = Versions(ledger)
    await versions.keep(ACCOUNT, "ada", "mine")
    (kept,) = await versions.page(ACCOUNT)

    assert await versions.text("rainy", kept.id) is None
    assert await versions.page("rainy") == []


async def test_only_the_newest_are_kept_and_come_in_pages(ledger: Ledger) -> None:
    versions = Versions(ledger)
    await versions.keep("rainy", "ada", "another account's")
    for number in range(MOST_KEPT + 3):
        await versions.keep(ACCOUNT, "ada", str(number))

    seen: list[str | None] = []
    page = await versions.page(ACCOUNT)
    while page:
        seen += [await versions.text(ACCOUNT, each.id) for each in page]
        page = await versions.page(ACCOUNT, before=page[-1].id)

    assert seen == [str(number) for number in range(MOST_KEPT + 2, 2, -1)]
    assert len(await versions.page("rainy")) == 1


@pytest.mark.parametrize("text", [f"# ask {ADA}\n", "kit: {api_key_env: kit_0123456789abcdef}"])
async def test_a_text_that_names_somebody_or_a_secret_is_not_kept(ledger: Ledger, text: str) -> None:
    """Given a file with an address in it, whoever saves is told that it is not kept; the other one is."""
    versions = Versions(ledger)

    assert not await versions.keep(ACCOUNT, "ada", "kit: {}", replaced=text)
    assert not await versions.keep(ACCOUNT, "ada", text)

    assert await told(versions) == [("ada", "kit: {}")]


async def test_who_is_never_an_address(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match=r"^who saved a version is told by an address or a secret$"):
        await Versions(ledger).keep(ACCOUNT, ADA, "kit: {}")

    await ledger.ready()
    assert (await contents(ledger))["versions"] == []


async def test_what_is_dropped_is_one_accounts(ledger: Ledger) -> None:
    versions = Versions(ledger)
    await versions.keep(ACCOUNT, "ada", "two", replaced="one")
    await versions.keep("rainy", "ada", "three")

    assert await versions.drop(ACCOUNT) == 2

    assert await told(versions) == []
    assert await told(versions, "rainy") == [("ada", "three")]
