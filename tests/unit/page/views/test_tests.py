"""An account's own examples: a view of its own, and a sentence before a file is saved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.page.forms import fill, form_on, press
from tests.unit.page.serve import TOKEN, Client, admin, served

FILE = """\
app: sunny
kit: {api_key_env: KIT_API_KEY_SUNNY}
events:
  order.paid: {add_tags: [Buyer]}
"""
TESTS = """\
tests:
  - name: who buys is a <buyer>
    events: [{at: 2027-01-01, type: order.paid}]
    then: {tags: [Buyer]}
"""
FAILS = """\
  - name: who buys is a customer
    events: [{at: 2027-01-01, type: order.paid}]
    then: {tags: [Customer]}
"""
PLACE = "/accounts/sunny/tests"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path, texts={"sunny": FILE}) as client:
        await client.sign_in(TOKEN)
        yield client


def write(tmp_path: Path, text: str, name: str = "sunny") -> None:
    (tmp_path / "tests").mkdir(exist_ok=True)
    (tmp_path / "tests" / f"{name}.yaml").write_text(text)


async def test_the_view_tells_which_hold_and_what_differs(client: Client, tmp_path: Path) -> None:
    write(tmp_path, TESTS + FAILS)

    view = (await client.ask(PLACE)).text

    assert "1 hold, 1 does not." in view
    assert "who buys is a &lt;buyer&gt;" in view
    assert "- tag Customer" in view
    assert "+ tag Buyer (given by event 1, order.paid, sunny.yaml:4)" in view
    assert "event 1: order.paid applied" in view


async def test_without_any_the_view_says_where_they_go(client: Client) -> None:
    assert "config/tests/sunny.yaml" in (await client.ask(PLACE)).text


async def test_a_file_with_a_slip_is_told_with_its_line(client: Client, tmp_path: Path) -> None:
    write(tmp_path, TESTS.replace("then:", "than:"))

    view = (await client.ask(PLACE)).text

    assert "sunny.yaml:4:5: tests[1].than: unknown key; did you mean then?" in view
    assert str(tmp_path) not in view


async def test_before_a_file_is_saved_it_is_told_which_would_fail(client: Client, tmp_path: Path) -> None:
    write(tmp_path, TESTS)
    edit = "/accounts/sunny/events/edit"
    form = form_on((await client.ask(f"{edit}?event=order.paid")).text, "/events/edit")
    fill(form, "add.tag", "Customer")

    review = (await press(client, edit, form, "review")).text

    assert "Your tests: 0 hold, 1 would fail." in review
    assert "+ tag Customer" in review


async def test_without_any_the_review_says_nothing_of_tests(client: Client) -> None:
    edit = "/accounts/sunny/events/edit"
    form = form_on((await client.ask(f"{edit}?event=order.paid")).text, "/events/edit")
    fill(form, "add.tag", "Customer")

    assert "For your tests" not in (await press(client, edit, form, "review")).text


async def test_an_accounts_admin_sees_their_own_alone(tmp_path: Path) -> None:
    async with served(tmp_path, texts={"sunny": FILE, "moon": FILE.replace("sunny", "moon")}) as client:
        write(tmp_path, TESTS)
        write(tmp_path, TESTS, "moon")
        await client.follow(admin("sunny"))

        assert (await client.ask(PLACE)).status == 200
        assert (await client.ask("/accounts/moon/tests")).status == 404
