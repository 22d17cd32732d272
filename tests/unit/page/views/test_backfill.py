"""Taking members in from a file, over HTTP: who may, what they see, what is kept, and what is begun."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import select
from yarl import URL

from tests.unit.kept_people import apply_events
from tests.unit.page.attacked import state
from tests.unit.page.forms import form_on
from tests.unit.page.planning import opened, until_due
from tests.unit.page.serve import READ_TOKEN, TOKEN, Answer, Client, admin, served
from tests.unit.page.views.test_people_look import FILE, bought, words_of
from worker.accounts.load import load_accounts
from worker.ledger.forgetting import forget
from worker.ledger.schema import due
from worker.ledger.timers import Timers
from worker.ops.backfill.run import HowFar, latest, stage_of
from worker.page import backfilling, behind, upload
from worker.page.views import backfill
from worker.subscribers.item import ROW_TOLD
from worker.subscribers.known import Batch, HistoryEntry

PLACE = "/accounts/sunny/backfill"
BUTTON = f'action="{PLACE}/run"'
RISING = {"type": "order.paid", "as_of": "2024-01-01T00:00:00Z"}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy this machine is, a small file's plan is made, and handed over, at once."""
    for module in (backfilling, behind):
        monkeypatch.setattr(module, "WITHIN", 30.0)
    monkeypatch.setattr(backfilling, "EVERY", 0.05)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


def table(count: int = 30) -> bytes:
    lines = ["email,Shoe size", *(f"person{number:02}@example.com,42" for number in range(count))]
    return "\r\n".join(lines).encode()


async def send(
    client: Client, content: bytes, boxes: Mapping[str, str] = RISING, *, place: str = PLACE
) -> Answer:
    """Upload a file, as the form of the view does."""
    form = aiohttp.FormData()
    for name, text in boxes.items():
        form.add_field(name, text)
    form.add_field("file", io.BytesIO(content), filename="members.csv", content_type="text/csv")
    return await post(client, form, place=place)


async def post(client: Client, data: Any, *, place: str = PLACE, **headers: str) -> Answer:  # noqa: ANN401  # any body
    address = URL(f"{client.root}{place}", encoded=True)
    said = {"Sec-Fetch-Site": "same-origin", **headers}
    async with client.session.post(address, data=data, headers=said, allow_redirects=False) as answer:
        place = answer.headers.get("Location", "")
        return Answer(answer.status, await answer.text(), answer.headers, place)


async def seen(client: Client, *words: str) -> str:
    """Return what the view says once these words are there."""
    async with asyncio.timeout(30):
        while True:
            view = (await client.ask(PLACE)).text
            if all(each in words_of(view) for each in words):
                return view
            await asyncio.sleep(0.02)


async def begun(client: Client, folder: Path) -> str:
    """Have a file of 30 rows taken in; return the name of the run."""
    assert (await send(client, table())).place == PLACE
    run = form_on((await client.ask(PLACE)).text, "/run")["run"]
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    await until_due(folder, 30)
    return str(run)


async def workers_take_in(folder: Path, some: int = 1000) -> None:
    """Let rows that wait end, each having put on a tag, as a worker writes it."""
    async with opened(folder) as ledger:
        async with ledger.database.read() as connection:
            rows = (await connection.execute(select(due).order_by(due.c.id).limit(some))).all()
        now, call = ledger.clock.now(), {"call": "POST", "what": "tag 'Buyer'", "status": 201, "rules": [0]}
        entries = [
            HistoryEntry(
                row.email, row.event_id, row.event_type, now, now.timestamp(), "applied",
                f"{ROW_TOLD}{row.id}", (call,),
            )
            for row in rows
        ]  # fmt: skip
        await ledger.save(await ledger.take("sunny"), Batch(entries=entries, past=[row.id for row in rows]))


async def test_a_plan_tells_what_a_file_would_do_and_changes_nothing(client: Client, tmp_path: Path) -> None:
    view = (await client.ask(PLACE)).text
    assert 'type="file"' in view
    assert "kit-worker backfill" in view
    await send(client, table())
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "members.csv, uploaded by operator." in told
    assert "It is read as a table with commas between its cells." in told
    assert "Columns that are not read: Shoe size" in told
    assert "30 rows are taken in" in told
    assert "New taggings, each of which may start an automation and send mail: 30." in told
    assert "Buyer 30 30 0" in told
    assert "Of these people the ledger does not know that Kit has them: 30." in told
    assert "This is by what the ledger knows" in told
    assert view.count('<a href="/accounts/sunny/people/person') == 10
    assert "Take 30 rows in, and put 30 tags newly on" in told
    assert BUTTON in view
    await until_due(tmp_path, 0)
    journal = words_of((await client.ask("/accounts/sunny/journal")).text)
    assert "A plan for 30 rows, with 30 new taggings; nothing is done yet" in journal


@pytest.mark.parametrize("typed", ["", "29", "3", "abc", "030"])
async def test_nothing_is_begun_without_the_number_of_new_taggings(
    client: Client, tmp_path: Path, typed: str
) -> None:
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": typed})
    view = (await client.ask(PLACE)).text
    assert "Nothing was begun: the plan has 30 new taggings" in words_of(view)
    assert BUTTON in view
    await until_due(tmp_path, 0)


async def test_wrong_rows_are_told_with_their_lines_and_left_out_only_if_somebody_says_so(
    client: Client, tmp_path: Path
) -> None:
    wrong = table(2) + b"\r\nnobody,1\r\nada@example.com,1,2"
    await send(client, wrong)
    view = (await client.ask(PLACE)).text
    told = words_of(view)
    assert "2 rows are wrong; nobody can take them" in told
    assert "Line 4: " in told
    assert "Line 5: it has 3 cells" in told
    assert BUTTON not in view
    await send(client, wrong, {**RISING, "skip_wrong": "yes"})
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "2"})
    await until_due(tmp_path, 2)


async def test_it_is_taken_in_followed_counted_and_taken_back(client: Client, tmp_path: Path) -> None:
    await client.follow(admin())
    run = await begun(client, tmp_path)
    view = await seen(client, "0 of 30 rows are done.", "by admin of sunny")
    assert "The plan" not in view
    await workers_take_in(tmp_path, 10)
    await seen(client, "10 of 30 rows are done; it takes about")
    await workers_take_in(tmp_path)
    await seen(client, "Done: 30 of 30 rows; 30 are applied.")
    async with opened(tmp_path) as ledger:
        assert stage_of(await latest(ledger, "sunny", run)) is HowFar.HANDED_OVER
    await client.ask(f"{PLACE}/undo", {"run": run})
    await seen(client, "Nothing was done: tick the box first.")
    await client.ask(f"{PLACE}/undo", {"run": run, "sure": "yes"})
    await seen(client, "It is being taken back: 30 of 30 are left.")
    async with opened(tmp_path) as ledger:
        await Timers(ledger).drop("sunny")
    view = await seen(client, "What 30 rows put on is taken back.")
    assert "/undo" not in view
    await client.ask(f"{PLACE}/undo", {"run": run, "sure": "yes"})
    await seen(client, "Nothing was done: there is no such run.")


async def test_the_same_file_is_not_taken_in_twice(client: Client, tmp_path: Path) -> None:
    run = await begun(client, tmp_path)
    await send(client, table())
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    await seen(client, "Nothing was begun: the workers have this file, by these options, already.")
    await until_due(tmp_path, 30)


async def test_it_is_stopped_and_the_rest_can_be_taken_in_later(client: Client, tmp_path: Path) -> None:
    run = await begun(client, tmp_path)
    await workers_take_in(tmp_path, 10)
    await client.ask(f"{PLACE}/stop", {"run": run})
    await seen(client, "It is stopped: 20 rows are not taken in.")
    told = words_of(await seen(client, "Done: 10 of 30 rows; 10 are applied; 20: they were not taken in"))
    assert "stop ended" in told
    async with opened(tmp_path) as ledger:
        assert stage_of(await latest(ledger, "sunny", run)) is HowFar.NEW


async def test_a_plan_for_another_version_of_the_accounts_file_is_not_begun(
    client: Client, tmp_path: Path
) -> None:
    """Given another version of the account's file, whoever agreed did so to something else."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    (tmp_path / "accounts" / "sunny.yaml").write_text(FILE.replace("[Buyer]", "[Buyer, VIP]"))
    await seen(client, "The file was let go, as another version of the account's file is in force by now.")
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "Nothing was begun: that file is not kept any more")
    assert "person0" not in view
    await until_due(tmp_path, 0)


async def test_a_plan_that_is_another_one_by_now_is_shown_anew_and_not_begun(
    client: Client, tmp_path: Path
) -> None:
    """Given live events that have put some of the tags on meanwhile, there are fewer new ones to agree to."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    account = load_accounts(tmp_path, {"KIT_API_KEY_SUNNY": "k"}).accounts["sunny"]
    async with opened(tmp_path) as ledger:
        await apply_events(ledger, account, list(bought())[:10])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "Nothing was begun: there would be 20 new taggings by now.", "Buyer 20 20 0")
    assert BUTTON in view
    await until_due(tmp_path, 0)
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "20"})
    await until_due(tmp_path, 30)


async def test_once_somebody_is_forgotten_nothing_of_the_file_is_kept(client: Client, tmp_path: Path) -> None:
    """Given a plan that waits, `forget` reaches it at once, also where another process says it."""
    await send(client, table())
    run = str(form_on((await client.ask(PLACE)).text, "/run")["run"])
    async with opened(tmp_path) as ledger:
        await forget(ledger, "person07@example.com", ["sunny"])
    await client.ask(f"{PLACE}/run", {"run": run, "taggings": "30"})
    view = await seen(client, "The file was let go, since somebody was forgotten in this account")
    assert "person0" not in view
    await until_due(tmp_path, 0)


async def test_a_file_waits_for_its_time_only_or_until_somebody_lets_it_go(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send(client, table())
    await client.ask(f"{PLACE}/away", {})
    view = (await client.ask(PLACE)).text
    assert "nothing of it is kept here" in view
    assert "person0" not in view
    monkeypatch.setattr(backfilling, "KEPT_FOR", 0.0)
    await send(client, table())
    await seen(client, "The file was let go, as nobody agreed to its plan for an hour")


async def test_what_the_options_say_is_done(client: Client) -> None:
    row = {"type": "order.paid", "time": "2024-01-01T00:00:00Z", "data": {"user": {"email": "a@example.com"}}}
    await send(client, json.dumps(row).encode(), {"marker": "Imported"})
    told = words_of((await client.ask(PLACE)).text)
    assert "Everybody gets the tag 'Imported' before all others." in told
    assert "put 2 tags newly on" in told
    await send(client, json.dumps(row).encode(), {"known": "yes"})
    assert "Kit is not called" in words_of((await client.ask(PLACE)).text)
    await send(client, b"Mail\nada@example.com", {**RISING, "columns": "Mail=email"})
    assert "1 rows are taken in" in words_of((await client.ask(PLACE)).text)


REFUSED: Mapping[str, tuple[bytes, Mapping[str, str], str]] = {
    "nothing": (b"", RISING, "there is no file, or nothing is in it"),
    "a zip archive": (b"PK\x03\x04 and more", RISING, "it is a spreadsheet or a zip archive"),
    "odd bytes": (b"\xff\xfe\x00\x01", RISING, "it is UTF-16"),
    "no text": (b"\x80\x81\x82", RISING, "it is not UTF-8"),
    "no table": (b"hello", RISING, "no column is the email address"),
    "no time": (table(), {"as_of": "yesterday"}, "No plan was made: --as-of"),
    "no column": (table(), {**RISING, "columns": "Shoe size"}, "should be COLUMN=PATH"),
    "two that fight": (
        table(), {**RISING, "known": "yes", "marker": "Imported"}, "nobody can get a --marker-tag"
    ),
    "too many lines": (b"\n" * 100_001, RISING, "more than 100,000 lines"),
    "a list of JSON": (b"[" * 100_000, RISING, "it is one list of JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_file_of_members_is_refused_with_why(client: Client, name: str) -> None:
    content, boxes, why = REFUSED[name]
    await send(client, content, boxes)
    assert why in words_of((await client.ask(PLACE)).text)


async def test_deep_and_endless_rows_are_wrong_rows(client: Client) -> None:
    rows = b"\n".join((b'{"data": ' + b"[" * 100_000, b'{"type": "' + b"x" * 600_000, b"\x00\xff"))
    assert (await send(client, b"{}\n" + rows)).status == 303
    assert "4 rows are wrong" in words_of((await client.ask(PLACE)).text)


# -- what is no upload --------------------------------------------------------------------------------------

FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="m.csv"\r\n\r\n'
BROKEN: Mapping[str, tuple[str, bytes]] = {
    "no multipart": ("application/x-www-form-urlencoded", b"file=1"),
    "no boundary": ("multipart/form-data", PART),
    "an empty boundary": ("multipart/form-data; boundary=", PART),
    "another boundary": ("multipart/form-data; boundary=c", PART + b"x\r\n--b--\r\n"),
    "no end": (FORM, PART + b"email\r\n"),
    "no parts": (FORM, b""),
    "no head": (FORM, b"--b\r\n\xff\xfe\r\n\r\nx\r\n--b--\r\n"),
    "a part in a part": (FORM, b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n"),
    "many parts": (FORM, b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n' * 50 + b"--b--\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_whole_form_is_refused(client: Client, tmp_path: Path, name: str) -> None:
    before, (kind, body) = await state(tmp_path), BROKEN[name]
    answer = await post(client, body, **{"Content-Type": kind})
    assert (answer.status, "Nothing was done." in answer.text) == (400, True)
    assert await state(tmp_path) == before


async def test_more_than_ten_megabytes_are_refused_before_and_while_they_come(client: Client) -> None:
    """Given one that says how large it is, one that has no end, and a box that is a file, none is kept."""
    eleven = b"x" * (11 * 1024 * 1024)
    assert (await send(client, eleven)).status == 413
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        yield PART
        while pieces < 10_000:
            pieces += 1
            yield b"x" * 65536

    try:
        answer = await post(client, endless(), **{"Content-Type": FORM})
        assert answer.status == 413
        assert "kit-worker backfill" in answer.text
    except aiohttp.ClientError:
        pass  # it went on sending, and was hung up on
    assert pieces < 10_000
    assert (await send(client, table(), {"type": "x" * 5000})).status == 413
    assert "person0" not in (await client.ask(PLACE)).text


async def test_only_this_address_takes_so_much(client: Client) -> None:
    for place in (f"{PLACE}/stop", "/accounts/sunny/drift/repair", "/accounts/sunny/apply/start"):
        assert (await send(client, b"x" * 200_000, place=place)).status == 413, place


async def test_who_may_not_is_refused_before_anything_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: object) -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(backfill, "uploaded", never)
    for who in (admin("rainy"), admin(may_change=False)):
        client.session.cookie_jar.clear()
        await client.follow(who)
        assert (await send(client, table())).status == (403 if who.account == "sunny" else 404)
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    assert (await send(client, table())).status == 403


async def test_one_that_is_slow_is_ended_and_only_some_come_at_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "WITHIN", 0.2)
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield PART
        await more.wait()

    coming = [asyncio.create_task(post(client, slow(), **{"Content-Type": FORM})) for _ in range(4)]
    try:
        answers = [await each for each in asyncio.as_completed(coming)]
    finally:
        more.set()
    assert sorted(each.status for each in answers) == [408, 408, 408, 503]


async def test_who_only_looks_sees_the_plan_and_no_button(client: Client, tmp_path: Path) -> None:
    await send(client, table())
    client.session.cookie_jar.clear()
    await client.sign_in(READ_TOKEN)
    view = (await client.ask(PLACE)).text
    assert "Buyer 30 30 0" in words_of(view)
    assert f'action="{PLACE}' not in view
    client.session.cookie_jar.clear()
    await client.follow(admin("rainy"))
    assert (await client.ask(PLACE)).status == 404
    assert "person0" not in (await client.ask("/accounts/rainy/backfill")).text
    await until_due(tmp_path, 0)
