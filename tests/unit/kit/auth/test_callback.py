"""The browser comes back to this machine: whoever else does, is turned down."""

from __future__ import annotations

import asyncio
import gc

import aiohttp
import pytest
from pydantic import SecretStr

from scripts.machine import free_port
from tests.unit.kit.auth.test_consent import APP, KIT
from worker.clock import Clock
from worker.kit.auth.callback import DONE, check_redirect_uri, comes_here, waiting_for_callback
from worker.kit.auth.consent import Consent, ConsentError, DeclinedError


@pytest.fixture
def consent() -> Consent:
    return Consent(
        APP, "sunny", f"http://localhost:{free_port()}/callback", SecretStr("key"), "tenant", Clock()
    )


def query(consent: Consent, **more: str) -> dict[str, str]:
    return {"state": consent.address(KIT, "nonce").partition("state=")[2].partition("&")[0], **more}


async def browse(consent: Consent, path: str = "/callback", **query: str) -> tuple[int, str]:
    """What the browser shows."""
    url = consent.redirect_uri.replace("/callback", path).replace("localhost", "127.0.0.1")
    async with aiohttp.ClientSession() as session, session.get(url, params=query) as response:
        assert response.content_type == "text/plain"
        return response.status, await response.text()


async def test_an_answer_to_our_question_ends_the_wait(consent: Consent) -> None:
    async with waiting_for_callback(consent) as answer:
        assert await browse(consent, **query(consent, code="c-1")) == (200, DONE)
        assert (await answer).code == "c-1"
        assert (await browse(consent, **query(consent, code="c-2")))[0] == 200  # reloaded, perhaps
        assert (await answer).code == "c-1"
    with pytest.raises(aiohttp.ClientConnectionError):
        await browse(consent)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/callback", {}),
        ("/callback", {"code": "c-1"}),
        ("/callback", {"code": "c-1", "state": "made.up"}),
        ("/callback", {"error": "access_denied"}),
        ("/favicon.ico", {}),
    ],
)
async def test_anything_else_is_turned_down_and_waited_on(
    consent: Consent, path: str, given: dict[str, str]
) -> None:
    """Given whatever another page sends the browser to, the creator can still answer."""
    async with waiting_for_callback(consent) as answer:
        assert (await browse(consent, path, **given))[0] in {400, 404}
        assert not answer.done()
        await browse(consent, **query(consent, code="c-1"))
        assert (await answer).code == "c-1"


async def test_a_no_ends_the_wait_and_is_shown(consent: Consent) -> None:
    async with waiting_for_callback(consent) as answer:
        shown = await browse(consent, **query(consent, error="access_denied"))
        assert shown == (403, "Kit says: access_denied")
        with pytest.raises(DeclinedError):
            await answer


async def test_a_no_that_nobody_waits_for_any_more_is_no_warning(
    consent: Consent, caplog: pytest.LogCaptureFixture
) -> None:
    async with waiting_for_callback(consent):
        await browse(consent, **query(consent, error="access_denied"))
    gc.collect()
    assert caplog.records == []


async def test_a_port_that_is_taken_says_what_to_do(consent: Consent) -> None:
    async with waiting_for_callback(consent):
        with pytest.raises(
            ConsentError, match=r"port \d+ of localhost is taken: .*say another --redirect-uri"
        ):
            async with waiting_for_callback(consent):
                pass


async def test_leaving_does_not_wait_for_a_browser_that_says_nothing(consent: Consent) -> None:
    port = int(consent.redirect_uri.partition("localhost:")[2].partition("/")[0])
    async with asyncio.timeout(5):
        async with waiting_for_callback(consent):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /callback HTTP/1.1\r\n")
            await writer.drain()
        writer.close()


@pytest.mark.parametrize(
    "uri",
    ["", "localhost:8976", "/callback", "ftp://localhost/x", "http://", "http://localhost:99999/x",
     "http://localhost:0/x", "http://localhost:x/", "http://[::1/x", "http://localhost/?a=b", "http://a/#b",
     "http://localhost/{x}", "http://localhost/{"],
)  # fmt: skip
def test_what_no_browser_can_be_sent_to(uri: str) -> None:
    with pytest.raises(ConsentError, match="--redirect-uri must be an address such as http://localhost:8976"):
        check_redirect_uri(uri)


@pytest.mark.parametrize(
    ("uri", "here"),
    [
        ("http://localhost:8976/callback", True),
        ("http://127.0.0.1:8976", True),
        ("http://[::1]:8976/", True),
        ("https://localhost:8976/callback", False),
        ("https://example.com/callback", False),
    ],
)
def test_which_browsers_come_back_to_this_machine(uri: str, here: bool) -> None:
    check_redirect_uri(uri)
    assert comes_here(uri) is here
