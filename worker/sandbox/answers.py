"""Answers as they go over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses

from aiohttp import web

from worker.sandbox.refusals import RefusalError

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body and what type that is."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    location: str | None = None

    def response(self) -> web.Response:
        """The same as aiohttp sends it."""
        headers = {"Content-Type": self.content_type} if self.status != 204 else {}
        if self.location is not None:
            headers["Location"] = self.location
        return web.Response(status=self.status, body=self.body, headers=headers)


def json_answer(status: int, body: Mapping[str, object] | None) -> Answer:
    """An answer of JSON, or without a body."""
    return Answer(status) if body is None else Answer(status, _encode(body).encode())


def refusal(error: RefusalError) -> Answer:
    """An error in Kit's one shape: `{"errors": [text, …]}` (Kit API reference, errors)."""
    return json_answer(error.status, {"errors": [str(text) for text in error.args]})


def html_page(status: int, text: str) -> Answer:
    """A bare HTML page, as a proxy before Kit would send it."""
    page = f"<!DOCTYPE html>\n<html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>\n"
    return Answer(status, page.encode(), HTML)


def html_status(status: int) -> Answer:
    """A status with an HTML body, as Kit's 5xx have it (Kit API reference, errors)."""
    return html_page(status, f"{status} {responses.get(status, 'Error')}")


RETRY_LATER = Answer(429, b"Retry later", TEXT)  # no JSON, no Retry-After (Kit API reference, limits)
LOGIN_PAGE = html_page(200, "Log in")
LOGIN_REDIRECT = Answer(302, b"", HTML, location="/login")
