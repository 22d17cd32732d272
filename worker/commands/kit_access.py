"""What `connect` and `disconnect` share: Kit's token endpoint, and the end of an access."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.clock import Clock
from worker.commands.output import harmless, warn
from worker.errors import KitWorkerError
from worker.kit.auth.connection import Connection
from worker.kit.auth.endpoint import OAuthEndpoint
from worker.kit.credentials import OAuthApp
from worker.settings import Settings

Named = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, as its file is named.")]


def endpoint_for(settings: Settings, app: OAuthApp) -> OAuthEndpoint:
    """Return Kit's token endpoint, as an app uses it."""
    return OAuthEndpoint(settings.kit_base_url, app, timeout=settings.kit_timeout, clock=Clock())


async def revoke(endpoint: OAuthEndpoint, connection: Connection) -> None:
    """End an access at Kit; where that fails, say who else can."""
    if connection.kit_url != endpoint.base_url:
        not_ended(f"it was connected at {connection.kit_url}, and KIT_BASE_URL is {endpoint.base_url}")
        return
    try:
        await endpoint.revoke(connection.tokens.refresh_token)
    except KitWorkerError as error:
        not_ended(str(error))


def not_ended(why: str) -> None:
    """Say that an access goes on at Kit, and what to do."""
    warn(harmless(f"kit-worker: its access at Kit was not ended ({why}); remove the app in Kit's settings"))
