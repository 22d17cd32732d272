"""The page on which a creator gives an app access to their account, or refuses it. No scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from worker.sandbox.answers import Answer
from worker.sandbox.layout import breakable, document
from worker.sandbox.tokens import OAuthError

PATH = "/v4/oauth/authorize"
_HEADER = '<header><p class="name">Kit sandbox</p><p>In the place of Kit\'s own page.</p></header>'


def page(accounts: Iterable[str], query: Mapping[str, str]) -> Answer:
    """Offer each account of the sandbox, one by another name, and a refusal."""
    app = breakable(query["client_id"])
    host = breakable(urlsplit(query["redirect_uri"]).hostname or "the app")
    parts = [
        f"{_HEADER}<main><h1>Let {app} change a Kit account?</h1>",
        f"<p>{_asking(app, query)} may then read and change its subscribers, tags and fields, until it is",
        f" disconnected. Either way you go back to {host}.</p>",
        _choices(list(accounts), query),
        "<h2>Another account</h2>",
        f'<form action="{PATH}">{_hidden(query)}',
        '<label for="account">Name of the account; where there is none, it is made</label>',
        '<input id="account" name="account" required autocomplete="off">',
        '<button class="second">Allow for this one</button></form>',
        f'<h2>Or not</h2><p><a class="button second" href="{_with(query, refuse="1")}">Refuse</a></p></main>',
    ]
    return document(200, "Kit sandbox: access", "".join(parts))


def turned_down(error: OAuthError) -> Answer:
    """Say that nobody was asked, since it is not known to whom the answer may be sent."""
    body = (
        f"{_HEADER}<main><h1>Nobody was asked for access</h1>"
        f'<p class="bad">{breakable(str(error))}.</p><p>Correct the client id, or the address to come back '
        "to, in the settings of the app that sent you here, and begin there again.</p></main>"
    )
    return document(400, "Kit sandbox: access", body)


def _asking(app: str, query: Mapping[str, str]) -> str:
    tenant = query.get("tenant_name")
    return f"It calls itself <b>{breakable(tenant)}</b>, and" if tenant else app


def _choices(accounts: list[str], query: Mapping[str, str]) -> str:
    if not accounts:
        return ""
    offers = "".join(
        f'<li><a class="button" href="{_with(query, account=name)}">Allow for {breakable(name)}</a></li>'
        for name in accounts
    )
    return f'<h2>For which account?</h2><ul class="choices">{offers}</ul>'


def _hidden(query: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )


def _with(query: Mapping[str, str], **more: str) -> str:
    return escape(f"{PATH}?{urlencode({**query, **more})}")
