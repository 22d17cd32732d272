"""Addresses of the page."""

from __future__ import annotations

from worker.page.addresses import part, view_of


def test_a_part_holds_no_sign_that_parts_an_address() -> None:
    assert part("a/b?c#d%2fe f@example.com") == "a%2Fb%3Fc%23d%252fe%20f%40example.com"


def test_a_view_of_an_account() -> None:
    assert view_of("sunny") == "/accounts/sunny"
    assert view_of("sunny", "people", "a/b@example.com") == "/accounts/sunny/people/a%2Fb%40example.com"
