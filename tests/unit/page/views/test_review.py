"""Between a change and the file: what is shown before, and who and what may come in between."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from multidict import MultiDict

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import TOKEN, Client, admin, served
from worker.accounts import saving
from worker.clock import Clock
from worker.errors import CannotSave, LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ledger.versions import Versions
from worker.subscribers.known import Batch, HistoryEntry

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
events:
  order.paid: {add_tags: [Buyer]}   # who buys
  order.sent: {add_tags: [Sent]}
"""
PLACE = "/accounts/sunny/events/edit"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "sunny.yaml"


async def with_tag(client: Client, tag: str, kind: str = "order.paid") -> MultiDict[str]:
    """The form of an event, a tag filled in."""
    form = form_on((await client.ask(f"{PLACE}?event={kind}")).text, "/events/edit")
    fill(form, "add.tag", tag)
    return form


async def looked_at(client: Client, form: MultiDict[str]) -> MultiDict[str]:
    return form_on((await press(client, PLACE, form, "review")).text, "/events/edit")


# -- two people --------------------------------------------------------------------------------------------


async def test_the_second_of_two_people_is_told_and_loses_nothing(client: Client, file: Path) -> None:
    """Given two admins who have both seen what they change, the slower one sees it again, anew."""
    await client.follow(admin())
    one, other = await with_tag(client, "One"), await with_tag(client, "Other", "order.sent")
    first, second = await looked_at(client, one), await looked_at(client, other)
    assert (await press(client, PLACE, first, "save")).status == 303

    told = await press(client, PLACE, second, "save")

    assert told.status == 200
    assert "Somebody else has saved this file since you opened it: admin of sunny, on " in told.text
    assert "+   order.sent: {add_tags: [Other]}" in told.text
    assert file.read_text() == FILE.replace("Buyer", "One")
    again = form_on(told.text, "/events/edit")
    assert again.getall("add.tag")[0] == "Other"
    assert (await press(client, PLACE, again, "save")).status == 303
    assert file.read_text() == FILE.replace("Buyer", "One").replace("[Sent]", "[Other]")


async def test_of_two_changes_of_one_event_the_second_shows_what_it_takes_out(client: Client) -> None:
    one, other = await with_tag(client, "One"), await with_tag(client, "Other")
    first = await looked_at(client, one)
    await press(client, PLACE, first, "save")
    told = await press(client, PLACE, other, "review")
    assert "Somebody else has saved this file" in told.text
    assert "-   order.paid: {add_tags: [One]}   # who buys" in told.text
    assert "+   order.paid: {add_tags: [Other]}   # who buys" in told.text


async def test_a_file_that_changes_on_disk_between_looking_and_saving_stays(
    client: Client, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an editor that saves after the page has read the file, the last look before renaming finds it."""
    form = await looked_at(client, await with_tag(client, "VIP"))
    newer = f"{FILE}# by hand\n"
    check = saving._check_same

    def late(target: Path, mark: str) -> None:
        if "by hand" not in target.read_text():
            target.write_text(newer)
        check(target, mark)

    monkeypatch.setattr(saving, "_check_same", late)
    told = await press(client, PLACE, form, "save")
    assert (told.status, "Somebody else has saved this file since you opened it." in told.text) == (200, True)
    assert file.read_text() == newer
    assert (await press(client, PLACE, form_on(told.text, "/events/edit"), "save")).status == 303
    assert file.read_text() == newer.replace("Buyer", "VIP")


async def test_a_file_that_is_gone_is_not_made_again(client: Client, file: Path) -> None:
    form = await looked_at(client, await with_tag(client, "VIP"))
    file.unlink()
    told = await press(client, PLACE, form, "save")
    assert (told.status, "cannot be read" in told.text, file.exists()) == (422, True, False)
    assert form_on(told.text, "/events/edit").getall("add.tag")[0] == "VIP"


# -- what cannot be saved ----------------------------------------------------------------------------------


def says_full(_: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def not_allowed(_: Path) -> tuple[int, bool]:
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("where", "name", "failing", "said"),
    [
        (os, "fsync", says_full, "its disk is full; make room, then save again; the file is as it was"),
        (saving, "_new_file", not_allowed, "or copy your text and let an operator save it"),
    ],
    ids=["full", "not writable"],
)
async def test_what_cannot_be_saved_can_be_copied_downloaded_and_saved_later(
    client: Client,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: object,
    name: str,
    failing: object,
    said: str,
) -> None:
    """Given a disk that is full in mid-save, or a folder that may not be written, the old file stays."""
    form = await looked_at(client, await with_tag(client, "VIP"))
    with monkeypatch.context() as patch:
        patch.setattr(where, name, failing)
        told = await press(client, PLACE, form, "save")
    new = FILE.replace("Buyer", "VIP")
    assert (told.status, said in told.text) == (503, True)
    assert (file.read_text(), sorted(file.parent.iterdir())) == (FILE, [file.with_name("rainy.yaml"), file])
    assert "add_tags: [VIP]}   # who buys" in told.text

    again = form_on(told.text, "/events/edit")
    download = await press(client, PLACE, again, "download")
    assert download.text == new
    assert download.headers["Content-Disposition"] == 'attachment; filename="sunny.yaml"'
    assert (await press(client, PLACE, again, "save")).status == 303
    assert file.read_text() == new


async def test_a_disk_that_may_lose_what_is_saved_is_told(
    client: Client, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await looked_at(client, await with_tag(client, "VIP"))

    def failing(_: Path, __: int) -> None:
        raise CannotSave("sunny.yaml is saved, but its disk may lose that")

    monkeypatch.setattr(saving, "_settle", failing)
    assert (await press(client, PLACE, form, "save")).status == 303
    assert "its disk may lose that" in (await client.ask("/accounts/sunny/versions")).text
    assert "VIP" in file.read_text()


async def test_without_the_ledger_it_is_saved_and_said_to_be_no_version(
    client: Client, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = await looked_at(client, await with_tag(client, "VIP"))

    async def away(*_: object, **__: object) -> bool:
        raise LedgerUnavailable("it is away")

    with monkeypatch.context() as patch:
        patch.setattr(Versions, "keep", away)
        assert (await press(client, PLACE, form, "save")).status == 303
    assert "It is kept as no version: it is away." in (await client.ask("/accounts/sunny/versions")).text
    assert "VIP" in file.read_text()


async def test_what_an_operator_alone_may_change_stays(tmp_path: Path) -> None:
    """Given a file whose kit: borrows from events, an edit there would change it, and is refused."""
    text = FILE.replace("{api_key_env: KIT_API_KEY_SUNNY}", "&k {api_key_env: KIT_API_KEY_SUNNY}")
    async with served(tmp_path, texts={"sunny": f"{text}app2: *k\n"}) as client:
        await client.sign_in(TOKEN)
        told = await press(client, PLACE, await with_tag(client, "VIP"), "review")
    assert (told.status, "Only an operator changes this, in the file itself: app2." in told.text) == (
        422,
        True,
    )


# -- what is shown before ----------------------------------------------------------------------------------


async def test_the_last_events_tell_what_would_have_been_otherwise(client: Client, tmp_path: Path) -> None:
    tag = {"call": "POST /v4/tags/{}/subscribers/{}", "what": "tag 'Buyer'", "status": 201, "rules": [0]}
    kinds = [*["order.paid"] * 12, *["order.sent"] * 3, "user.signed_up"]
    now = Clock().now()
    lines = [
        HistoryEntry("ada@example.com", None, kind, now, Clock().time(), "applied", calls=(tag,))
        for kind in kinds
    ]
    await write_history(tmp_path, lines)
    told = await press(client, PLACE, await with_tag(client, "VIP"), "review")
    assert "Of the last 16 events, 12 (order.paid 12) would have done something else." in told.text


async def write_history(folder: Path, lines: list[HistoryEntry]) -> None:
    url = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    async with Ledger(Database(url), worker="one", clock=Clock()) as ledger:
        tenure = await ledger.take("sunny")
        await ledger.save(tenure, Batch(entries=lines))


async def test_findings_that_a_change_brings_or_mends_are_told(client: Client, file: Path) -> None:
    slip = await press(client, PLACE, await with_tag(client, "Sends"), "review")
    assert "What is probably wrong then, and is not now" not in slip.text
    file.write_text(FILE.replace("Buyer", "Customers").replace("Sent", "Customer"))
    mended = await press(client, PLACE, await with_tag(client, "Customer"), "review")
    assert "What is probably wrong now, and is not then" in mended.text
    assert "<code>similar-tags</code>" in mended.text
    file.write_text(FILE.replace("Buyer", "Customer"))
    wrong = await press(client, PLACE, await with_tag(client, "Customers", "order.sent"), "review")
    assert "What is probably wrong then, and is not now" in wrong.text
    assert "<code>similar-tags</code>" in wrong.text


async def test_where_nothing_came_that_is_said(client: Client) -> None:
    told = await press(client, PLACE, await with_tag(client, "VIP"), "review")
    assert "No event has come yet that it could be tried on." in told.text


async def test_who_saved_is_named_without_their_address(client: Client, tmp_path: Path) -> None:
    """Given a link that calls its admin by an address, neither journal nor versions hold it."""
    await client.follow(replace(admin(), who="ada@example.com"))
    await press(client, PLACE, await looked_at(client, await with_tag(client, "VIP")), "save")
    for view in ("/accounts/sunny/versions", "/accounts/sunny/journal"):
        assert "a…@example.com" in (await client.ask(view)).text
    assert b"ada@example.com" not in (tmp_path / "ledger.db").read_bytes()
