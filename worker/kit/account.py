"""Which account at Kit a credential opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.kit.client import KitClient
from worker.outside.texts import line

LONGEST_NAME: Final = 100
"""Characters of what Kit calls an account."""


@dataclass(frozen=True, slots=True)
class KitAccount:
    """An account at Kit, as Kit describes it.

    Attributes:
        id: Kit's.
        plan: Such as `creator`.
    """

    id: int
    name: str
    plan: str


async def kit_account(client: KitClient) -> KitAccount:
    """Return whose account a client's calls are about (Kit API reference, "Get current account").

    Raises:
        CredentialRefused: Kit does not take the credential.
        TryLater: Kit does not say now.
    """
    answer = await client.get("/v4/account")
    item = answer.item("account")
    return KitAccount(
        answer.id_of("account"),
        line(str(item.get("name") or "an account without a name"), LONGEST_NAME),
        line(str(item.get("plan_type") or "unknown"), LONGEST_NAME),
    )
