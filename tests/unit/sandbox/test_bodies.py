"""Bodies of requests."""

from __future__ import annotations

import pytest

from worker.sandbox.bodies import Unparsed, UnreadableError

from .harness import KEY, TOKEN, kit

JSON = "application/json; charset=utf-8"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}"])
def test_no_data_is_said_by_nothing_by_an_empty_list_or_by_an_empty_object(body: bytes) -> None:
    assert Unparsed(0.0, body=body, content_type=JSON).parse() == {}


@pytest.mark.parametrize("body", [b"{", b"[1]", b"1", b"null", b'"x"'])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        Unparsed(0.0, body=body, content_type=JSON).parse()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v4/tags/{tag}/subscribers/{person}", 201),
        ("DELETE", "/v4/tags/{tag}/subscribers/{person}", 204),
        ("POST", "/v4/subscribers/{person}/unsubscribe", 204),
        ("DELETE", "/v4/custom_fields/{field}", 204),
        ("DELETE", "/v4/tags/{tag}", 204),
        ("POST", "/v4/tags", 422),
        ("POST", "/v4/tags/{tag}/subscribers", 422),
    ],
)
async def test_kits_own_libraries_send_an_empty_list_where_there_is_no_data(
    method: str, path: str, status: int
) -> None:
    async with kit() as call:
        ids = {
            "tag": await call.tag(),
            "person": await call.subscriber(),
            "field": await call.custom_field(),
        }
        headers = {"X-Kit-Api-Key": KEY, "Content-Type": JSON}
        url = call.sandbox.url + path.format(**ids)
        async with call.session.request(method, url, data=b"[]", headers=headers) as reply:
            assert reply.status == status


async def test_a_bulk_call_without_data_is_refused_as_one_without_entries() -> None:
    async with kit() as call:
        reply = await call("POST", "/v4/bulk/tags", [], token=TOKEN)

    assert (reply.status, reply.json) == (422, {"errors": ["No tags included for processing"]})
