"""What a form of an event does not take, from whom, and that nothing typed into it is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import READ_TOKEN, TOKEN, Client, admin, served
from tests.unit.page.views.edit_event.form import EDIT, FILE, PAID, opened

# -- what is typed ----------------------------------------------------------------------------------------


async def test_a_mistake_is_told_as_check_tells_it_and_nothing_typed_is_lost(client: Client) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "{mk_plan} member")
    fill(form, "rule2.name", "mk_cancel_reason")
    fill(form, "rule2.value", "moved")
    fill(form, "rule2.add", "Moved")
    answer = await press(client, EDIT, form, "review")
    assert answer.status == 422
    assert "sunny.yaml:8:" in answer.text
    assert "did you mean" in answer.text
    assert '<pre class="line">    add_tags: [Buyer, {tag:' in answer.text
    again = form_on(answer.text, "/events/edit")
    assert [text for text in again.getall("add.tag") if text] == ["Buyer", "{mk_plan} member"]
    assert (again["rule2.name"], again["rule2.value"], again["rule2.add"]) == (
        "mk_cancel_reason", "moved", "Moved",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ({"rule2.add": "X"}, "The rule that adds or takes off X has no condition."),
        ({"rule2.name": "mk_cancel_reason", "rule2.value": "a"}, "adds and takes off no tag"),
        ({"rule2.name": "mk_cancel_reason", "rule2.add": "A"}, "compares it with nothing"),
        ({"event": ""}, "Write which type of event this is about"),
    ],
)
async def test_what_is_missing_is_said(client: Client, boxes: dict[str, str], said: str) -> None:
    form = await opened(client, "order.paid")
    for name, text in boxes.items():
        fill(form, name, text)
    answer = await press(client, EDIT, form, "review")
    assert (answer.status, said in answer.text) == (422, True)


async def test_an_end_without_a_tag_is_said(client: Client) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.until", "", "", "mk_access_expires_at")
    answer = await press(client, EDIT, form, "review")
    assert "A row has mk_access_expires_at and no tag" in answer.text


async def test_more_rows_and_going_on_keep_what_was_typed(client: Client) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "VIP")
    more = form_on((await press(client, EDIT, form, "more")).text, "/events/edit")
    assert len(more.getall("add.tag")) == len(form.getall("add.tag")) + 2
    assert more.getall("add.tag")[:3] == ["Buyer", "", "VIP"]
    review = await press(client, EDIT, more, "review")
    back = await press(client, EDIT, form_on(review.text, "/events/edit"), "back")
    assert form_on(back.text, "/events/edit").getall("add.tag")[:3] == ["Buyer", "", "VIP"]


async def test_what_is_typed_never_acts(client: Client) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "<script>alert(1)</script>")
    review = await press(client, EDIT, form, "review")
    assert (review.status, "<script>alert" in review.text) == (200, False)
    fill(form, "add.tag", "Buyer", "", "<script>{no}")
    assert "<script>{" not in (await press(client, EDIT, form, "review")).text


DEEP = "[" * 30_000


@pytest.mark.parametrize(
    "boxes", [{"was": "{"}, {"was": "[]"}, {"does": "all"}, {"was": '{"rules": 1}'}, {"was": DEEP}]
)
async def test_a_form_that_is_none_of_ours_does_nothing(client: Client, boxes: dict[str, str]) -> None:
    form = await opened(client, "order.paid")
    for name, text in boxes.items():
        fill(form, name, text)
    assert (await press(client, EDIT, form, "save")).status == 400


async def test_a_session_that_ended_meanwhile_leaves_what_was_typed(client: Client) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "<b>VIP</b>")
    await client.ask("/sign-out", {})
    answer = await press(client, EDIT, form, "review")
    assert (answer.status, "nothing was done" in answer.text) == (403, True)
    assert "add.tag: &lt;b&gt;VIP&lt;/b&gt;\n" in answer.text
    assert "was" not in answer.text.partition("<textarea")[2]
    key = await client.ask("/accounts/sunny/key", {"api_key": "kit_0123456789abcdef"})
    assert "kit_0123456789abcdef" not in key.text


# -- rights -----------------------------------------------------------------------------------------------


async def test_who_may_look_gets_no_form_and_changes_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        form = await opened(client, "order.paid")
        fill(form, "add.tag", "VIP")
        await client.sign_in(READ_TOKEN)
        assert (await client.ask(PAID)).status == 403
        assert "/events/edit" not in (await client.ask("/accounts/sunny/events")).text
        for button in ("review", "save", "download"):
            assert (await press(client, EDIT, form, button)).status == 403
    assert (tmp_path / "accounts" / "sunny.yaml").read_text() == FILE


async def test_what_is_anothers_is_not_there(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        form = await opened(client, "order.paid")
        fill(form, "add.tag", "VIP")
        await client.follow(admin("rainy"))
        assert (await client.ask(PAID)).status == 404
        assert (await press(client, EDIT, form, "save")).status == 404
        await client.follow(admin("sunny"))
        assert (await press(client, EDIT, form, "review")).status == 200


async def test_an_admin_changes_nothing_but_events_by_what_the_form_carries(client: Client) -> None:
    """Given a form whose hidden part somebody has changed, the loader has the last word."""
    form = await opened(client, "order.paid")
    fill(form, "was", json.dumps({"kit": {"api_key_env": "KIT_API_KEY_RAINY"}}))
    answer = await press(client, EDIT, form, "save")
    assert (answer.status, "unknown" in answer.text) == (422, True)
