"""The sections of a file as text: what is typed stays as it is, and mistakes are told at their lines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import MultiDict

from tests.unit.accounts.edit.files import repository_files
from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, served
from worker.page import proposal
from worker.page.app import LARGEST

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}   # not the key

events:
  # who buys
  order.paid: {add_tags: [Buyer]}

  order.sent: {add_tags: [Sent]}
options:
  timezone: Europe/Berlin
"""
PLACE = "/accounts/sunny/text"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "sunny.yaml"


async def opened(client: Client) -> MultiDict[str]:
    return form_on((await client.ask(PLACE)).text, "/text")


async def test_a_section_is_changed_as_it_is_written(client: Client, file: Path) -> None:
    """Given what a browser sends, which ends lines as Windows does, comments and blank lines stay."""
    form = await opened(client)
    assert form["events"] == FILE[FILE.index("events:") : FILE.index("options:") - 1]
    fill(form, "events", form["events"].replace("[Buyer]}", "[Buyer, VIP]}  # both").replace("\n", "\r\n"))
    review = await press(client, PLACE, form, "review")
    assert "+   order.paid: {add_tags: [Buyer, VIP]}  # both" in review.text
    answer = await press(client, PLACE, form_on(review.text, "/text"), "save")
    assert answer.status == 303
    assert file.read_text() == FILE.replace("[Buyer]}", "[Buyer, VIP]}  # both")
    assert "Saved: events." in (await client.ask(answer.place)).text


async def test_several_sections_are_mended_at_once(client: Client, file: Path) -> None:
    form = await opened(client)
    fill(form, "fields", "fields:\n  mk_user_id: null\n")
    fill(form, "options", "options:\n  timezone: UTC\n")
    review = await press(client, PLACE, form, "review")
    await press(client, PLACE, form_on(review.text, "/text"), "save")
    assert file.read_text() == f"{FILE.replace('Europe/Berlin', 'UTC')}fields:\n  mk_user_id: null\n"


async def test_a_section_that_is_emptied_goes(client: Client, file: Path) -> None:
    form = await opened(client)
    fill(form, "options", "")
    review = await press(client, PLACE, form, "review")
    await press(client, PLACE, form_on(review.text, "/text"), "save")
    assert file.read_text() == FILE[: FILE.index("options:")]


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        (
            "events:\n  order.paid: {add_tag: [A]}\n",
            "sunny.yaml:5:16: events.order.paid",
            "  order.paid: {add_tag",
        ),
        ("events:\n  order.paid: {add_tags: [A]\n", "line", ""),
        ("events:\n  order.paid: {}\napp: rainy\n", "only events: and what belongs to it", ""),
        ("fields: {}\n", "only events: and what belongs to it", ""),
    ],
)
async def test_mistakes_are_told_at_their_lines_and_what_was_typed_stays(
    client: Client, file: Path, text: str, said: str, line: str
) -> None:
    form = await opened(client)
    fill(form, "events", text)
    for button in ("review", "save"):
        answer = await press(client, PLACE, form, button)
        assert (answer.status, said in answer.text) == (422, True)
        assert (f'<pre class="line">{line}' in answer.text) == bool(line)
        assert form_on(answer.text, "/text")["events"] == text
    assert file.read_text() == FILE


async def test_what_others_changed_in_another_section_stays(client: Client, file: Path) -> None:
    """Given a form that holds all sections as they were, only those that somebody has changed are theirs."""
    form = await opened(client)
    newer = FILE.replace("Europe/Berlin", "Europe/Paris")
    file.write_text(newer)
    fill(form, "events", form["events"].replace("Buyer", "VIP"))
    review = await press(client, PLACE, form, "review")
    assert "Somebody else has saved this file" in review.text
    assert "Berlin" not in review.text.partition('class="diff"')[2].partition("</ol>")[0]
    await press(client, PLACE, form_on(review.text, "/text"), "save")
    assert file.read_text() == newer.replace("Buyer", "VIP")


async def test_nothing_changed_is_nothing_to_save(client: Client) -> None:
    answer = await press(client, PLACE, await opened(client), "review")
    assert (answer.status, "The file says so already" in answer.text) == (422, True)


async def test_going_on_keeps_what_was_typed(client: Client) -> None:
    form = await opened(client)
    text = form["events"].replace("Buyer", "<b>VIP</b>")
    fill(form, "events", text)
    review = await press(client, PLACE, form, "review")
    back = await press(client, PLACE, form_on(review.text, "/text"), "back")
    assert form_on(back.text, "/text")["events"] == text


async def test_a_file_that_no_worker_would_read_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than a form of a few words may hold is looked at; more than a file may is refused."""
    form = await opened(client)
    fill(form, "options", f"options:\n  timezone: UTC\n  # {'x' * LARGEST}\n")
    assert (await press(client, PLACE, form, "review")).status == 200
    monkeypatch.setattr(proposal, "MAX_FILE_BYTES", LARGEST)
    answer = await press(client, PLACE, form, "review")
    assert (answer.status, "larger than 1 MiB" in answer.text) == (422, True)


async def test_another_accounts_events_are_refused_without_its_name(tmp_path: Path) -> None:
    """Given an account without an app, to name the events of another's app tells of no other file."""
    text = "kit: {api_key_env: KIT_API_KEY_SUNNY}\nevents: {}\n"
    async with served(tmp_path, texts={"sunny": text}) as client:
        await client.sign_in(TOKEN)
        form = await opened(client)
        fill(form, "events", "events:\n  user.signed_up.rainy: {add_tags: [A]}\n")
        answer = await press(client, PLACE, form, "review")
    assert (
        answer.status,
        "whose events go to another account's file" in answer.text.replace("&#39;", "'"),
    ) == (
        422,
        True,
    )
    assert "rainy.yaml" not in answer.text


async def test_a_file_with_mistakes_is_mended(tmp_path: Path) -> None:
    """Given mistakes in two sections, both are mended at once, and there is no file to compare with."""
    text = FILE.replace("add_tags: [Sent]", "add_tag: [Sent]").replace("timezone", "timezon")
    async with served(tmp_path, texts={"sunny": text}) as client:
        await client.sign_in(TOKEN)
        assert "/accounts/sunny/text" in (await client.ask("/accounts/sunny/events")).text
        form = await opened(client)
        fill(form, "events", form["events"].replace("add_tag:", "add_tags:"))
        told = await press(client, PLACE, form, "review")
        assert (told.status, "did you mean timezone" in told.text) == (422, True)
        fill(form, "options", form["options"].replace("timezon:", "timezone:"))
        review = await press(client, PLACE, form, "review")
        assert "The present file has a mistake, so there is nothing to compare with." in review.text
        assert (await press(client, PLACE, form_on(review.text, "/text"), "save")).status == 303
        assert "adds" in (await client.ask("/accounts/sunny/events")).text
    assert (tmp_path / "accounts" / "sunny.yaml").read_text() == FILE


async def test_a_file_that_cannot_be_read_is_an_operators(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": "kit: {\n"}) as client:
        await client.sign_in(TOKEN)
        answer = await client.ask(PLACE)
        assert (answer.status, "before a bracket is closed" in answer.text) == (409, True)
        await client.sign_in(READ_TOKEN)
        assert (await client.ask(PLACE)).status == 403


async def test_every_file_of_the_repository_is_shown_and_sent_back_as_it_was(tmp_path: Path) -> None:
    """Whatever a file says: to open it as text and to send that back changes no byte."""
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        file = tmp_path / "accounts" / "sunny.yaml"
        for text in repository_files()[::7]:
            file.write_bytes(text.encode())
            answer = await client.ask(PLACE)
            if answer.status == 200:
                sent = await press(client, PLACE, form_on(answer.text, "/text"), "review")
                assert "The file says so already" in sent.text, text
