"""The page on which a creator gives a client access to their account. No scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlencode

from worker.sandbox.answers import HTML, Answer

PATH = "/v4/oauth/authorize"


def page(accounts: Iterable[str], query: Mapping[str, str]) -> Answer:
    """Offer each account of the sandbox, one by another name, and a refusal."""
    offers = "".join(
        f'<li><a href="{escape(_with(query, account=name))}">{escape(name)}</a></li>' for name in accounts
    )
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        "<title>Kit sandbox: access</title></head>",
        f"<body><h1>{escape(query['client_id'])} asks for access to a Kit account</h1>",
        f"<p>Whose?</p><ul>{offers}</ul>",
        f'<form action="{PATH}">{hidden}<input name="account" required> <button>This one</button></form>',
        f'<p><a href="{escape(_with(query, refuse="1"))}">Refuse</a></p></body></html>\n',
    ]
    return Answer(200, "".join(parts).encode(), HTML)


def _with(query: Mapping[str, str], **more: str) -> str:
    return f"{PATH}?{urlencode({**query, **more})}"
