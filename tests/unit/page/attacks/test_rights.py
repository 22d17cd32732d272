"""Who would see or do more than they may, at every address that the page has.

What each attack got stands in docs/page.md, with the names of these tests.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr

from tests.unit.page.attacked import BOB, HOSTILE, ONLY_RAINY, ask, state
from tests.unit.page.routes import ROUTES, Who, addresses, routes
from tests.unit.page.serve import READ_TOKEN, SECRET, Client, admin
from worker.clock import Clock
from worker.page.rights import Signer, operator
from worker.page.views.sign_in import COOKIE

# --  -----------------------------------------------------------------------------------------------------

CLOSED: Final = (Who.SIGNED_IN, Who.OPERATORS, Who.ADMINS)


def test_every_address_has_its_row() -> None:
    """Whoever adds an address says in the table who may ask for it, and all attacks are tried on it."""
    assert sorted(routes()) == sorted(ROUTES)


# -- without a session ------------------------------------------------------------------------------------


def _signed_by(secret: SecretStr, kind: str = "session", *, lasts: float = 3600.0) -> str:
    visitor = replace(operator(may_change=True, now=Clock().time()), until=Clock().time() + lasts)
    return Signer(secret).write_visitor(kind, visitor)  # type: ignore[arg-type]  # any kind


OURS: Final = _signed_by(SECRET)
SESSIONS: Final = {
    "none": "",
    "nonsense": "x.y",
    "expired": _signed_by(SECRET, lasts=-1),
    "foreign": _signed_by(SecretStr("another's secret")),
    "a link": _signed_by(SECRET, "link"),
    "an open question": _signed_by(SECRET, "consent"),
    "a message": _signed_by(SECRET, "message"),
    "of another body": f"{_signed_by(SECRET, lasts=9).partition('.')[0]}.{OURS.partition('.')[2]}",
    "unsigned": OURS.partition(".")[0],
}


@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
async def test_without_a_session_nothing_is_seen_or_done(
    client: Client, tmp_path: Path, session: str
) -> None:
    before = await state(tmp_path)
    if session:
        client.session.cookie_jar.update_cookies({COOKIE: session}, client.root)
    wrong = {}
    for address in addresses(*CLOSED):
        answer = await ask(client, address)
        expected = (303, "") if address.method == "GET" else (403, "nothing was done")
        if answer.status != expected[0] or expected[1] not in answer.text:
            wrong[address.path] = answer.status
        head = await client.ask(address.path, method="HEAD") if address.method == "GET" else answer
        if head.status != answer.status or ONLY_RAINY in answer.text or HOSTILE in answer.text:
            wrong[address.path] = head.status
    assert wrong == {}
    assert await state(tmp_path) == before


LINKS: Final = {
    "expired": admin(lasts=-1),
    "of an operator": operator(may_change=True, now=Clock().time()),
    "of no account": replace(admin(), account=""),
}


@pytest.mark.parametrize("name", [*LINKS, "foreign", "a session", "nonsense"])
async def test_a_link_that_is_none_lets_nobody_in(client: Client, name: str) -> None:
    text = {
        **{name: Signer(SECRET).write_visitor("link", visitor) for name, visitor in LINKS.items()},
        "foreign": Signer(SecretStr("another's secret")).write_visitor("link", admin()),
        "a session": Signer(SECRET).write_visitor("session", admin()),
        "nonsense": "%00.%ff",
    }[name]
    for method in ("GET", "POST"):
        answer = await client.ask(f"/link/{text}", method=method)
        assert (answer.status, "Set-Cookie" in answer.headers) == (403, False)
    assert (await client.ask("/accounts/sunny")).status == 303


# -- who may look, and who may see one account ------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "admin"])
async def test_a_read_only_session_that_posts_by_hand_changes_nothing(
    client: Client, tmp_path: Path, who: str
) -> None:
    await (client.sign_in(READ_TOKEN) if who == "operator" else client.follow(admin(may_change=False)))
    before = await state(tmp_path)
    for address in addresses(Who.OPERATORS, Who.ADMINS, method="POST"):
        answer = await ask(client, address)
        refused = (answer.status, "You may look" in answer.text) == (403, True)
        assert refused is not address.row.only_looks, address.path
    assert await state(tmp_path) == before


async def test_an_admin_finds_nothing_of_another_account(client: Client, tmp_path: Path) -> None:
    """Given an admin of sunny, each address of rainy answers as that of an account which does not exist."""
    await client.follow(admin())
    before = await state(tmp_path)
    nobodys = list(addresses(Who.ADMINS, Who.OPERATORS, account="nobody"))
    for address, nobody in zip(
        addresses(Who.ADMINS, Who.OPERATORS, account="rainy", email=BOB), nobodys, strict=True
    ):
        answer, other = await ask(client, address), await ask(client, nobody)
        assert answer.status == 404, address.path
        assert (answer.text, ONLY_RAINY in answer.text) == (other.text, False), address.path
    assert await state(tmp_path) == before


async def test_an_admin_gets_nothing_anothers_by_its_number_or_name(client: Client, tmp_path: Path) -> None:
    """Given people, versions and lines of rainy, sunny's own views show none of them, nor change any."""
    await client.follow(admin())
    before = (await state(tmp_path))["rainy.yaml"]
    for number in map(str, range(1, 9)):
        for address in addresses(Who.ADMINS, email=BOB, version=number, number=number, run=number):
            answer = await ask(client, address)
            assert ONLY_RAINY not in answer.text, address.path
        for query in (f"?before={number}", f"?after={number}", f"?find={ONLY_RAINY}"):
            for address in addresses(Who.ADMINS, method="GET", email=BOB):
                text = (await client.ask(address.path.partition("?")[0] + query)).text
                assert ONLY_RAINY not in text.replace(f"“{ONLY_RAINY}”", "").replace(
                    f'value="{ONLY_RAINY}"', ""
                )
    assert (await state(tmp_path))["rainy.yaml"] == before


async def test_an_admin_does_nothing_that_is_for_operators(client: Client, tmp_path: Path) -> None:
    await client.follow(admin())
    before = await state(tmp_path)
    for address in addresses(Who.OPERATORS):
        assert (await ask(client, address)).status in {403, 404}, address.path
    assert await state(tmp_path) == before
