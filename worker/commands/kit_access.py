"""What `connect` and `disconnect` share: the end of an access at Kit."""

from __future__ import annotations

from typing import Annotated

import typer

from worker.commands.output import harmless, warn
from worker.errors import KitWorkerError
from worker.kit.auth.endpoint import OAuthEndpoint
from worker.ledger.tokens import Connection

Named = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, as its file is named.")]


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
