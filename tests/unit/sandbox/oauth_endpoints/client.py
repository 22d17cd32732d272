"""A client that asks for consent, tokens and refreshes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.unit.sandbox.harness import Kit, Reply
from worker.sandbox import Sandbox

ACCOUNT = "Sunny Kitchen"
CLIENT = {"client_id": "app", "client_secret": "hush-hush"}
CALLBACK = "https://app.example.com/callback?from=kit"
ASKED = {"client_id": "app", "response_type": "code", "redirect_uri": CALLBACK, "state": "s&t"}

TOKEN, REVOKE = "/v4/oauth/token", "/v4/oauth/revoke"


def sandbox(**settings: Any) -> Sandbox:  # noqa: ANN401  # each setting has its own type
    made = Sandbox(**settings)
    made.oauth.client("app", "hush-hush", CALLBACK)
    made.oauth.client("public")
    return made


async def authorize(call: Kit, **query: str) -> Reply:
    return await call("GET", f"/v4/oauth/authorize?{urlencode({**ASKED, **query})}", key=None)


async def token(call: Kit, how: str = "json", /, **body: str) -> Reply:
    if how == "form":
        return await call("POST", TOKEN, key=None, form=body)
    return await call("POST", TOKEN, body, key=None)
