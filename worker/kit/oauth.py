"""Kit's OAuth: how an account is connected to an app, and how its access token is renewed.

Sources: Kit API reference, "OAuth"; RFC 6749 (4.1 and 6), RFC 7009, RFC 7636. A refresh token works once:
each refresh returns another one and ends the old, which is answered `invalid_grant` from then on.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from worker.account_file.account import OAuthApp
from worker.connections import Tokens
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError, RateLimited
from worker.kit.answers import unanswered

AUTHORIZE: Final = "/v4/oauth/authorize"
TOKEN: Final = "/v4/oauth/token"  # noqa: S105  # a path
REVOKE: Final = "/v4/oauth/revoke"
MAX_ANSWER_BYTES: Final = 64 * 1024


class GrantRefusedError(KitWorkerError):
    """Kit says `invalid_grant`: this code or refresh token was used already, or never was one."""


def authorize_url(base_url: str, app: OAuthApp, *, redirect_uri: str, state: str, verifier: str) -> str:
    """Return the address at which a creator lets the app into the account.

    The verifier is that of PKCE (RFC 7636), for an app without a secret.
    """
    query = {
        "client_id": app.client_id.get_secret_value(),
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if app.client_secret is None:
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return f"{base_url.rstrip('/')}{AUTHORIZE}?{urlencode(query)}"


class OAuthEndpoint:
    """Kit's token endpoint, for one app.

    Args:
        base_url: Such as `https://api.kit.com`.
        timeout: Seconds for one call.
        wall: Seconds since 1970.
    """

    def __init__(self, base_url: str, app: OAuthApp, *, timeout: float, wall: Callable[[], float]) -> None:
        self.timeout = timeout
        self._base_url = base_url.rstrip("/")
        self._app = app
        self._wall = wall

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str) -> Tokens:
        """Return the tokens for a code; raises as `refresh` does."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if self._app.client_secret is None:
            form["code_verifier"] = verifier
        return await self._granted(form)

    async def refresh(self, refresh_token: str) -> Tokens:
        """Return new tokens; the old refresh token is used up by that, also where no answer comes.

        Raises:
            GrantRefusedError: It was used up before.
            CredentialRefused: Kit does not know the app, or its secret.
            TryLater: Whether it was used up is not known.
        """
        return await self._granted({"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def revoke(self, token: str) -> None:
        """End a connection at Kit; raises as `refresh` does."""
        await self._post(REVOKE, {"token": token})

    async def _granted(self, form: Mapping[str, str]) -> Tokens:
        asked_at = self._wall()  # before, so that the token ends rather too early for us than too late
        body = await self._post(TOKEN, form)
        access, refresh, life = (body.get(name) for name in ("access_token", "refresh_token", "expires_in"))
        if not (isinstance(access, str) and isinstance(refresh, str) and isinstance(life, int | float)):
            raise KitUnavailable(f"POST {TOKEN}: Kit answered without tokens")
        return Tokens(access, refresh, asked_at + life, float(life))

    async def _post(self, path: str, form: Mapping[str, str]) -> Mapping[str, Any]:
        secret = self._app.client_secret
        form = {**form, "client_id": self._app.client_id.get_secret_value()}
        form |= {} if secret is None else {"client_secret": secret.get_secret_value()}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout)) as session,
                session.post(self._base_url + path, data=form, allow_redirects=False) as response,
            ):
                body = await response.content.read(MAX_ANSWER_BYTES)
                return _read(path, response.status, body)
        except TimeoutError as error:
            raise unanswered(f"POST {path}: Kit gave no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise unanswered(f"POST {path}: {type(error).__name__}") from error


def _read(path: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError:
        value = None
    if status == 200 and isinstance(value, dict):
        return value
    code = value.get("error") if isinstance(value, dict) else None
    if status == 400 and code == "invalid_grant":
        raise GrantRefusedError(f"POST {path}: Kit answered invalid_grant")
    if status == 429:
        raise RateLimited(f"POST {path}: Kit asks to slow down")
    if status in {400, 401, 403} and isinstance(code, str):
        raise CredentialRefused(f"Kit refuses the app ({code[:60]}): check its client id and client secret")
    raise KitUnavailable(f"POST {path}: Kit answered {status}, and not as it should")
