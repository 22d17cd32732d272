"""What an event does, changed by a form: what it shows, what it saves, and what it does not lose."""

from __future__ import annotations

from pathlib import Path

import pytest
from multidict import MultiDict

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import TOKEN, Client, served
from tests.unit.page.views.edit_event.form import EDIT, FILE, PAID, opened

# --  -----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "sunny.yaml"


async def saved(client: Client, form: MultiDict[str]) -> str:
    """Look at a change, and save it; returns what stood on the page before."""
    review = await press(client, EDIT, form, "review")
    assert review.status == 200, review.text
    answer = await press(client, EDIT, form_on(review.text, "/events/edit"), "save")
    assert (answer.status, answer.place) == (303, "/accounts/sunny/versions")
    return review.text


async def test_a_tag_that_is_added_changes_its_line_and_no_other_byte(client: Client, file: Path) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "VIP")

    review = await saved(client, form)

    assert file.read_text() == FILE.replace("replaces: true}]", "replaces: true}, VIP]")
    assert '<span class="number" aria-hidden="true">8</span><code>+     add_tags:' in review
    assert "adds VIP" in review
    view = (await client.ask("/accounts/sunny/versions")).text
    assert "Saved: order.paid." in view
    assert ("operator" in view, "found in the file" in view) == (True, True)
    assert "Saved: order.paid." in (await client.ask("/accounts/sunny/journal")).text
    assert "VIP" in (await client.ask("/accounts/sunny/events")).text


async def test_nothing_is_saved_before_it_was_seen(client: Client, file: Path) -> None:
    form = await opened(client, "order.paid")
    fill(form, "add.tag", "Buyer", "", "VIP")
    await press(client, EDIT, form, "review")
    assert file.read_text() == FILE


async def test_rules_are_changed_taken_out_and_added(client: Client, file: Path) -> None:
    """Given a rule that a form can say and one that it cannot, the latter stays at its place."""
    form = await opened(client, "order.paid")
    fill(form, "rule0.value", "Annual", "Yearly")
    fill(form, "rule2.name", "data.order.total")
    fill(form, "rule2.how", "above")
    fill(form, "rule2.value", "40")
    fill(form, "rule2.add", "Big spender")
    await saved(client, form)
    new = FILE.replace("mk_subscription_plan: Annual}", "mk_subscription_plan: [Annual, Yearly]}").replace(
        "        skip: true\n",
        "        skip: true\n"
        "      - when: {data.order.total: {above: 40}}\n"
        "        add_tags: [Big spender]\n",
    )
    assert file.read_text() == new

    form = await opened(client, "order.paid")
    form.add("rule0.gone", "on")
    await saved(client, form)
    rule = "      - when: {mk_subscription_plan: [Annual, Yearly]}\n        add_tags: [Yearly]   # by plan\n"
    assert file.read_text() == new.replace(rule, "")


async def test_what_a_form_cannot_say_is_shown_and_stays(client: Client) -> None:
    view = (await client.ask(PAID)).text
    assert "Stays as it is: <code>{tag: &#34;{mk_access_level}&#34;, replaces: true}</code>" in view
    assert "Stays as it is: <code>{when: {data.a: 1, data.b: 2}, skip: true}</code>" in view
    assert "<code>set_fields</code>. That stays as it is" in view


async def test_where_all_tags_go_no_box_pretends_otherwise(tmp_path: Path) -> None:
    """Given `remove_tags: all`, boxes for single tags would ignore what is typed into them."""
    text = FILE.replace("order.sent: null", "order.sent: {remove_tags: all, create: true}")
    async with served(tmp_path, texts={"sunny": text}) as client:
        await client.sign_in(TOKEN)
        form = await opened(client, "order.sent")
        assert "remove.tag" not in form
        fill(form, "add.tag", "Gone")
        await saved(client, form)
    file = tmp_path / "accounts" / "sunny.yaml"
    assert file.read_text() == text.replace("create: true", "create: true, add_tags: [Gone]")


async def test_an_event_that_a_form_cannot_hold_leads_to_the_text(tmp_path: Path) -> None:
    text = FILE.replace("order.sent: null", "order.sent: {add_tags: [A], unsubscribe: no}")
    async with served(tmp_path, texts={"sunny": text}) as client:
        await client.sign_in(TOKEN)
        answer = await client.ask(f"{EDIT}?event=order.sent")
        assert (answer.status, answer.place) == (303, "/accounts/sunny/text#events")
        view = (await client.ask("/accounts/sunny/text")).text
        assert "order.sent is written in a way that a form cannot hold." in view


async def test_when_it_takes_effect_and_for_whom(client: Client, file: Path) -> None:
    form = await opened(client, "subscription.canceled")
    fill(form, "does", "this")
    fill(form, "at", "mk_subscription_ends_at")
    form.add("existing", "on")
    fill(form, "add.until", "mk_access_expires_at")
    await saved(client, form)
    assert file.read_text() == FILE.replace(
        "  order.sent: null\n",
        (
            "  order.sent: null\n  subscription.canceled:\n"
            "    add_tags: [{tag: Cancelled, until: mk_access_expires_at}]\n"
            "    remove_tags: [Active Member]\n    at: mk_subscription_ends_at\n    create: false\n"
        ),
    )


async def test_another_event_is_named_and_added(client: Client, file: Path) -> None:
    form = form_on((await client.ask(EDIT)).text, "/events/edit")
    fill(form, "event", "order.refunded")
    fill(form, "remove.tag", "Buyer")
    await saved(client, form)
    new = FILE.replace(
        "  order.sent: null\n", "  order.sent: null\n  order.refunded:\n    remove_tags: [Buyer]\n"
    )
    assert file.read_text() == new


# -- what is chosen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("does", ["nothing", "default"])
async def test_to_do_nothing_and_a_tag_that_is_filled_in_are_no_choice(client: Client, does: str) -> None:
    """Given that both are there, neither is ignored: one is told, and what was typed stays."""
    form = await opened(client, "order.paid")
    fill(form, "does", does)
    fill(form, "add.tag", "Buyer", "", "VIP")
    answer = await press(client, EDIT, form, "review")
    assert answer.status == 422
    assert "and changed what stands below it: VIP." in answer.text
    assert form_on(answer.text, "/events/edit").getall("add.tag")[2] == "VIP"


async def test_to_do_nothing_names_what_goes(client: Client, file: Path) -> None:
    form = await opened(client, "order.paid")
    fill(form, "does", "nothing")
    review = await saved(client, form)
    assert "What stood in the file for order.paid is taken out of it: Buyer, {tag:" in review
    start, end = FILE.index("  order.paid:"), FILE.index("  order.sent")
    assert file.read_text() == f"{FILE[:start]}  order.paid: null\n{FILE[end:]}"


async def test_what_is_usual_is_no_line_of_the_file(client: Client, file: Path) -> None:
    form = await opened(client, "subscription.started")
    assert form["does"] == "default"
    fill(form, "does", "this")
    fill(form, "add.tag", "Member")
    await saved(client, form)
    assert "    add_tags: [Member]\n" in file.read_text()
    form = await opened(client, "subscription.started")
    fill(form, "does", "default")
    await saved(client, form)
    assert file.read_text() == FILE


async def test_what_the_file_says_already_is_no_change(client: Client) -> None:
    answer = await press(client, EDIT, await opened(client, "order.paid"), "review")
    assert (answer.status, "The file says so already" in answer.text) == (422, True)
