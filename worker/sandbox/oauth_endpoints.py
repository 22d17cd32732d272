"""Kit's OAuth endpoints: from a request to an answer.

`authorize` shows a page on which one chooses whose consent it is. With `account=NAME` in its query, which is
the sandbox's own, or where `OAuth.creator` says whose browser it is, it redirects at once.

`token` and `revoke` take a form or JSON, with `/v4` before their path or without: Kit takes all of
them. A token that is unknown is revoked with a 200 (RFC 7009: an invalid token is no error). Errors have the
shape of RFC 6749, `{"error", "error_description"}`. None of the three counts for the rate limit, since there
is no credential yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from worker.sandbox import consent
from worker.sandbox.answers import HTML, TEXT, Answer, json_answer
from worker.sandbox.bodies import Unparsed, UnreadableError
from worker.sandbox.oauth import OAuth
from worker.sandbox.tokens import SCOPE, Asked, Client, OAuthError

PATHS = ("/v4/oauth/", "/oauth/")
MAX_TENANT = 255  # characters; Kit's limit is not published

OAuthEndpoint = Callable[[OAuth, Unparsed], Answer]


def authorize(oauth: OAuth, given: Unparsed) -> Answer:
    """Ask a creator for consent, or redirect to the client with a code, or with an error.

    A client or redirect URI that is unknown is answered here (400): nobody is sent to an address like that.
    """
    query = given.parameters()
    try:
        client = oauth.known(query.get("client_id", ""))
        redirect_uri = _redirect_uri(client, query)
    except OAuthError as error:
        return consent.turned_down(error)
    try:
        _check(client, query)
        account = query.get("account") or oauth.creator
        if account is None:
            return consent.page(oauth.account_names(), query)
        code = oauth.consent(client, account, _asked(redirect_uri, query))
    except OAuthError as error:
        return _redirect(redirect_uri, query, error=error.error, error_description=str(error))
    return _redirect(redirect_uri, query, code=code)


def token(oauth: OAuth, given: Unparsed) -> Answer:
    """Give tokens for a code, or for a refresh token."""
    try:
        body = _body(given)
        client = oauth.known(_required(body, "client_id"))
        match _required(body, "grant_type"):
            case "authorization_code":
                code, redirect_uri = _required(body, "code"), _required(body, "redirect_uri")
                tokens = oauth.exchange(
                    client, code, redirect_uri, body.get("client_secret"), body.get("code_verifier")
                )
            case "refresh_token":
                tokens = oauth.refresh(client, _required(body, "refresh_token"), body.get("client_secret"))
            case _:
                raise OAuthError("unsupported_grant_type", "The grant type is not supported")  # noqa: TRY301  # one shape for all errors
    except OAuthError as error:
        return _refusal(error)
    return json_answer(200, tokens.json())


def revoke(oauth: OAuth, given: Unparsed) -> Answer:
    """End a connection by one of its tokens; 200 too where there is none (RFC 7009)."""
    try:
        body = _body(given)
        client = oauth.known(_required(body, "client_id"))
        oauth.revoke(client, _required(body, "token"), body.get("client_secret"))
    except OAuthError as error:
        return _refusal(error)
    return Answer(200, b"", TEXT)


def secret_in(given: Unparsed) -> str | None:
    """The code or token that a request is about, for the journal."""
    try:
        body = _body(given)
    except OAuthError:
        return None
    return body.get("refresh_token") or body.get("code") or body.get("token")


ROUTES: Mapping[str, OAuthEndpoint] = {
    "GET /v4/oauth/authorize": authorize,
    "POST /v4/oauth/token": token,
    "POST /v4/oauth/revoke": revoke,
    "POST /oauth/token": token,
    "POST /oauth/revoke": revoke,
}


def _check(client: Client, query: Mapping[str, str]) -> None:
    if query.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The response type is not code")
    if "code_challenge" not in query and client.needs_pkce:
        raise OAuthError("invalid_request", "A client without a secret has to send a code challenge")
    if "code_challenge" in query and query.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "The code challenge method is not S256")
    if not 0 < len(query.get("tenant_name", "one").strip()) <= MAX_TENANT:
        raise OAuthError("invalid_request", f"The tenant name is blank, or longer than {MAX_TENANT}")
    if "refuse" in query:
        raise OAuthError("access_denied", "The creator refused")


def _asked(redirect_uri: str, query: Mapping[str, str]) -> Asked:
    tenant = query.get("tenant_name", "")
    return Asked(redirect_uri, query.get("code_challenge"), query.get("scope", SCOPE), tenant)


def _redirect_uri(client: Client, query: Mapping[str, str]) -> str:
    uri = query.get("redirect_uri", "")
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise OAuthError("invalid_request", "The redirect URI is no address")
    if client.redirect_uris and uri not in client.redirect_uris:
        raise OAuthError("invalid_request", "The redirect URI is not one of the client's")
    return uri


def _redirect(uri: str, query: Mapping[str, str], **answer: str) -> Answer:
    parts = urlsplit(uri)
    told = [*parse_qsl(parts.query), *answer.items()]
    if "state" in query:
        told.append(("state", query["state"]))
    return Answer(302, b"", HTML, location=urlunsplit(parts._replace(query=urlencode(told))))


def _body(given: Unparsed) -> dict[str, str]:
    try:
        body = given.parse()
    except UnreadableError as error:
        raise OAuthError("invalid_request", str(error)) from error
    return {name: value for name, value in body.items() if isinstance(value, str) and value}


def _required(body: Mapping[str, str], name: str) -> str:
    if name not in body:
        raise OAuthError("invalid_request", f"Missing required parameter: {name}")
    return body[name]


def _refusal(error: OAuthError) -> Answer:
    return json_answer(error.status, {"error": error.error, "error_description": str(error)})
