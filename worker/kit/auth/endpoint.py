"""Kit's OAuth: how an account is connected to an app, and how its access token is renewed.

Sources: Kit API reference, "OAuth"; RFC 6749 (4.1 and 6), RFC 7009, RFC 7636. A refresh token works once:
each refresh returns another one and ends the old, which is answered `invalid_grant` from then on.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from worker.clock import Clock
from worker.errors import CredentialRefused, KitUnavailable, KitWorkerError, RateLimited
from worker.kit.answers import unanswered
from worker.kit.credentials import OAuthApp
from worker.kit.http import user_agent
from worker.kit.sockets import sockets
from worker.ledger.tokens import Tokens
from worker.outside.network import why
from worker.outside.texts import SECRETS, line

AUTHORIZE: Final = "/v4/oauth/authorize"
TOKEN: Final = "/v4/oauth/token"  # noqa: S105  # a path
REVOKE: Final = "/v4/oauth/revoke"
MAX_ANSWER_BYTES: Final = 64 * 1024
USUAL_LIFE: Final = 7200.0
"""Seconds that an access token is good where Kit does not say: as in its example of a refresh."""
_TOKEN: Final = re.compile(r"[!-~]+")


class GrantRefusedError(KitWorkerError):
    """Kit says `invalid_grant`: this code or refresh token was used already, or never was one."""


def authorize_url(
    base_url: str, app: OAuthApp, *, redirect_uri: str, state: str, verifier: str, tenant: str
) -> str:
    """Return the address at which a creator lets the app into the account.

    The verifier is that of PKCE (RFC 7636), for an app without a secret. The tenant is who asks, of all who
    use the app: without it, Kit seems to give two installations the same tokens (Kit API reference).
    """
    query = {
        "client_id": app.client_id.get_secret_value(),
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "state": state,
        "tenant_name": tenant,
    }
    if app.client_secret is None:
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query |= {"code_challenge": challenge, "code_challenge_method": "S256"}
    return f"{base_url.rstrip('/')}{AUTHORIZE}?{urlencode(query)}"


class OAuthEndpoint:
    """Kit's token endpoint, for one app.

    Attributes:
        base_url: Such as `https://api.kit.com`.
        timeout: Seconds for one call.

    Args:
        clock: Says what time it is.
        caller: Who calls, for the `User-Agent`.
    """

    def __init__(
        self, base_url: str, app: OAuthApp, *, timeout: float, clock: Clock, caller: str = ""
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self._app = app
        self._clock = clock
        self._headers = {"Accept": "application/json", "User-Agent": user_agent(caller)}

    async def exchange(self, code: str, *, redirect_uri: str, verifier: str) -> Tokens:
        """Return the tokens for a code; raises as `refresh` does."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if self._app.client_secret is None:
            form["code_verifier"] = verifier
        return await self._granted(form)

    async def refresh(self, refresh_token: str, *, send_by: float = float("inf")) -> Tokens:
        """Return new tokens; the old refresh token is used up by that, also where no answer comes.

        Args:
            refresh_token: The one that was granted last.
            send_by: A moment, as `Clock.monotonic` tells it. After that nothing is sent any more, however
                long this process stood still.

        Raises:
            GrantRefusedError: It was used up before.
            CredentialRefused: Kit does not know the app, or its secret.
            TryLater: Whether it was used up is not known.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._granted(form, send_by=send_by)

    async def revoke(self, token: str) -> None:
        """End a connection at Kit; raises as `refresh` does."""
        await self._post(REVOKE, {"token": token})

    async def _granted(self, form: Mapping[str, str], *, send_by: float = float("inf")) -> Tokens:
        asked_at = self._clock.time()  # before, so that the token ends rather too early for us than too late
        body = await self._post(TOKEN, form, send_by)
        access = body.get("access_token")
        # Without a new one the old one goes on (RFC 6749, 6).
        refresh = body.get("refresh_token") or form.get("refresh_token")
        if not (isinstance(access, str) and _TOKEN.fullmatch(access) and isinstance(refresh, str)):
            raise KitUnavailable(f"POST {TOKEN}: Kit answered without tokens")
        life = _life(body.get("expires_in"))
        SECRETS.add_passing(access, refresh)
        return Tokens(access, refresh, asked_at + life, life)

    async def _post(
        self, path: str, form: Mapping[str, str], send_by: float = float("inf")
    ) -> Mapping[str, Any]:
        secret = self._app.client_secret
        form = {**form, "client_id": self._app.client_id.get_secret_value()}
        form |= {} if secret is None else {"client_secret": secret.get_secret_value()}
        connector = aiohttp.TCPConnector(
            socket_factory=sockets(self.timeout, lambda: self._clock.monotonic() <= send_by)
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=aiohttp.ClientTimeout(total=self.timeout),
                    headers=self._headers,
                    cookie_jar=aiohttp.DummyCookieJar(),
                ) as session,
                session.post(self.base_url + path, data=form, allow_redirects=False) as response,
            ):
                return _read(path, response.status, await _body(path, response))
        except TimeoutError as error:
            raise unanswered(f"POST {path}: Kit gave no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise unanswered(f"POST {path}: {why(error)} (KIT_BASE_URL says where Kit is)") from error


async def _body(path: str, response: aiohttp.ClientResponse) -> bytes:
    """Return all of an answer: half of one would be tokens that are lost."""
    body = b""
    while len(body) <= MAX_ANSWER_BYTES and (part := await response.content.read(MAX_ANSWER_BYTES)):
        body += part
    if len(body) > MAX_ANSWER_BYTES:
        raise KitUnavailable(f"POST {path}: Kit's answer is too large to be one")
    return body


def _life(seconds: object) -> float:
    """Return for how long a token is good; Kit need not say (RFC 6749, 5.1), and a 401 tells when it ends."""
    try:
        life = float(seconds)  # type: ignore[arg-type]  # whatever it is
    except (TypeError, ValueError):
        return USUAL_LIFE
    return life if 0 < life < float("inf") else USUAL_LIFE


def _read(path: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError):
        value = None
    if 200 <= status < 300 and isinstance(value, dict):
        return value
    code = value.get("error") if isinstance(value, dict) else None
    if status in {400, 401} and code == "invalid_grant":
        raise GrantRefusedError(f"POST {path}: Kit answered invalid_grant")
    if status == 429:
        raise RateLimited(f"POST {path}: Kit asks to slow down")
    if status in {400, 401, 403} and isinstance(code, str):
        raise CredentialRefused(
            f"Kit refuses the app ({line(code, 60)}): check its client id and client secret"
        )
    raise KitUnavailable(f"POST {path}: Kit answered {status}, and not as it should")
