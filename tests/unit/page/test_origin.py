"""Whether a post came from a page of ours."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from worker.page.origin import is_from_here, is_loopback

HOST = "kit.example.com:8090"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),  # a neighbour under the same domain
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"https://{HOST}"}, False),
        ({"Origin": f"https://{HOST}"}, True),
        ({"Origin": f"http://{HOST.upper()}"}, True),
        ({"Origin": "https://kit.example.com"}, False),  # another port is another site
        ({"Origin": f"https://evil.example/{HOST}"}, False),
        ({"Origin": f"https://{HOST}.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": HOST}, False),
        ({"Referer": f"https://{HOST}/"}, False),
        ({}, False),
    ],
)
def test_a_post_is_ours_where_the_browser_says_so(headers: dict[str, str], *, ours: bool) -> None:
    assert is_from_here(CIMultiDict(headers), HOST) is ours


def test_a_request_without_a_host_is_not_ours() -> None:
    assert not is_from_here({"Origin": "https://"}, "")


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost:8090", True),
        ("127.0.0.1", True),
        ("[::1]:8090", True),
        ("localhost.evil.example", False),
        ("kit.example.com", False),
        ("127.0.0.1.evil.example:80", False),
        ("", False),
        ("[::1", False),
    ],
)
def test_only_names_of_this_machine_lead_here(host: str, *, here: bool) -> None:
    assert is_loopback(host) is here
