"""Where a value goes, changed by a form."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from multidict import MultiDict

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, served

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
fields:
  mk_subscription_plan: Plan   # as they call it
  mk_subscription_ends_at: {field: Ends, format: date}
  mk_user_id: null
"""
LAST = "  mk_user_id: null\n"
EDIT = "/accounts/sunny/fields/edit"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "sunny.yaml"


async def opened(client: Client, source: str = "") -> MultiDict[str]:
    return form_on((await client.ask(f"{EDIT}?field={source}")).text, "/fields/edit")


async def saved(client: Client, form: MultiDict[str]) -> str:
    review = await press(client, EDIT, form, "review")
    assert review.status == 200, review.text
    assert (await press(client, EDIT, form_on(review.text, "/fields/edit"), "save")).status == 303
    return review.text


@pytest.mark.parametrize(
    ("source", "boxes", "old", "new"),
    [
        ("mk_subscription_plan", {"target": "Their plan"}, "Plan   #", "Their plan   #"),
        ("mk_subscription_ends_at", {"target": "Until"}, "field: Ends", "field: Until"),
        ("mk_user_id", {"goes": "there", "target": "Id"}, "mk_user_id: null", "mk_user_id: Id"),
        ("mk_user_id", {"goes": "default"}, "  mk_user_id: null\n", ""),
        ("mk_subscription_plan", {"goes": "nothing"}, "Plan   #", "null   #"),
        ("mk_last_name", {"goes": "there", "target": "Name"}, LAST, f"{LAST}  mk_last_name: Name\n"),
        ("", {"field": "data.a.b", "target": "Locale"}, LAST, f"{LAST}  data.a.b: Locale\n"),
    ],
)  # fmt: skip
async def test_where_a_value_goes_is_changed_in_its_line(
    client: Client, file: Path, source: str, boxes: dict[str, str], old: str, new: str
) -> None:
    form = await opened(client, source)
    for name, text in boxes.items():
        fill(form, name, text)
    await saved(client, form)
    assert file.read_text() == FILE.replace(old, new)


async def test_a_date_is_one_or_is_no_longer(client: Client, file: Path) -> None:
    form = await opened(client, "mk_subscription_ends_at")
    assert form.popall("date") == ["on"]
    review = await saved(client, form)
    assert file.read_text() == FILE.replace("{field: Ends, format: date}", "Ends")
    assert "<li>goes to Ends, as a date</li>" in review


@pytest.mark.parametrize(
    ("source", "boxes", "said"),
    [
        ("mk_subscription_plan", {"goes": "nothing", "target": "Other"}, "You chose that it is not"),
        ("mk_last_name", {"target": "Other"}, "You chose that the file says nothing of it, and changed"),
        ("mk_subscription_plan", {"target": ""}, "Write to which custom field in Kit it goes."),
        ("", {"target": "Locale"}, "Write which value this is about"),
        ("", {"field": "user.locale", "target": "Locale"}, "sunny.yaml:7:"),
        ("mk_subscription_plan", {"target": "Ends"}, "receives mk_subscription_"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_and_what_was_typed_stays(
    client: Client, source: str, boxes: dict[str, str], said: str
) -> None:
    form = await opened(client, source)
    for name, text in boxes.items():
        fill(form, name, text)
    answer = await press(client, EDIT, form, "review")
    assert (answer.status, said in answer.text) == (422, True), answer.text
    assert form_on(answer.text, "/fields/edit")["target"] == form["target"]


@pytest.mark.parametrize("said", ["no", "{field: no}", "[a]", "1.50"])
async def test_whatever_a_file_says_there_is_a_form(tmp_path: Path, said: str) -> None:
    """Given what YAML reads otherwise than it looks, or what no field can be, another target mends it."""
    text = FILE.replace("Plan   #", f"{said}   #")
    async with served(tmp_path, texts={"sunny": text}) as client:
        await client.sign_in(TOKEN)
        form = await opened(client, "mk_subscription_plan")
        fill(form, "target", "Plan")
        await saved(client, form)
    assert (tmp_path / "accounts" / "sunny.yaml").read_text().replace('"', "") == FILE


@pytest.mark.parametrize("was", ["{", "[" * 30_000], ids=["no JSON", "too deep"])
async def test_a_form_that_is_none_of_ours_does_nothing(client: Client, was: str) -> None:
    form = await opened(client, "mk_subscription_plan")
    fill(form, "was", was)
    assert (await press(client, EDIT, form, "save")).status == 400


async def test_a_value_is_chosen_on_the_view_by_whoever_may_change_it(client: Client) -> None:
    assert "/fields/edit?field=mk_user_id" in (await client.ask("/accounts/sunny/fields")).text
    await client.sign_in(READ_TOKEN)
    assert "/fields/edit" not in (await client.ask("/accounts/sunny/fields")).text
    assert (await client.ask(EDIT)).status == 403
